"""The table of cases holds every public layer, and no layer that was removed."""

import inspect

import keras
from reference.cases import (
    CASES,
    CELLS,
    CELLS_ON_GRIDS,
    FRONT_END,
    OF_TOKENS,
    ON_GRIDS,
    OVER_MEMORY,
    RECURRENT,
    SEQUENCES,
    STATEFUL,
    WITHOUT_CASE,
)

import layers

PUBLIC = {
    name
    for name in layers.__all__
    if inspect.isclass(getattr(layers, name)) and issubclass(getattr(layers, name), keras.layers.Layer)
}


def test_every_public_layer_has_a_case() -> None:
    made = {type(case.make()).__name__ for case in CASES.values()}
    made |= {type(make()).__name__ for make in (CELLS | CELLS_ON_GRIDS | OF_TOKENS | OVER_MEMORY).values()}
    made |= {type(make()).__name__ for make, _ in (FRONT_END | ON_GRIDS).values()}
    assert made | WITHOUT_CASE == PUBLIC
    assert not made & WITHOUT_CASE


def test_tables_are_not_empty() -> None:
    assert len(PUBLIC) >= 10
    assert len(CASES) >= 7
    assert len(CELLS) >= 3
    assert len(FRONT_END) >= 7
    assert len(OVER_MEMORY) >= 4
    assert len(RECURRENT) >= 4
    assert len(STATEFUL) >= 5
    assert len(SEQUENCES) >= 6


def test_cases_return_the_states_they_promise() -> None:
    for case in STATEFUL.values():
        result = case.built(return_state=True).compute_output_shape((3, 4, 2))
        assert [shape[-1] for shape in result[1:]] == list(case.states)
