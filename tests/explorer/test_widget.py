"""The widget: `state` goes both ways, and p, q and unit follow from it."""

import os
import re
import subprocess
import sys

import numpy as np
import pytest

import xent
from xent import DistributionError, explorer

pytest.importorskip("anywidget")


@pytest.fixture
def sent(monkeypatch):
    """What a widget sends to its front end, message after message."""
    import comm

    messages = []

    class Wire(comm.base_comm.BaseComm):
        def publish_msg(self, msg_type, data=None, metadata=None, buffers=None, **keys):
            messages.append((msg_type, data))

    monkeypatch.setattr(comm, "create_comm", Wire)
    monkeypatch.setattr("ipywidgets.widgets.widget.comm.create_comm", Wire)
    return messages


def states(messages):
    """The values of `state` that were sent, first to last."""
    return [data["state"]["state"] for _, data in messages if "state" in (data or {}).get("state", {})]


def from_front_end(widget, state):
    """What a drag on the page leads to."""
    message = {"content": {"data": {"method": "update", "state": {"state": state}}}, "buffers": []}
    widget._handle_msg(message)


def test_it_begins_with_the_defaults_of_the_page(sent):
    w = explorer.widget()
    assert w.state == "v=1"
    assert (w.p, w.q, w.unit) == ((0.1, 0.2, 0.7), (0.6, 0.3, 0.1), "nats")
    assert states(sent) == ["v=1"]


def test_it_carries_the_module(sent):
    w = explorer.widget()
    assert w._esm == explorer.module()


def test_setting_a_property_changes_its_key_and_is_sent(sent):
    w = explorer.widget()
    from_front_end(w, "v=1&chapter=training&unit=nats&p=0.1,0.2,0.7&q=0.6,0.3,0.1&eta=2")
    sent.clear()
    w.p = np.array([0.5, 0.25, 0.25])
    assert w.state == "v=1&chapter=training&unit=nats&p=0.5,0.25,0.25&q=0.6,0.3,0.1&eta=2"
    w.q = [1, 0, 0]
    w.unit = "bits"
    assert states(sent)[-1] == w.state == "v=1&chapter=training&unit=bits&p=0.5,0.25,0.25&q=1,0,0&eta=2"
    assert len(states(sent)) == 3
    assert (w.p, w.q, w.unit) == ((0.5, 0.25, 0.25), (1.0, 0.0, 0.0), "bits")


def test_what_the_front_end_sets_is_read(sent):
    w = explorer.widget()
    seen = []
    w.observe(lambda change: seen.append(w.p), names="state")
    from_front_end(w, "v=1&chapter=simplex&unit=bits&p=0.25,0.25,0.5&q=1e-7,0,0.9999999")
    assert (w.p, w.q, w.unit) == ((0.25, 0.25, 0.5), (1e-7, 0.0, 0.9999999), "bits")
    assert seen == [(0.25, 0.25, 0.5)]


@pytest.mark.parametrize("state", ["", "rubbish", "v=1&p=1,1,1&q=x&unit=bans", "v=1&p=%zz"])
def test_what_is_not_accepted_reads_as_the_default(sent, state):
    w = explorer.widget()
    from_front_end(w, state)
    assert (w.p, w.q, w.unit) == ((0.1, 0.2, 0.7), (0.6, 0.3, 0.1), "nats")


def test_a_bad_value_is_refused_and_nothing_changes(sent):
    w = explorer.widget(p=[0.5, 0.25, 0.25])
    before = w.state
    sent.clear()
    with pytest.raises(DistributionError, match=re.escape("`q` sums to 1.1, not 1")):
        w.q = [0.5, 0.3, 0.3]
    with pytest.raises(ValueError, match=re.escape("`unit` is 'bans'")):
        w.unit = "bans"
    assert w.state == before
    assert states(sent) == []


def test_it_can_begin_elsewhere(sent):
    w = explorer.widget(p=[1, 0, 0], unit="bits")
    assert w.state == "v=1&p=1,0,0&unit=bits"
    assert states(sent) == [w.state]
    with pytest.raises(xent.ShapeError, match=re.escape("`p` has shape (2,)")):
        explorer.widget(p=[0.5, 0.5])


def fresh(code: str) -> str:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, env=environment, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


WITHOUT = """
import importlib.abc, sys
class No(importlib.abc.MetaPathFinder):
    def find_spec(self, name, *_):
        if name.split(".")[0] == "anywidget":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, No())
from xent import explorer
"""


def test_without_anywidget_it_is_the_page_and_says_so():
    code = """
w = explorer.widget()
print(w.html == explorer.show().html)
print('<iframe sandbox="allow-scripts" srcdoc="' in w._repr_html_())
print(w._repr_html_().split("\\n")[0])
"""
    same, framed, first = fresh(WITHOUT + code).splitlines()
    assert (same, framed) == ("True", "True")
    assert first.startswith("<p>Python and this page do not see each other")
    assert "pip install &#x27;xent[widget]&#x27;" in first


def test_without_anywidget_values_are_refused_and_wrong_ones_first():
    code = """
for given in ({"p": [1, 0, 0], "unit": "bits"}, {"p": [1, 1, 0]}):
    try:
        explorer.widget(**given)
    except Exception as error:
        print(type(error).__name__, error)
"""
    missing, wrong = fresh(WITHOUT + code).splitlines()
    assert missing == "ModuleNotFoundError `widget` needs anywidget to take `p` and `unit`: pip install 'xent[widget]'"
    assert wrong.startswith("DistributionError `p` sums to 2, not 1")


def test_the_room_and_its_page_import_no_widget_library():
    code = (
        "import sys\nfrom xent import explorer\nexplorer.module(), explorer.show()._repr_html_()\n"
        "print(sorted({'anywidget', 'traitlets', 'ipywidgets'} & set(sys.modules)))"
    )
    assert fresh(code) == "[]\n"
