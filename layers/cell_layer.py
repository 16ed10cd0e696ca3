"""The base class of layers that create their own cell: LSTM, GRU and the others."""

from __future__ import annotations

import inspect
import re
from typing import Any, ClassVar

import keras

from .cells.base import Cell
from .recurrent import Recurrent


class CellLayer(Recurrent):
    """A `Recurrent` layer that creates its own cell; a base class.

    A subclass sets `cell_class`. Its constructor takes the arguments of the cell and of `Recurrent`: the
    cell's first two (units and activation) by position, all others by name. The cell's arguments are also
    attributes of the layer (`LSTM(8).units`).

    Raises:
        TypeError: a third positional argument, or an unknown name.
    """

    cell_class: ClassVar[type[Cell]]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Give the class one signature, with the arguments of its cell and of `Recurrent`."""
        super().__init_subclass__(**kwargs)
        cls._cell_arguments = tuple(_parameters(cls.cell_class))
        merged = {**_parameters(cls.cell_class), **_parameters(Recurrent)}
        del merged["cell"]
        first, second, *others = merged.values()
        by_name = [parameter.replace(kind=parameter.KEYWORD_ONLY) for parameter in others]
        cls.__signature__ = inspect.Signature([first, second, *by_name])

    def __init__(self, *positional: Any, **kwargs: Any) -> None:
        if len(positional) > 2:
            names = list(inspect.signature(type(self)).parameters)[:2]
            raise TypeError(
                f"{type(self).__name__}: expected only {' and '.join(names)} by position, "
                f"got {positional[2]!r} too"
            )
        of_cell = {name: kwargs.pop(name) for name in self._cell_arguments if name in kwargs}
        cell_name = _WORD_STARTS.sub("_", self.cell_class.__name__).lower()
        cell = self.cell_class(*positional, dtype=kwargs.get("dtype"), name=cell_name, **of_cell)
        super().__init__(cell, **kwargs)

    def __getattr__(self, name: str) -> Any:
        """Look up the cell's arguments on the cell."""
        if name in type(self)._cell_arguments:
            return getattr(self.cell, name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        config = super().get_config()
        del config["cell"]
        of_cell = self.cell.get_config()
        return config | {name: of_cell[name] for name in self._cell_arguments}


_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
_WORD_STARTS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def _parameters(layer_class: type) -> dict[str, inspect.Parameter]:
    """Return the constructor arguments of a class and its bases in this package.

    The first of a cell is `units`, or the name that the cell has for it.
    """
    found: dict[str, inspect.Parameter] = {}
    for owner in layer_class.__mro__[: layer_class.__mro__.index(keras.layers.Layer)]:
        if "__init__" in vars(owner):
            for parameter in inspect.signature(vars(owner)["__init__"]).parameters.values():
                if parameter.kind in _NAMED and parameter.name != "self":
                    found.setdefault(parameter.name, parameter)
    if next(iter(found)) != "units":
        found.pop("units", None)
    return found
