"""Ranges of all tensors, those inside loops too, over all steps and examples."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from reference.tflite_graphs import BOOL, INT32, Graph, Op, Tensor, loop, model

from pipelines.export.tflite.calibration import calibrate
from pipelines.export.tflite.flatbuffer import pack
from pipelines.export.tflite.graph_runner import GraphRunner
from pipelines.export.tflite.passes.unique_names import unique_names

pytestmark = pytest.mark.filterwarnings("ignore:Warning. Enabling `experimental_preserve_all_tensors`")
X = np.array([1, -2], np.float32)


def number(name: str, value: float, dtype: type = np.float32) -> Tensor:
    kind = INT32 if dtype is np.int32 else schema.TensorType.FLOAT32
    return Tensor(name, kind, (), np.array(value, dtype))


@pytest.fixture
def doubling() -> Any:
    """Return 2 ** 3 * x by a loop, then its negative."""
    condition = Graph(
        [Tensor("t", INT32, ()), Tensor("h"), number("steps", 3, np.int32), Tensor("more", BOOL, ())],
        [Op("LESS", [0, 2], [3], schema.LessOptionsT())],
        [0, 1],
        [3],
    )
    body = Graph(
        [
            Tensor("t", INT32, ()),
            Tensor("h"),
            number("one", 1, np.int32),
            number("two", 2),
            Tensor("next t", INT32, ()),
            Tensor("next h"),
        ],
        [Op("ADD", [0, 2], [4], schema.AddOptionsT()), Op("MUL", [1, 3], [5], schema.MulOptionsT())],
        [0, 1],
        [4, 5],
    )
    main = Graph(
        [
            Tensor("x"),
            number("zero", 0, np.int32),
            Tensor("t", INT32, ()),
            Tensor("last"),
            Tensor("y"),
        ],
        [Op("WHILE", [1, 0], [2, 3], loop(1, 2)), Op("NEG", [3], [4])],
        [0],
        [4],
    )
    made = model(main, condition, body, signatures={"serve": 0})
    unique_names(made)
    return made


def test_ranges_cover_every_step_of_a_loop_and_every_example(doubling: Any) -> None:
    ranges = calibrate(doubling, [{"x": X}, {"x": X / 4}], "serve")
    assert ranges == {
        "0/0/x": (-2, 1),
        "0/3/last": (-16, 8),
        "0/4/y": (-8, 16),
        "1/1/h": (-16, 8),
        "2/1/h": (-8, 4),
        "2/5/next h": (-16, 8),
    }


def test_without_examples_there_are_no_ranges(doubling: Any) -> None:
    assert calibrate(doubling, [], "serve") == {}


def test_tensors_are_reported_in_the_order_of_computation_and_the_model_stays(doubling: Any) -> None:
    before, reported = pack(doubling), []
    runner = GraphRunner(
        doubling, lambda tensor, value: reported.append((tensor.name.decode(), value.copy()))
    )
    runner.run_signature("serve", {"x": X})
    states = [value.tolist() for name, value in reported if name == "2/5/next h"]
    assert states == [[2, -4], [4, -8], [8, -16]]
    names = [name for name, _ in reported]
    assert names[0] == "0/0/x"
    assert names[-1] == "0/4/y"
    assert names.count("1/3/more") == 4, "three steps, and the test that ends the loop"
    assert pack(doubling) == before
