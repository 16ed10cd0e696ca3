"""python -m pipelines benchmark: what it measures, where it measures it, and files that can't be run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.image import imread
from reference.bundles import head, record

from pipelines.commands import benchmark as module
from pipelines.commands.benchmark import Benchmark, benchmark, run
from pipelines.commands.benchmark_report import as_text, draw
from pipelines.commands.benchmark_worker import made_up, measure
from pipelines.errors import UserError
from pipelines.export.bundle_writing import write_bundle
from pipelines.export.tflite.flatbuffer import pack
from pipelines.ondevice.model import Spec

ROOT = Path(__file__).parents[3]
FLOAT, INT = schema.TensorType.FLOAT32, schema.TensorType.INT32
ADD, GATHER, CUSTOM = (getattr(schema.BuiltinOperator, name) for name in ("ADD", "GATHER", "CUSTOM"))
RUN_KEYS = {"threads", "load_ms", "first_ms", "p50_ms", "p95_ms", "a_second", "answers", "peak_bytes"}


class File:
    """A .tflite file put together from ops, without TensorFlow."""

    def __init__(self) -> None:
        self._model = schema.ModelT()
        self._model.version = 3
        self._model.buffers = [schema.BufferT()]
        self._model.operatorCodes, self._model.subgraphs, self._model.signatureDefs = [], [], []

    def graph(self, key: str, inputs: Sequence[str], outputs: Sequence[str]) -> File:
        """Begin a signature of that key; the tensors are added after it."""
        graph, signature = schema.SubGraphT(), schema.SignatureDefT()
        graph.tensors, graph.operators, graph.inputs, graph.outputs = [], [], [], []
        signature.signatureKey, signature.subgraphIndex = key, len(self._model.subgraphs)
        signature.inputs, signature.outputs = [], []
        self._graph, self._signature, self._ends = graph, signature, (inputs, outputs)
        self._model.subgraphs.append(graph)
        self._model.signatureDefs.append(signature)
        return self

    def tensor(self, name: str, shape: Sequence[int], kind: int = FLOAT, value: bytes | None = None) -> File:
        """Add a tensor; with a value it is a constant."""
        tensor = schema.TensorT()
        tensor.name, tensor.shape, tensor.type, tensor.buffer = name, list(shape), kind, 0
        if value is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(value, np.uint8)
            tensor.buffer = len(self._model.buffers)
            self._model.buffers.append(buffer)
        index = len(self._graph.tensors)
        self._graph.tensors.append(tensor)
        for names, graph, signature in zip(
            self._ends,
            (self._graph.inputs, self._graph.outputs),
            (self._signature.inputs, self._signature.outputs),
            strict=True,
        ):
            if name in names:
                entry = schema.TensorMapT()
                entry.name, entry.tensorIndex = name, index
                graph.append(index)
                signature.append(entry)
        return self

    def op(self, code: int, inputs: Sequence[int], output: int, options: Any = None) -> File:
        """Add an op, its tensors by number."""
        operator, which = schema.OperatorT(), schema.OperatorCodeT()
        which.builtinCode = which.deprecatedBuiltinCode = code
        which.customCode = "FlexWhile" if code == CUSTOM else None
        which.version = 1
        self._model.operatorCodes.append(which)
        operator.opcodeIndex = len(self._model.operatorCodes) - 1
        operator.inputs, operator.outputs = list(inputs), [output]
        if options is not None:
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, type(options).__name__[:-1])
            operator.builtinOptions = options
        self._graph.operators.append(operator)
        return self

    def content(self) -> bytes:
        """Return the file."""
        return pack(self._model)


def adder(size: int = 4, key: str = "serve") -> bytes:
    """y = x + x + constant."""
    file = File().graph(key, ["x"], ["y"]).tensor("x", (1, size)).tensor("double", (1, size))
    file.tensor("constant", (1, size), value=bytes(4 * size)).tensor("y", (1, size))
    return file.op(ADD, (0, 0), 1, schema.AddOptionsT()).op(ADD, (1, 2), 3, schema.AddOptionsT()).content()


def stream() -> bytes:
    """h = h + x, y = x + h; the state h has 5 numbers."""
    file = File().graph("init", [], ["h"])
    file.tensor("a", (1, 5), value=bytes(20)).tensor("b", (1, 5), value=bytes(20)).tensor("h", (1, 5))
    file.op(ADD, (0, 1), 2, schema.AddOptionsT())
    file.graph("step", ["x", "h_in"], ["y", "h"]).tensor("x", (1, 1)).tensor("h_in", (1, 5))
    file.tensor("y", (1, 5)).tensor("h", (1, 5))
    file.op(ADD, (0, 1), 2, schema.AddOptionsT()).op(ADD, (2, 0), 3, schema.AddOptionsT())
    file._signature.inputs[1].name = "h"  # goes in and comes out by one name
    return file.content()


def out_of_range() -> bytes:
    """A table of one row: the token 1, which stands for any token, isn't in it."""
    file = File().graph("serve", ["token"], ["y"]).tensor("token", (1,), INT).tensor("y", (1, 3))
    return (
        file.tensor("table", (1, 3), value=bytes(12)).op(GATHER, (2, 0), 1, schema.GatherOptionsT()).content()
    )


