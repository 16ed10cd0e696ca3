"""The names in the settings are those that the layers know."""

from contextlib import nullcontext
from typing import get_args

import pytest

import layers
from pipelines.config import WITHOUT_RECURRENT_DROPOUT, Cell


def test_apps_may_use_every_cell() -> None:
    assert get_args(Cell) == layers.CELL_NAMES


@pytest.mark.parametrize("name", layers.CELL_NAMES)
def test_cells_without_recurrent_weights_are_known(name: str) -> None:
    expected = pytest.raises(ValueError, match="recurrent_dropout: expected none")
    with expected if name in WITHOUT_RECURRENT_DROPOUT else nullcontext():
        layers.by_name(name)(2, recurrent_dropout=0.1)
