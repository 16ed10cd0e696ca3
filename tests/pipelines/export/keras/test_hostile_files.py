"""Files of Keras that are made to harm are refused in one line, before they take time or memory."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest

from pipelines.errors import UserError
from pipelines.export.any_model import load_model
from pipelines.export.keras.prepare import prepare


def network(*layers: keras.layers.Layer) -> keras.Model:
    return keras.Sequential([keras.Input([5, 3], name="x"), *layers, keras.layers.GRU(4)])


def changed(folder: Path, change: Callable[[str], str], *layers: keras.layers.Layer) -> Path:
    """Save a model, and change the text of its config."""
    network(*layers).save(folder / "whole.keras")
    path = folder / "mine.keras"
    with zipfile.ZipFile(folder / "whole.keras") as old, zipfile.ZipFile(path, "w") as new:
        for entry in old.infolist():
            content = old.read(entry)
            is_config = entry.filename == "config.json"
            new.writestr(entry.filename, change(content.decode()) if is_config else content)
    return path


def with_torch(text: str) -> str:
    config = json.loads(text)
    config["config"]["layers"][1] = {
        "module": "keras.layers",
        "class_name": "TorchModuleWrapper",
        "config": {"name": "t", "module": "gASV"},
        "registered_name": None,
    }
    return json.dumps(config)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: "[" * 100_000 + "]" * 100_000, "nested too deep"),
        (lambda text: text.replace('"units": 4', '"units": ' + "[" * 100_000 + "]" * 100_000), "nested too"),
        (with_torch, "PyTorch"),
        (lambda text: text.replace('"units": 4', f'"units": {2**30}'), "of weights: gru.* needs more"),
        (lambda text: text.replace('"units": 4', '"units": 30000'), "of weights: gru.* needs more"),
        (lambda text: text[:-1], "expected a model in a .keras"),
        (lambda text: "{}", "expected a model in a .keras"),
        (lambda text: "3", "expected a model in a .keras"),
    ],
    ids=["deep", "deep inside", "torch", "2^30 units", "30,000 units", "cut", "empty", "number"],
)
def test_a_hostile_config_is_refused(tmp_path: Path, change: Callable[[str], str], said: str) -> None:
    path = changed(tmp_path, change)
    with pytest.raises(UserError, match=rf"^[^\n]*mine\.keras: [^\n]*{said}[^\n]*$"):
        load_model(path)
    keras.layers.Dense(2)(np.ones([1, 3]))  # layers can be made as before


def test_an_archive_that_unpacks_to_3_gb_is_refused(tmp_path: Path) -> None:
    path = changed(tmp_path, lambda text: text)
    load_model(path)
    content = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        size = archive.getinfo("model.weights.h5").file_size
    path.write_bytes(content.replace(size.to_bytes(4, "little"), (3 * 10**9).to_bytes(4, "little")))
    with pytest.raises(UserError, match="expected at most 2,147,483,648 bytes when unpacked, found 3,0"):
        load_model(path)


@pytest.mark.parametrize("kind", ["steps", "inside", "option"])
def test_2_to_the_31_steps_are_refused_before_they_are_made(tmp_path: Path, kind: str) -> None:
    most, steps = 2**31 - 1, None
    if kind == "steps":
        path = changed(tmp_path, lambda text: text.replace("5, 3]", f"{most}, 3]"))
        model = load_model(path)
    elif kind == "inside":
        flat = keras.Input([3])
        model = keras.Model(flat, keras.layers.GRU(2)(keras.layers.RepeatVector(most)(flat)))
    else:
        model = keras.Sequential([keras.Input([None, 3]), keras.layers.GRU(2)])
        steps = most
    with pytest.raises(UserError, match=r"expected at most (16,777,216|268,435,456) numbers an example"):
        prepare(model, "mine", steps=steps)


def test_what_is_no_regular_file_is_not_opened() -> None:
    with pytest.raises(UserError, match="expected a Keras model, found a device or a pipe"):
        load_model(Path("/dev/zero"))
