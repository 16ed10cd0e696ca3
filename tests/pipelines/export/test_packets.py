"""Cutting sequences into the inputs of a stream's steps."""

from types import SimpleNamespace

import numpy as np
import pytest

from pipelines.export.packets import packets


@pytest.mark.parametrize(("steps", "packet"), [(1, 1), (4, 1), (4, 2), (5, 2), (3, 3)])
@pytest.mark.parametrize("first", ["memory", "tokens"])
def test_what_is_no_sequence_is_given_whole_to_each_step(steps: int, packet: int, first: str) -> None:
    arrays = {"memory": np.zeros([1, 7, 2]), "tokens": np.arange(steps)[None]}
    given = {name: arrays[name] for name in sorted(arrays, key=lambda name: name != first)}
    shapes = {"memory": (1, 7, 2), "tokens": (1, packet)}
    stream = SimpleNamespace(inputs={name: SimpleNamespace(shape=shape) for name, shape in shapes.items()})
    found = list(packets(stream, given))
    assert all(each["memory"] is arrays["memory"] for each in found)
    tokens = np.concatenate([each["tokens"] for each in found], axis=1)
    np.testing.assert_array_equal(tokens[0], np.arange(steps - steps % packet))
    assert {each["tokens"].shape for each in found} == {(1, packet)}
