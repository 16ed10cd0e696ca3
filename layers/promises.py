"""What a cell may promise of its maps, so that training takes less time.

multiplies_state    `project_state` is h U plus a constant, with U = `recurrent_kernel`
adds_projections    `update` uses its two projections in their sum only
"""

from __future__ import annotations

from .cells.base import Cell


def multiplies_state(cell: Cell) -> bool:
    """Return whether the cell multiplies its first state by `recurrent_kernel`."""
    return _holds(cell, "multiplies_state", "project_state")


def adds_projections(cell: Cell) -> bool:
    """Return whether the cell adds its projections."""
    return _holds(cell, "adds_projections", "update")


def _holds(cell: Cell, promise: str, of: str) -> bool:
    """Return whether a promise holds: no subclass has defined the method anew without promising it again."""
    classes = type(cell).__mro__
    promised, defined = (
        next(i for i, each in enumerate(classes) if part in vars(each)) for part in (promise, of)
    )
    return promised <= defined and bool(getattr(cell, promise))
