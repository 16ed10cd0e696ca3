"""Compiled code is kept between trainings, and never used by another processor or after damage."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.commands import compiled_code
from pipelines.commands.compiled_code import keep_compiled_code

_TRAIN = """
from pathlib import Path
from pipelines.commands.compiled_code import keep_compiled_code
keep_compiled_code(Path({cache!r}))
import keras, numpy as np, layers
keras.utils.set_random_seed(1)
inputs = keras.Input([5, 3])
model = keras.Model(inputs, layers.GRU(4)(inputs))
model.compile("sgd", "mse", jit_compile=False)
history = model.fit(np.ones([8, 5, 3]), np.ones([8, 4]), batch_size=4, epochs=1, verbose=0)
print(history.history["loss"][0])
"""


@pytest.fixture(autouse=True)
def no_flags(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_XLA_FLAGS", "")


def _train(cache: Path) -> float:
    command = [sys.executable, "-c", _TRAIN.format(cache=str(cache))]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=300)
    assert "ran out of data" not in done.stderr
    return float(done.stdout.split()[-1])


def test_a_second_training_reads_what_the_first_compiled_unless_it_is_damaged(tmp_path: Path) -> None:
    first = _train(tmp_path)
    files = sorted(tmp_path.rglob("*.pb"))
    assert files
    written = [path.stat().st_mtime_ns for path in files]
    assert _train(tmp_path) == first
    assert [path.stat().st_mtime_ns for path in sorted(tmp_path.rglob("*.pb"))] == written
    for path in files:
        path.write_bytes(path.read_bytes()[:1000])
    assert _train(tmp_path) == first
    assert all(path.stat().st_size > 1000 for path in files)


def test_another_processor_has_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("one", "other"):
        monkeypatch.setattr(compiled_code, "_processor", lambda name=name: name)
        monkeypatch.setenv("TF_XLA_FLAGS", "")
        keep_compiled_code(tmp_path)
    assert len(list(tmp_path.iterdir())) == 2


def test_flags_of_the_user_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = "--tf_xla_persistent_cache_directory=/elsewhere"
    monkeypatch.setenv("TF_XLA_FLAGS", own)
    keep_compiled_code(tmp_path)
    assert os.environ["TF_XLA_FLAGS"] == own
    monkeypatch.setenv("TF_XLA_FLAGS", "--tf_xla_auto_jit=0")
    keep_compiled_code(tmp_path)
    assert os.environ["TF_XLA_FLAGS"].startswith("--tf_xla_auto_jit=0 --tf_xla_persistent_cache_directory=")


def test_nothing_is_kept_where_it_can_not_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    keep_compiled_code(tmp_path / "file")
    keep_compiled_code(tmp_path / "with space")
    monkeypatch.setattr(compiled_code, "_processor", lambda: "")
    keep_compiled_code(tmp_path)
    assert not os.environ["TF_XLA_FLAGS"]


def test_the_oldest_files_go_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled_code, "_processor", lambda: "one")
    monkeypatch.setattr(compiled_code, "_MOST_BYTES", 5)
    keep_compiled_code(tmp_path)
    (folder,) = tmp_path.iterdir()
    whole = b"\x08\x01"  # a field with a number
    for age in range(3):
        path = folder / f"{age}.pb"
        path.write_bytes(whole)
        os.utime(path, (1000 - age, 1000 - age))
    monkeypatch.setenv("TF_XLA_FLAGS", "")
    keep_compiled_code(tmp_path)
    assert sorted(path.name for path in folder.iterdir()) == ["0.pb", "1.pb"]
