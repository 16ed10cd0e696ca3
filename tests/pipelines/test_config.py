"""The names in the settings are those that the layers know."""

from typing import get_args

import pytest

import layers
from layers.cells.linear import LinearCell
from pipelines.config import LINEAR_CELLS, Cell


def test_apps_may_use_every_cell() -> None:
    assert get_args(Cell) == layers.CELL_NAMES


@pytest.mark.parametrize("name", layers.CELL_NAMES)
def test_cells_without_recurrent_weights_are_known(name: str) -> None:
    cell = layers.by_name(name)(2).cell
    assert isinstance(cell, LinearCell) == (name in LINEAR_CELLS)
