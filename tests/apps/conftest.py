"""Every app, discovered, and a run of its whole road."""

import dataclasses
import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
APPS = sorted(path.parent.name for path in (ROOT / "apps").glob("*/__init__.py"))


@dataclasses.dataclass(frozen=True)
class Trained:
    """A finished training in a folder of its own, home folder included."""

    app: str
    folder: Path
    home: Path
    said: str
    """On standard output."""

    @property
    def bundle(self) -> Path:
        return self.folder / "exports" / self.app / "latest"

    @property
    def record(self) -> dict:
        return json.loads(self.said)


def command(*arguments: str, folder: Path, home: Path, **options) -> subprocess.CompletedProcess:
    """Run `python -m apps ...` as a user would, in `folder`."""
    unset = {"KERAS_HOME", "MPLCONFIGDIR", "MLFLOW_TRACKING_URI", "XDG_CACHE_HOME"}
    environment = {name: value for name, value in os.environ.items() if name not in unset}
    environment |= {"PYTHONPATH": str(ROOT), "HOME": str(home), "NO_COLOR": "1"}
    return subprocess.run(
        [sys.executable, "-m", "apps", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
        **options,
    )


@pytest.fixture(scope="session")
def training(tmp_path_factory, worker_id) -> Callable[[str], Trained]:
    """Give the `smoke` preset of an app, trained on its embedded data with an empty home folder.

    Once in a test run, whichever worker comes first.
    """
    base = tmp_path_factory.getbasetemp()
    shared = base if worker_id == "master" else base.parent

    def trained_app(app: str) -> Trained:
        root = shared / f"trained_{app}"
        folder, home, said = root / "checkout", root / "home", root / "said.json"
        with (shared / f"{app}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not root.exists():
                for each in (root, folder, home):
                    each.mkdir()
                done = command(app, "train", "--preset", "smoke", "--json", folder=folder, home=home)
                said.write_text(json.dumps([done.returncode, done.stdout, done.stderr]))
        code, stdout, stderr = json.loads(said.read_text())
        assert code == 0, stderr[-3000:]
        return Trained(app, folder, home, stdout)

    return trained_app


@pytest.fixture(scope="session", params=APPS)
def trained(request, training) -> Trained:
    """Every app's `smoke` preset, trained."""
    return training(request.param)
