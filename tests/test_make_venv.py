"""A new .venv is built beside the old one, which stays as it is until the new one is complete."""

import hashlib
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parent.parent
SCRIPT = ROOT / ".ci" / "make_venv.py"


@pytest.fixture
def make_venv(tmp_path: Path, monkeypatch) -> ModuleType:
    """The script as a module, in an empty folder. Its environments hold the text of the lock only."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    module = load()
    monkeypatch.setattr(module, "install", fake_install)
    return module


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_venv", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def fake_install(folder: Path, lock: str) -> None:
    (folder / "half").touch()
    if lock == "stopped":
        raise KeyboardInterrupt
    if lock == "broken":
        raise subprocess.CalledProcessError(1, ["pip"])
    (folder / "lock").write_text(lock)
    (folder / ".installed").touch()


def installed() -> str:
    return Path(".venv/lock").read_text()


def test_venv_is_a_link_that_moves_on_and_the_last_environment_is_kept(make_venv: ModuleType) -> None:
    folders = []
    for lock in ("one", "two", "three"):
        assert make_venv.main(lock) == 0
        assert Path(".venv").is_symlink()
        assert installed() == lock
        folders.append(Path(".venv").resolve())
    assert [folder.exists() for folder in folders] == [False, True, True]
    assert sorted(Path(".venvs").iterdir()) == sorted(Path(".venvs", each.name) for each in folders[1:])


@pytest.mark.parametrize("ending", ["broken", "stopped"])
def test_a_set_up_that_fails_or_is_stopped_leaves_the_old_one(
    make_venv: ModuleType, ending: str, capsys
) -> None:
    make_venv.main("one")
    before = sorted(Path(".venvs").iterdir())
    assert make_venv.main(ending) == 1
    assert installed() == "one"
    assert sorted(Path(".venvs").iterdir()) == before
    assert capsys.readouterr().err.count("\n") == 1


def test_a_folder_is_moved_aside_and_not_emptied(make_venv: ModuleType) -> None:
    Path(".venv").mkdir()
    Path(".venv/lock").write_text("old")
    assert make_venv.main("new") == 0
    assert installed() == "new"
    (before,) = Path(".venvs").glob("before-*")
    assert (before / "lock").read_text() == "old"


def test_a_link_to_another_checkout_is_turned_and_what_it_led_to_stays(
    make_venv: ModuleType, tmp_path_factory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "lock").write_text("theirs")
    Path(".venv").symlink_to(elsewhere)
    assert make_venv.main("ours") == 0
    assert installed() == "ours"
    assert (elsewhere / "lock").read_text() == "theirs"


def test_environments_in_the_making_are_left_alone_for_a_day(make_venv: ModuleType) -> None:
    for name in ("young", "old"):
        Path(".venvs", name).mkdir(parents=True)
    os.utime(".venvs/old", (0, 0))
    make_venv.main("one")
    assert Path(".venvs/young").exists()
    assert not Path(".venvs/old").exists()


def wheel(folder: Path, name: str) -> Path:
    """Write a wheel with one module and one command, which prints the folder of its environment."""
    path, info = folder / f"{name}-1-py3-none-any.whl", f"{name}-1.dist-info"
    files = {
        f"{name}.py": "import sys\ndef main(): print(sys.prefix)\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": f"[console_scripts]\n{name} = {name}:main\n",
    }
    record = "".join(f"{file},,\n" for file in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(path, "w") as archive:
        for file, text in (files | {f"{info}/RECORD": record}).items():
            archive.writestr(file, text)
    return path


def test_make_sets_up_an_environment_whose_commands_work_and_keeps_it_when_the_next_fails(
    tmp_path: Path,
) -> None:
    checkout = tmp_path / "check out"  # a space in the path, too
    checkout.mkdir()
    shutil.copy(ROOT / "Makefile", checkout)
    shutil.copytree(SCRIPT.parent, checkout / ".ci")
    lock = checkout / "requirements.lock"
    told = wheel(tmp_path, "told")
    lock.write_text(f"{told.as_uri()} --hash=sha256:{hashlib.sha256(told.read_bytes()).hexdigest()}\n")

    def run(*command: str) -> subprocess.CompletedProcess:
        environment = {**os.environ, "PIP_NO_INDEX": "1"}
        return subprocess.run(
            command, cwd=checkout, env=environment, capture_output=True, text=True, check=False
        )

    done = run("make", "setup", f"PYTHON={sys.executable}")
    assert done.returncode == 0, done.stderr
    assert "`make setup` tries again" in done.stderr  # the rated sentences: a warning, and all else is there
    folder = str((checkout / ".venv").resolve())
    assert Path(folder).parent == (checkout / ".venvs").resolve()
    assert Path(run(".venv/bin/told").stdout.strip()).resolve() == Path(folder)
    assert run(".venv/bin/python", "-c", "import told").returncode == 0
    assert "up to date" in run("make", ".venv/.installed").stdout  # nothing is done twice

    lock.write_text("no-such-package==1\n")
    os.utime(lock, (lock.stat().st_atime, lock.stat().st_mtime + 10))
    done = run("make", "setup", f"PYTHON={sys.executable}")
    assert done.returncode == 2
    assert "the old one stays" in done.stderr
    assert run(".venv/bin/told").stdout
    assert [path.name for path in (checkout / ".venvs").iterdir()] == [Path(folder).name]
