"""The Python in the READMEs runs as it stands, with the shipped networks.

What it takes from the reader is made here. layers/README.md is run by tests/layers/test_readme.py, cards by
tests/pipelines/export/card/test_card_code.py.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from _pytest.mark import ParameterSet
from reference.blocks import READMES, ROOT, Block, blocks
from reference.installed import as_installed

ELSEWHERE = ("layers", "shipped")
BLOCKS = [
    block
    for path in READMES
    for block in blocks(path)
    if block.language == "python" and path.parent.name not in ELSEWHERE
]
TRAINED = {
    "action_recognition": ("smoke", "source = [np.zeros([32, 32, 1], np.uint8)] * 3"),
    "tagging": ("smoke --executions step", "words = 'Anna Keller left .'.split()"),
    "translation": ("smoke", ""),
}
"""Apps whose code needs a file that is not shipped: the preset that makes it, and what the code takes."""
GIVEN = {
    "forecasting": "source = np.zeros([3, 1, 1, COLUMNS])",
    "sensor_signals": "source = np.zeros([3, 1, 1, COLUMNS])",
    "image_captioning": "from PIL import Image; Image.new('RGB', (80, 60), 'red').save('photo.jpg')",
}


def app_of(block: Block) -> str:
    return Path(block.path).parent.name


def param(block: Block) -> ParameterSet:
    # write_micro of these files is slow, and test_card_code does the same
    marks = [pytest.mark.long] if "write_micro" in block.code else []
    return pytest.param(block, id=block.place, marks=marks)


def set_up(block: Block, names: dict[str, object]) -> None:
    """Make what a block takes from the reader, in the folder where it runs."""
    inputs = np.random.default_rng(1).normal(size=[20, 5, 3]).astype("float32")
    if "model.keras" in block.code:
        model().save("model.keras")
    if "exports/models/model" in block.code:
        from pipelines.export.any_model import convert

        Path("exports/models/model").mkdir(parents=True)
        Path("exports/models/model/int8_step.tflite").write_bytes(convert(model(), "int8", "step", inputs))
    names |= {"np": np, "inputs": inputs, "frames": inputs[0][:, None, None]}
    names["packet"] = np.zeros([1, 320], np.float32)
    if "from_torch" in block.code:
        pytest.importorskip("torch", reason="torch is not in .venv")
        names["unrolled"] = sys.modules["unrolled"]
        exec("import torch; module = torch.nn.LSTM(3, 4, batch_first=True)", names)
    if given := GIVEN.get(app_of(block)):
        exec(given.replace("COLUMNS", str(columns(app_of(block)))), names)


def model() -> object:
    import keras

    x = keras.Input([5, 3], name="features")
    y = keras.layers.LSTM(4, return_sequences=True)(x)
    return keras.Model(x, keras.layers.Dense(2)(y))


def columns(app: str) -> int:
    """Return how many numbers a step of an app's shipped stream takes; 0 if it has no stream."""
    from pipelines.ondevice import Stream

    file = ROOT / "apps" / app / "shipped/int8_step.tflite"
    return int(np.prod(next(iter(Stream(file).inputs.values())).shape)) if file.exists() else 0


def run(block: Block, names: dict[str, object]) -> None:
    exec(compile(block.code, block.place, "exec"), names)


@pytest.mark.parametrize("block", [param(block) for block in BLOCKS if app_of(block) not in TRAINED])
def test_code(block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    as_installed(monkeypatch)
    for shipped in (ROOT / "apps").glob("*/shipped"):
        folder = tmp_path / "exports" / shipped.parent.name
        folder.mkdir(parents=True)
        (folder / "latest").symlink_to(shipped)
    names: dict[str, object] = {"__name__": "example"}
    set_up(block, names)
    run(block, names)


WITH_TRAINING = [block for block in BLOCKS if app_of(block) in TRAINED]


@pytest.mark.parametrize("block", WITH_TRAINING, ids=lambda block: block.place)
def test_code_that_needs_a_training_can_be_compiled_and_imports_what_there_is(block: Block) -> None:
    compile(block.code, block.place, "exec")
    imports = [line for line in block.code.splitlines() if line.startswith(("from ", "import "))]
    exec("\n".join(imports), {})


@pytest.mark.long
@pytest.mark.parametrize("block", WITH_TRAINING, ids=lambda block: block.place)
def test_code_that_needs_a_training(block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    preset, given = TRAINED[app_of(block)]
    command = [sys.executable, "-m", "apps", app_of(block), "train", "--preset", *preset.split()]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"__name__": "example", "np": np}
    exec(given, names)
    run(block, names)
