"""Streaming on the device: the state is kept, copied, set, saved and refused."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reference import device_models
from reference.device_models import FEATURES, START, UNITS, next_state, probabilities

from pipelines.errors import UserError
from pipelines.export.tflite.flatbuffer import pack, parse
from pipelines.ondevice.model import Model, Stream

INPUTS = np.random.default_rng(3).normal(size=(6, 1, 1, FEATURES)).astype(np.float32)
STATES = {"rnn_h", "clock_count", "line_last"}


@pytest.fixture(scope="module")
def content(tmp_path_factory) -> bytes:
    return device_models.step(tmp_path_factory.mktemp("step"))


@pytest.fixture
def stream(content: bytes) -> Stream:
    return Stream(content)


def answers(stream: Stream, inputs: np.ndarray) -> np.ndarray:
    return np.concatenate([stream(features=x)["probabilities"] for x in inputs])


def test_inputs_outputs_and_states_are_told_apart(stream: Stream) -> None:
    assert stream.inputs == {"features": ((1, 1, 3), np.dtype("float32"))}
    assert stream.outputs == {"probabilities": ((1, 1, 2), np.dtype("float32"))}
    assert stream.states == {
        "rnn_h": ((1, UNITS), np.dtype("float32")),
        "clock_count": ((1, 1), np.dtype("int32")),
        "line_last": ((1, 3), np.dtype("int8")),
    }


def test_steps_are_those_of_numpy(stream: Stream) -> None:
    h = np.full((1, UNITS), START)
    for number, x in enumerate(INPUTS, 1):
        h = next_state(x[:, 0], h)
        answer = stream(features=x)
        assert answer.keys() == {"probabilities"}
        np.testing.assert_allclose(answer["probabilities"][:, 0], probabilities(h), atol=1e-5)
        np.testing.assert_allclose(stream.state["rnn_h"], h, atol=1e-5)
        assert stream.state["clock_count"] == number


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite_are_refused_and_leave_the_state(stream: Stream, value: float) -> None:
    stream(features=INPUTS[0])
    before, packet = stream.state, INPUTS[1].copy()
    packet[0, 0, 1] = value
    with pytest.raises(ValueError, match="features: expected finite numbers, got NaN or infinity"):
        stream(features=packet)
    for name, array in stream.state.items():
        np.testing.assert_array_equal(array, before[name])


def test_large_numbers_are_finite_and_others_are_taken_if_asked_for(content: bytes, stream: Stream) -> None:
    stream(features=np.full_like(INPUTS[0], 3e38))
    careless = Stream(content, check_finite=False)
    careless(features=np.full_like(INPUTS[0], np.nan))
    assert np.isnan(careless.state["rnn_h"]).any()


@pytest.mark.parametrize("raw", [False, True])
def test_integer_states_stay_as_they_are(content: bytes, raw: bool) -> None:
    stream = Stream(content, raw=raw)
    for value in (100, -7, 1, 5):
        stream(features=np.full((1, 1, FEATURES), value, np.float32))
    assert stream.state["line_last"].dtype == np.int8
    assert stream.state["line_last"].tolist() == [[-7, 1, 5]]


def test_reset_goes_back_to_the_start(stream: Stream) -> None:
    start, first = stream.state, answers(stream, INPUTS)
    stream.reset()
    for name in STATES:
        np.testing.assert_array_equal(stream.state[name], start[name])
    assert start["rnn_h"].tolist() == [[START] * UNITS]
    np.testing.assert_array_equal(answers(stream, INPUTS), first)


def test_a_state_that_was_taken_goes_on_where_it_was(stream: Stream) -> None:
    answers(stream, INPUTS[:3])
    state = stream.state
    expected = answers(stream, INPUTS[3:])
    stream.state = state
    np.testing.assert_array_equal(answers(stream, INPUTS[3:]), expected)


def test_taken_and_given_states_are_copies(stream: Stream) -> None:
    taken = stream.state
    taken["rnn_h"][:] = 9
    assert stream.state["rnn_h"].max() == START
    stream.state = taken
    taken["rnn_h"][:] = 7
    assert stream.state["rnn_h"].max() == 9


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rnn_h": np.zeros((1, 9), np.float32)}, r"rnn_h: expected float32 \(1, 8\), got float32 \(1, 9\)"),
        ({"rnn_h": np.zeros((1, UNITS))}, r"rnn_h: expected float32 \(1, 8\), got float64"),
        ({"clock_count": np.zeros((1, 1), np.int64)}, r"clock_count: expected int32 \(1, 1\), got int64"),
        ({"other": np.zeros(1)}, r"state: expected \['clock_count', 'line_last', 'rnn_h'\], got .*other"),
    ],
)  # fmt: skip
def test_states_of_others_are_refused(stream: Stream, change: dict, message: str) -> None:
    before = stream.state
    with pytest.raises(UserError, match=message):
        stream.state = {**before, **change}
    np.testing.assert_array_equal(stream.state["rnn_h"], before["rnn_h"])


def test_inputs_of_others_are_refused_and_the_state_stays(stream: Stream) -> None:
    with pytest.raises(ValueError, match=r"expected inputs \['features'\], got \['rnn_h'\]"):
        stream(rnn_h=np.zeros((1, UNITS), np.float32))
    with pytest.raises(ValueError, match=r"features: expected float32 \(1, 1, 3\), got float32 \(1, 2, 3\)"):
        stream(features=np.zeros((1, 2, FEATURES), np.float32))
    assert stream.state["clock_count"] == 0


def test_a_saved_state_goes_on_in_another_process_of_the_same_model(content, tmp_path: Path) -> None:
    first, second = Stream(content), Stream(content)
    answers(first, INPUTS[:3])
    first.save(tmp_path / "state.npz")
    second.load(str(tmp_path / "state.npz"))
    np.testing.assert_array_equal(answers(second, INPUTS[3:]), answers(first, INPUTS[3:]))
    assert [path.name for path in tmp_path.iterdir()] == ["state.npz"]


def test_the_state_of_another_model_is_refused(content, tmp_path: Path) -> None:
    model = parse(content)
    model.description = b"of the same shapes"
    Stream(pack(model)).save(tmp_path / "state.npz")
    with pytest.raises(
        UserError, match=r"state\.npz: expected the state of this model, found that of another model"
    ):
        Stream(content).load(tmp_path / "state.npz")


def _saved(tmp_path: Path, stream: Stream, **change: object) -> Path:
    """Save a state, and change arrays in the file."""
    path = tmp_path / "state.npz"
    stream.save(path)
    with np.load(path) as arrays:
        changed = {**arrays, **change}
    np.savez(path, **changed)
    return path


def test_files_with_objects_other_shapes_or_huge_arrays_are_refused(stream, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="expected a saved state"):
        stream.load(_saved(tmp_path, stream, **{"state.rnn_h": np.array([{}], object)}))
    with pytest.raises(UserError, match=r"rnn_h: expected float32 \(1, 8\)"):
        stream.load(_saved(tmp_path, stream, **{"state.rnn_h": np.zeros((2, 4), np.float32)}))
    with pytest.raises(UserError, match=r"state\.rnn_h\.npy: expected at most 4128 bytes, found 80000128"):
        stream.load(_saved(tmp_path, stream, **{"state.rnn_h": np.zeros(10_000_000)}))


def test_files_that_cannot_be_read_or_written_are_refused(stream, tmp_path: Path) -> None:
    for path in (tmp_path / "none.npz", tmp_path):
        with pytest.raises(UserError, match=f"{path}: expected a saved state"):
            stream.load(path)
    with pytest.raises(UserError, match="expected a file to write to: No such file"):
        stream.save(tmp_path / "none" / "state.npz")


@settings(
    max_examples=200,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.data())
def test_a_damaged_file_is_refused_or_harmless(stream: Stream, tmp_path: Path, data) -> None:
    path = tmp_path / "state.npz"
    stream.reset()
    answers(stream, INPUTS[:1])
    before = stream.state
    stream.save(path)
    damaged = bytearray(path.read_bytes())
    at = data.draw(st.integers(0, len(damaged) - 1))
    cut = data.draw(st.integers(at, len(damaged)))
    damaged[at:cut] = data.draw(st.binary(max_size=8))
    path.write_bytes(damaged)
    said = f"{path}: "
    try:
        stream.load(path)
    except UserError as error:
        said = str(error)
    assert said.startswith(f"{path}: ")
    assert len(said.splitlines()) == 1
    for name in STATES:
        np.testing.assert_array_equal(stream.state[name], before[name])


def test_a_saved_state_is_a_plain_npz(stream: Stream, tmp_path: Path) -> None:
    stream.save(tmp_path / "state.npz")
    with zipfile.ZipFile(tmp_path / "state.npz") as archive:
        names = set(archive.namelist())
        array = np.load(io.BytesIO(archive.read("state.rnn_h.npy")), allow_pickle=False)
    assert names == {"model.npy", *(f"state.{name}.npy" for name in STATES)}
    np.testing.assert_array_equal(array, stream.state["rnn_h"])


def test_a_file_without_these_signatures_is_refused(content: bytes, tmp_path: Path) -> None:
    loop = device_models.loop(tmp_path / "loop")
    with pytest.raises(UserError, match=r"model: expected .* with signature 'init', found \['serve'\]"):
        Stream(loop)
    with pytest.raises(UserError, match=r"with signature 'serve', found \['init', 'step'\]"):
        Model(content)


def test_a_step_without_one_of_the_states_is_refused(content: bytes) -> None:
    model = parse(content)
    (init,) = (signature for signature in model.signatureDefs if signature.signatureKey == b"init")
    init.outputs[0].name = b"unknown"
    with pytest.raises(UserError, match=r"expected state 'unknown' as `init` gives it, .*, found none"):
        Stream(pack(model))


def test_a_damaged_streaming_file_is_refused_in_one_line(content: bytes) -> None:
    with pytest.raises(UserError) as caught:
        Stream(content[: len(content) // 2])
    assert len(str(caught.value).splitlines()) == 1