def custom() -> bytes:
    """An op that the plain interpreter lacks."""
    return (
        File().graph("serve", ["x"], ["y"]).tensor("x", (1,)).tensor("y", (1,)).op(CUSTOM, (0,), 1).content()
    )


@pytest.fixture
def write(tmp_path: Path) -> Callable[[bytes], Path]:
    def to_file(content: bytes) -> Path:
        path = tmp_path / "model.tflite"
        path.write_bytes(content)
        return path

    return to_file


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A sequence model, a streaming one, and one that can't be run."""
    variants = [(record(), adder()), (record("float32", "step"), stream()), (record("float16"), custom())]
    return write_bundle(tmp_path / "exports", head(), variants, {}).folder


def only(path: Path, seconds: float = 0.01) -> dict[str, Any]:
    (found,) = benchmark(path, [1], seconds)
    return found


# What is measured


def test_every_variant_has_a_record_and_every_number_of_threads_a_run(bundle: Path) -> None:
    sequence, step, broken = benchmark(bundle, (1, 2), 0.02)
    assert sequence["file"] == "float32_loop.tflite"
    assert sequence["bytes"] == len(adder())
    assert (sequence["kind"], step["kind"]) == ("sequence", "step")
    assert sequence["ops"] == {"ADD": 2}
    assert step["ops"] == {"ADD": 3}
    assert step["state_bytes"] == 5 * 4
    assert "state_bytes" not in sequence
    assert broken == {
        "file": "float16_loop.tflite",
        "bytes": len(custom()),
        "error": "not builtin TFLite ops: custom op FlexWhile",
    }
    for measured in (sequence, step):
        assert [each["threads"] for each in measured["runs"]] == [1, 2]
        for each in measured["runs"]:
            assert each.keys() == RUN_KEYS
            assert 0 < each["p50_ms"] <= each["p95_ms"]
            assert each["load_ms"] > 0
            assert each["first_ms"] > 0
            assert each["answers"] >= 20


def test_the_answers_take_about_the_time_asked_for(write) -> None:
    path = write(adder())
    for seconds in (0.1, 0.4):
        found = measure(path, "sequence", 1, seconds)
        spent = found["answers"] / found["a_second"]
        assert 0.3 * seconds < spent < 1.01 * seconds + 0.05


class Slow:
    """A model that needs 0.01 s an answer, and 0.1 s to load and for the first."""

    def __init__(self, file: Path, threads: int) -> None:
        self.inputs: dict[str, Spec] = {}
        self.now, self.calls = 0.1, 0

    def __call__(self) -> None:
        self.calls += 1
        self.now += 0.1 if self.calls == 1 else 0.01


