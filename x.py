import time, numpy as np, sys
import scipy.stats as st
from xent.distributions._view import View
from xent.distributions._integrands import *
from xent.distributions._quadrature import integrate
def view(d, name="p"):
    lo, hi = d.support()
    b = np.shape(lo)
    return View(name, d, "numpy", "float64", None, b, (), False, np.asarray(lo,float), np.asarray(hi,float), d.logpdf, d.ppf, None, False, None)
def noq(v):
    import dataclasses
    return dataclasses.replace(v, quantile=None)
def show(label, integrand, p, q=None, truth=None, quant=True, **kw):
    P, Q = view(p), view(q,"q") if q is not None else None
    if not quant: P, Q = noq(P), noq(Q) if Q else None
    try:
        t=time.perf_counter(); r=integrate(integrand,P,Q,**kw); t=time.perf_counter()-t
        ok = "" if truth is None else ("OK " if np.all(np.abs(r.value-truth)<=r.error_bound) or r.value==truth else "BAD ")+f"err {np.max(np.abs(r.value-truth)):.1e}"
        print(f"{label:28s} {np.ravel(r.value)[:3]} ±{np.max(r.error_bound):.1e} n={r.n} {t*1e3:.1f}ms {ok}")
    except Exception as e:
        print(label, type(e).__name__, e)
def nkl(m1,s1,m2,s2):
    import mpmath as mp
    mp.mp.dps=60
    m1,s1,m2,s2=map(mp.mpf,(m1,s1,m2,s2)); t=(s1/s2)**2-1
    return float((t-mp.log1p(t)+((m1-m2)/s2)**2)/2)
N=st.norm
for a in [(0,1,1,2),(0,1,0,1+1e-8),(1e6,1e-3,1e6+1e-3,2e-3),(0,1,1e6,1e-3),(1e6,1e-3,0,1),(0,1e-3,0,1e3),(0,1e3,0,1e-3),(1e8,1,-1e8,1),(0,1e-200,0,1e-199),(0,1e100,1,1e101)]:
    for quant in (True, False):
        show(f"N{a}", KL_DIVERGENCE, N(*a[:2]), N(*a[2:]), nkl(*a), quant)
show("H N", ENTROPY, N(0,1), None, N(0,1).entropy())
show("H cauchy", ENTROPY, st.cauchy(), None, np.log(4*np.pi))
show("H cauchy noq", ENTROPY, st.cauchy(), None, np.log(4*np.pi), False)
for d in [st.beta(.1,.1), st.gamma(.01), st.chi2(1), st.beta(.5,.5), st.expon(), st.lognorm(2), st.gamma(1e6), st.uniform(0,1), st.uniform(5,1e-3), st.laplace(3,2),st.pareto(.5),st.t(.3),st.invgamma(.3), st.gumbel_r(), st.weibull_min(.1),st.t(2.5)]:
    show(f"H {d.dist.name}{d.args}", ENTROPY, d, None, float(d.entropy()))
    show(f"H noq", ENTROPY, d, None, float(d.entropy()),False)
show("cauchy||norm", KL_DIVERGENCE, st.cauchy(), N())
show("norm||cauchy", KL_DIVERGENCE, N(), st.cauchy())
show("norm||gumbel", KL_DIVERGENCE, N(), st.gumbel_r(), -.5*np.log(2*np.pi*np.e)+np.exp(.5))
show("t3||norm", KL_DIVERGENCE, st.t(3), N(), float(-st.t(3).entropy()+.5*np.log(2*np.pi)+1.5))
show("t2||norm", KL_DIVERGENCE, st.t(2), N())
show("norm||unif", KL_DIVERGENCE, N(), st.uniform(-50,100))
show("unif||norm", KL_DIVERGENCE, st.uniform(-1,2), N(), -np.log(2)+.5*np.log(2*np.pi)+1/6)
show("js disjoint", JS_DIVERGENCE, st.uniform(0,1), st.uniform(3,1), np.log(2))
show("kl disjoint", KL_DIVERGENCE, st.uniform(0,1), st.uniform(3,1))
show("expon||gamma.5", KL_DIVERGENCE, st.expon(), st.gamma(.5), float(.5*np.log(np.pi)-.5*np.euler_gamma -0))
show("batch", KL_DIVERGENCE, N(np.arange(5)*1e3, 1), N(0,np.array([[1.],[2],[3]])))
t=time.perf_counter()
show("batch1000", KL_DIVERGENCE, N(np.random.rand(1000), 1), N(0,2))
