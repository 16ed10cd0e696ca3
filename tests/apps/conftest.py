"""Every app, discovered, and a run of its whole road."""

import dataclasses
import json
import os
import subprocess
import sys
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
    said: subprocess.CompletedProcess

    @property
    def bundle(self) -> Path:
        return self.folder / "exports" / self.app / "latest"

    @property
    def record(self) -> dict:
        return json.loads(self.said.stdout)


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
        timeout=300,
        check=False,
        **options,
    )


@pytest.fixture(scope="session", params=APPS)
def trained(request, tmp_path_factory) -> Trained:
    """The `smoke` preset of each app, trained on its embedded data, with an empty home folder."""
    folder, home = tmp_path_factory.mktemp("checkout"), tmp_path_factory.mktemp("home")
    said = command(request.param, "train", "--preset", "smoke", "--json", folder=folder, home=home)
    assert said.returncode == 0, said.stderr[-3000:]
    return Trained(request.param, folder, home, said)
