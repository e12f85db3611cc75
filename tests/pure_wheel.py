"""Run with a Python whose xent was installed without a compiler: it works, and says that the core is missing."""

import math
import sys

import xent

facts = xent.about()
print(facts)
problems: list[str] = []
if facts.native:
    problems.append("the compiled core is there: this environment was meant to be without it")
if not facts.native_reason or "missing" not in str(facts):
    problems.append("about() does not say that the core is missing, and why")
if not math.isclose(xent.entropy([0.5, 0.25, 0.25], unit="bits"), 1.5, rel_tol=1e-15):
    problems.append("entropy is wrong")
if not math.isclose(xent.kl_divergence([0.5, 0.5], [0.25, 0.75]), 0.14384103622589045, rel_tol=1e-15):
    problems.append("KL divergence is wrong")
# The explorer is built beforehand: it comes with every wheel, and needs neither compiler nor Node.
if not xent.explorer.show().html.endswith("</html>\n"):
    problems.append("the explorer is not whole")
for problem in problems:
    print("error:", problem, file=sys.stderr)
sys.exit(bool(problems))