@pytest.mark.parametrize(("seconds", "answers"), [(1.0, 100), (0.1, 20), (0.02, 10), (0.001, 1)])
def test_a_slow_model_answers_20_times_within_five_times_the_seconds(monkeypatch, seconds, answers) -> None:
    made: list[Slow] = []

    def load(*args: Any, **kwargs: Any) -> Slow:
        made.append(Slow(*args, **kwargs))
        return made[0]

    monkeypatch.setattr("pipelines.commands.benchmark_worker.runner_of", lambda kind: load)
    monkeypatch.setattr(
        "pipelines.commands.benchmark_worker.time.perf_counter", lambda: made[0].now if made else 0.0
    )
    found = measure(Path("slow.tflite"), "sequence", 1, seconds)
    assert found["answers"] == pytest.approx(answers, abs=1)
    assert found["load_ms"] == pytest.approx(100)
    assert found["first_ms"] == pytest.approx(100)
    assert found["p50_ms"] == pytest.approx(10)
    assert found["p95_ms"] == pytest.approx(10)
    assert found["a_second"] == pytest.approx(100)


def test_peak_memory_is_the_models_own_whatever_this_process_holds(write) -> None:
    held = bytearray(os.urandom(1 << 20) * 200)  # 200 MB: getrusage would start from them
    small = only(write(adder()))["runs"][0]["peak_bytes"]
    large = only(write(adder(4_000_000)))["runs"][0]["peak_bytes"]
    assert len(held) > large
    assert 0.2e6 < small < 20e6
    # 16 MB each: the file's content, the input and its copies, the output and its copy
    assert small + 4 * 16e6 < large < small + 10 * 16e6


def test_inputs_are_of_the_files_own_specs_and_always_the_same() -> None:
    specs = {
        "features": Spec((1, 50, 3), np.dtype("float32")),
        "tokens": Spec((1, 7), np.dtype("int32")),
        "raw": Spec((1, 2), np.dtype("int8")),
        "mask": Spec((1, 2), np.dtype("bool")),
    }
    inputs, again = (made_up(specs, np.random.default_rng(3)) for _ in range(2))
    assert {name: Spec(array.shape, array.dtype) for name, array in inputs.items()} == specs
    of_any_size = {"x": Spec((1, -1, 3), np.dtype("float32"))}
    assert made_up(of_any_size, np.random.default_rng(3))["x"].shape == (1, 1, 3)
    assert 0.8 < inputs["features"].std() < 1.2
    for name in ("tokens", "raw", "mask"):
        assert (inputs[name] == 1).all()
    for name in specs:
        np.testing.assert_array_equal(inputs[name], again[name])


# Where it is measured

BLOCKED = ("tensorflow", "keras", "mlflow", "tyro", "rich", "tqdm", "sklearn", "matplotlib", "flatbuffers")
WORKER = """
import sys
for name in sys.argv.pop(1).split(","):
    sys.modules[name] = None  # its import fails
from pipelines.commands.benchmark_worker import main
main(*sys.argv[1:])
loaded = {name.partition(".")[0] for name, module in sys.modules.items() if module}
print(*sorted(loaded - set(sys.stdlib_module_names)))
"""


@pytest.mark.parametrize(
    ("content", "kind"), [(adder(), "sequence"), (stream(), "step")], ids=["seq", "step"]
)
def test_the_worker_needs_numpy_and_litert_only(write, content: bytes, kind: str) -> None:
    command = [sys.executable, "-c", WORKER, ",".join(BLOCKED), str(write(content)), kind, "1", "0.01"]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
    measured, loaded = done.stdout.splitlines()
    assert json.loads(measured)["p50_ms"] > 0
    # google is a namespace that protobuf's .pth file makes at every start of Python; numpy.random is Cython
    allowed = {"__main__", "google", "_distutils_hack", "numpy", "ai_edge_litert", "pipelines"}
    assert {name for name in loaded.split() if "cython" not in name} <= allowed


def command_line(*argv: str, blocked: Sequence[str] = ("tensorflow", "keras", "mlflow")) -> Any:
    code = f"""
import runpy, sys
for name in {tuple(blocked)!r}:
    sys.modules[name] = None
sys.argv = ["pipelines", "benchmark", *{argv!r}]
runpy.run_module("pipelines", run_name="__main__")
"""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)


