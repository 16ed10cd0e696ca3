"""Trainings of the apps as a user starts them, in folders of their own."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
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


def command(
    *arguments: str, folder: Path, home: Path, timeout: float = 600, **options
) -> subprocess.CompletedProcess:
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
        timeout=timeout,
        check=False,
        **options,
    )


def smoke_training(app: str, shared: Path) -> Trained:
    """Return the `smoke` preset of an app, trained in the folder `shared` by the process that comes first."""
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
