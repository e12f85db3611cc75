"""The explorer as a notebook's widget. Importing this module needs anywidget, the extra `widget`."""

from __future__ import annotations

from typing import Any

import anywidget
import traitlets

from xent.explorer import _state
from xent.explorer._asset import module


class Explorer(anywidget.AnyWidget):
    """The explorer in a notebook. `p`, `q` and `unit` follow from `state`, and setting one changes its key only.

    Attributes
    ----------
    state : str
        All that the page shows, as the text that a link has after its `#`; what is dragged changes it.
    """

    _esm = module()
    state = traitlets.Unicode(_state.START).tag(sync=True)

    @property
    def p(self) -> _state.Shares:
        """The truth: three shares."""
        return _state.read(self.state).p

    @p.setter
    def p(self, value: Any) -> None:
        self.state = _state.replaced(self.state, "p", value)

    @property
    def q(self) -> _state.Shares:
        """The model: three shares."""
        return _state.read(self.state).q

    @q.setter
    def q(self, value: Any) -> None:
        self.state = _state.replaced(self.state, "q", value)

    @property
    def unit(self) -> str:
        """The unit of everything shown, "nats" or "bits"."""
        return _state.read(self.state).unit

    @unit.setter
    def unit(self, value: str) -> None:
        self.state = _state.replaced(self.state, "unit", value)