def test_json_is_all_of_standard_output_and_tensorflow_is_not_imported(bundle: Path) -> None:
    done = command_line(str(bundle), "--json", "--seconds", "0.01", "--threads", "1", "3")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["target"] == str(bundle)
    assert said["seconds"] == 0.01
    assert said["made_with"]["hardware.cpu"]
    assert [each["file"] for each in said["variants"]][2] == "float16_loop.tflite"
    assert [each["threads"] for each in said["variants"][0]["runs"]] == [1, 3]
    assert "error" in said["variants"][2]


# What can't be measured


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"a text file, not a model", "not a .tflite file: expected b'TFL3' at byte 4"),
        (b"", "not a .tflite file"),
        (adder()[:-40], "not a sound .tflite file"),
        (adder(key="other"), "signature 'serve'"),
        (out_of_range(), "gather index out of bounds"),
        (custom(), "not builtin TFLite ops: custom op FlexWhile"),
    ],
    ids=["text", "empty", "cut", "signature", "invoke", "custom"],
)
def test_a_file_that_cannot_be_run_says_why_in_one_line(write, content: bytes, reason: str) -> None:
    found = only(write(content))
    assert found.keys() == {"file", "bytes", "error"}
    assert reason in found["error"]
    assert found["bytes"] == len(content)
    assert len(found["error"].splitlines()) == 1
    assert "model.tflite" not in found["error"]  # it stands before the reason already


def test_a_changed_and_a_missing_file_of_a_bundle_are_rows(bundle: Path) -> None:
    path = bundle / "float32_loop.tflite"
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    (bundle / "float32_step.tflite").unlink()
    changed, missing, _ = benchmark(bundle, [1], 0.01)
    assert changed["error"].startswith("expected SHA-256")
    assert missing["error"].startswith("expected a file of the bundle")


CRASHES = {
    "raise SystemExit('out of luck')": "out of luck",
    f"import os; os.kill(os.getpid(), {signal.SIGABRT.value})": "crashes LiteRT: Aborted",
    "import time; time.sleep(60)": "no answer within 1 s",
}


