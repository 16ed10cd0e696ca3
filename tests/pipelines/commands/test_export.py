"""python -m pipelines export: what it prints, what it writes, and how it ends."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from pipelines.commands.export import Export, run
from pipelines.errors import UserError
from pipelines.ondevice.bundle import Bundle
from pipelines.ondevice.manifest import USUAL_PRECISIONS

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
    command += ["--precision", "float32", "int8", "--execution", "loop"]
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
    assert error == f"error: {file}: int8 loop: {left_out['reason']}"
    assert "; try --precision int16x8, or accept it with --tolerance 0.0" in error
    assert "it is largest at layer " in error
    assert error.endswith(f"; plot: {plot}")
    assert plot.read_bytes().startswith(b"\x89PNG")


def test_what_is_left_out_unnamed_is_no_error(file: Path, tmp_path: Path, capsys) -> None:
    np.save(tmp_path / "inputs.npy", np.random.default_rng(0).normal(size=(9, STEPS, FEATURES)))
    inputs = tmp_path / "inputs.npy"
    run(Export(file, tmp_path, execution=(("loop",),), tolerance=1e-4, calibration=inputs))
    printed = capsys.readouterr().out
    assert "float32_loop.tflite" in printed
    assert "\nleft out: int8 loop: output 'simple_rnn' differs from Keras by " in printed
    bundle = Bundle.open(tmp_path / "mine")
    files = {variant["file"] for variant in bundle.variants}
    assert "float32_loop.tflite" in files
    assert "int8_loop.tflite" in bundle.left_out
    assert files | bundle.left_out.keys() == {f"{precision}_loop.tflite" for precision in USUAL_PRECISIONS}
    assert {path.stem for path in tmp_path.glob("*.png")} <= {
        f"mine_{Path(each).stem}" for each in bundle.left_out
    }
    assert "mine_int8_loop" in {path.stem for path in tmp_path.glob("*.png")}


def test_a_named_precision_needs_one_variant_at_least(file: Path, tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as end:
        run(
            Export(
                file, tmp_path, precision=(("float32", "int8"),), tolerance=1e-5, calibration=Path("random")
            )
        )
    assert end.value.code == 3
    assert {variant["precision"] for variant in Bundle.open(tmp_path / "mine").variants} == {"float32"}


def test_micro_makes_what_microcontrollers_can_run(tmp_path: Path, capsys) -> None:
    given = keras.Input([STEPS, FEATURES], name="x")
    both = keras.layers.Bidirectional(keras.layers.SimpleRNN(3))(given)
    file = _saved(keras.Model(given, both), tmp_path)
    with pytest.raises(
        UserError, match=r"int8 needs real inputs to measure its ranges: --calibration FILE\.npz"
    ):
        run(Export(file, tmp_path, target="micro"))
    run(Export(file, tmp_path, target="micro", calibration=Path("random")))
    printed = capsys.readouterr().out
    assert "left out" not in printed, "step is not tried"
    assert {folder.name for folder in (tmp_path / "mine_micro").iterdir()} == {
        "int8_unrolled",
        "int16x8_unrolled",
    }


def test_by_default_one_gets_what_needs_no_inputs_and_advice(file: Path, tmp_path: Path, capsys) -> None:
    run(Export(file, tmp_path))
    printed = capsys.readouterr().out
    made = {variant["file"] for variant in Bundle.open(tmp_path / "mine").variants}
    assert {"float32_loop.tflite", "float16_step.tflite", "float32_unrolled.tflite"} <= made
    assert not [each for each in made if "fused" in each or each.startswith(("int8", "int16x8"))]
    said = "left out: int8, int16x8 loop, step, unrolled: needs real inputs to measure its ranges"
    assert said in printed
    assert (
        "recommended: float32_step.tflite, the smallest within 0.5% of the Keras model's answers" in printed
    )
    lines = [line.strip() for line in printed.splitlines() if line.startswith("    ")]
    given: dict[str, object] = {"x": np.zeros([1, 1, FEATURES], np.float32)}
    exec("\n".join(lines), given)
    assert set(given["answers"]) == {"simple_rnn"}


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ({"tolerance": float("nan")}, "tolerance: expected a number, 0 or more, got nan"),
        ({"tolerance": float("inf")}, "tolerance: expected a number, 0 or more, got inf"),
        ({"tolerance": -0.1}, "tolerance: expected a number, 0 or more, got -0.1"),
        ({"name": "latest"}, "name: expected another name than 'latest'"),
        ({"name": "../up"}, "name: expected a plain file name, got '../up'"),
    ],
)
def test_what_no_bundle_can_have_is_refused_before_the_model_is_read(
    tmp_path: Path, option: dict[str, Any], said: str
) -> None:
    (tmp_path / "mine.keras").write_text("no model")
    with pytest.raises(UserError, match=f"^{said}"):
        run(Export(tmp_path / "mine.keras", tmp_path, **option))


def test_a_damaged_calibration_file_is_refused_before_the_model_is_read(tmp_path: Path) -> None:
    (tmp_path / "mine.keras").write_text("no model")
    (tmp_path / "a.npz").write_bytes(b"PK")
    with pytest.raises(UserError, match=r"^--calibration .*a\.npz: expected an \.npz or \.npy file"):
        run(Export(tmp_path / "mine.keras", tmp_path, calibration=tmp_path / "a.npz"))


def test_help_says_the_exit_codes() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pipelines", "export", "--help"], capture_output=True, text=True, check=True
    )
    text = " ".join(done.stdout.split())
    assert "3 a variant that you named was left out" in text
