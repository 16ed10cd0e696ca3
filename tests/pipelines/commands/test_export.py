"""python -m pipelines export: what it prints, what it writes, and how it ends."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from pipelines.commands.export import Export, run
from pipelines.ondevice.bundle import Bundle
from pipelines.ondevice.manifest import PRECISIONS

STEPS, FEATURES = 5, 3


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A small model of one direction, with large weights, so that int8 differs from float32."""
    model = keras.Sequential([keras.Input([STEPS, FEATURES], name="x"), keras.layers.SimpleRNN(4)])
    return _saved(model, tmp_path)


def _saved(model: keras.Model, folder: Path) -> Path:
    rng = np.random.default_rng(1)
    for weight in model.trainable_weights:
        weight.assign(0.5 * rng.normal(size=weight.shape))
    model.save(folder / "mine.keras")
    return folder / "mine.keras"


def test_what_is_named_and_left_out_is_an_error_after_the_rest_is_written(file: Path, tmp_path: Path) -> None:
    np.savez(tmp_path / "inputs.npz", x=np.random.default_rng(0).normal(size=(9, STEPS, FEATURES)))
    command = [sys.executable, "-m", "pipelines", "export", str(file), "--output", str(tmp_path), "--json"]
    command += ["--precision", "float32", "--precision", "int8", "--execution", "loop"]
    command += ["--calibration", str(tmp_path / "inputs.npz"), "--tolerance", "1e-4"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 3, done.stderr
    printed = json.loads(done.stdout)
    (variant,) = printed["variants"]
    assert (variant["file"], variant["runs_on"]) == ("float32_loop.tflite", ["interpreter", "compiled_model"])
    assert Path(printed["bundle"], "float32_loop.tflite").stat().st_size == variant["bytes"]
    (left_out,) = Bundle.open(tmp_path / "mine").manifest["left_out"]
    assert printed["left_out"] == [left_out]
    assert left_out["file"] == "int8_loop.tflite"
    assert left_out["figures"]["max_abs_error"] == max(left_out["figures"]["errors"]["max_abs"].values()) > 0
    error, plot = done.stderr.splitlines()[-1], tmp_path / "mine_int8_loop.png"
    assert error.startswith(f"error: {file}: int8 loop: {left_out['reason']}; ")
    assert "it is largest at layer " in error
    assert error.endswith(f"; plot: {plot}")
    assert plot.read_bytes().startswith(b"\x89PNG")


def test_what_is_left_out_unnamed_is_no_error(file: Path, tmp_path: Path, capsys) -> None:
    run(Export(file, tmp_path, execution=("loop",), tolerance=1e-4))
    printed = capsys.readouterr().out
    assert "float32_loop.tflite" in printed
    assert "\nleft out: int8 loop: output 'simple_rnn' differs from Keras by " in printed
    bundle = Bundle.open(tmp_path / "mine")
    files = {variant["file"] for variant in bundle.variants}
    assert "float32_loop.tflite" in files
    assert "int8_loop.tflite" in bundle.left_out
    assert files | bundle.left_out.keys() == {f"{precision}_loop.tflite" for precision in PRECISIONS}
    assert not list(tmp_path.glob("*.png"))


def test_a_named_precision_needs_one_variant_at_least(file: Path, tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as end:
        run(Export(file, tmp_path, precision=("float32", "int8"), tolerance=1e-5))
    assert end.value.code == 3
    assert {variant["precision"] for variant in Bundle.open(tmp_path / "mine").variants} == {"float32"}


def test_micro_makes_what_microcontrollers_can_run(tmp_path: Path, capsys) -> None:
    given = keras.Input([STEPS, FEATURES], name="x")
    both = keras.layers.Bidirectional(keras.layers.SimpleRNN(3))(given)
    run(Export(_saved(keras.Model(given, both), tmp_path), tmp_path, target="micro"))
    printed = capsys.readouterr().out
    assert "left out: int8, int16x8 step: " in printed
    assert {folder.name for folder in (tmp_path / "mine_micro").iterdir()} == {
        "int8_unrolled",
        "int16x8_unrolled",
    }


def test_help_says_the_exit_codes() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pipelines", "export", "--help"], capture_output=True, text=True, check=True
    )
    text = " ".join(done.stdout.split())
    assert "3 a variant that you named was left out" in text