@pytest.mark.parametrize(("code", "reason"), CRASHES.items(), ids=["exit", "abort", "hang"])
def test_a_worker_that_dies_or_hangs_is_a_row(write, tmp_path, monkeypatch, code: str, reason: str) -> None:
    (tmp_path / "dying_worker.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(module, "_WORKER", "dying_worker")
    monkeypatch.setattr(module, "_PATIENCE", 0.9)
    assert only(write(adder()))["error"] == reason


@settings(max_examples=150, deadline=None)
@given(st.sampled_from([adder(), stream(), custom()]), st.data())
def test_a_damaged_file_never_breaks_the_table(tmp_path_factory, content: bytes, data: st.DataObject) -> None:
    damaged = bytearray(content)
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "damaged.tflite"
    path.write_bytes(bytes(damaged[: data.draw(st.integers(0, len(content)))]))

    def refuse(*_: Any) -> None:
        raise UserError("LiteRT refuses it")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_in_its_own_process", refuse)
        (found,) = benchmark(path)
    assert found["error"]
    assert "can't be run" in as_text([found])


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["nosuch.tflite"], "nosuch.tflite: expected a bundle's folder or a .tflite file"),
        (["."], "expected a bundle with a manifest.json"),
        ([".", "--threads", "0"], "--threads: expected numbers of at least 1, got (0,)"),
        ([".", "--threads"], "--threads: expected numbers of at least 1, got ()"),
        ([".", "--seconds", "0"], "--seconds: expected a number above 0, got 0.0"),
        ([".", "--seconds", "inf"], "--seconds: expected a number above 0, got inf"),
        ([".", "--plot", "a.svg"], "--plot: expected a .png file, got 'a.svg'"),
        ([], "required"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_mistake_is_one_line_and_exit_code_2(argv: list[str], said: str) -> None:
    done = command_line(*argv)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert said in done.stderr


# What is shown


def test_where_nothing_can_be_run_the_table_is_printed_and_the_command_fails(write, tmp_path, capsys) -> None:
    path, plot = write(custom()), tmp_path / "plot.png"
    with pytest.raises(UserError, match=r"expected a \.tflite file that can be run, found none"):
        run(Benchmark(path, plot=plot))
    out = capsys.readouterr().out
    assert "model.tflite: can't be run: not builtin TFLite ops" in out
    assert not plot.exists()


RUN = {
    "threads": 1,
    "load_ms": 1.25,
    "first_ms": 2.5,
    "p50_ms": 0.125,
    "p95_ms": 0.5,
    "a_second": 7777.4,
    "answers": 100,
    "peak_bytes": 3_500_000,
}
RUNS = [RUN, {**RUN, "threads": 2, "p50_ms": 0.25, "peak_bytes": 4_000_000}]
RECORDS = [
    {"file": "a.tflite", "bytes": 12345, "kind": "sequence", "ops": {"ADD": 1, "WHILE": 2}, "runs": RUNS},
    {"file": "b.tflite", "bytes": 99, "error": "no such op"},
    {"file": "c.tflite", "bytes": 100, "kind": "step", "ops": {"ADD": 1}, "state_bytes": 2048, "runs": RUNS},
]


def test_the_table_has_a_line_for_each_run_and_says_what_files_are_made_of() -> None:
    lines = [line.split() for line in as_text(RECORDS).splitlines()]
    assert ["a.tflite", "12,345", "1", "1.250", "2.500", "0.125", "0.500", "7,777", "3.5"] in lines
    assert ["2", "1.250", "2.500", "0.250", "0.500", "7,777", "4.0"] in lines
    assert ["b.tflite", "99", *["-"] * 7] in lines
    assert as_text(RECORDS).endswith(
        "a.tflite: 3 ops: WHILE 2, ADD 1\n"
        "b.tflite: can't be run: no such op\n"
        "c.tflite: one call is one step, 2,048 bytes of state; 1 ops: ADD 1"
    )


def test_a_stream_of_sound_is_held_against_real_time(tmp_path: Path) -> None:
    variants = [(record(), adder()), (record("float32", "step"), stream())]
    heard = head(preprocessing={"kind": "audio", "packet": 320, "sample_rate": 16000})
    made = write_bundle(tmp_path / "exports", heard, variants, {}).folder
    sequence, step = benchmark(made, (1,), 0.01)
    assert "packet_ms" not in sequence
    assert step["packet_ms"] == 20
    step["runs"][0]["p50_ms"] = 0.05
    assert "it takes 20 ms of sound, 0.25% of real time; " in as_text([step])


def test_the_plot_shows_every_run_and_names_its_units() -> None:
    figure = draw([RECORDS[0], RECORDS[2]])
    latency, size, memory = figure.axes
    assert [axes.get_xlabel().split("(")[0].split(", ")[1].strip() for axes in figure.axes] == [
        "ms",
        "KB",
        "MB",
    ]
    assert [label.get_text() for label in latency.get_yticklabels()] == ["a.tflite", "c.tflite\n(one step)"]
    assert [list(drawn.lines[0].get_xdata()) for drawn in latency.containers] == [[0.125] * 2, [0.25] * 2]
    assert [bar.get_width() for bar in size.patches] == [12.345, 0.1]
    assert [bar.get_width() for bar in memory.patches] == [3.5, 3.5, 4.0, 4.0]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["1 thread", "2 threads"]


def test_the_plot_is_written_where_it_is_asked_for(bundle: Path, tmp_path: Path, capsys) -> None:
    plot = tmp_path / "plot.png"
    command = Benchmark(bundle, seconds=0.01, threads=(1,), plot=plot)
    run(replace(command, json=True))
    assert len(json.loads(capsys.readouterr().out)["variants"]) == 3
    assert imread(BytesIO(plot.read_bytes())).std() > 0
