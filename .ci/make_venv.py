"""Make a new virtual environment and then point `.venv` to it: python .ci/make_venv.py requirements.lock

Each environment is built in a folder of its own under `.venvs` and never moved, since its scripts hold
absolute paths. `.venv` is a link that is changed only when everything is installed. Until then, and if the
set-up fails or is stopped, the old environment stays as it is. It is kept afterwards, too, for processes that
still run in it; older ones are deleted.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LINK, HOME = Path(".venv"), Path(".venvs")
INSTALLED = ".installed"
"""The file that marks a complete environment."""
DAY = 24 * 60 * 60


def main(lock: str) -> int:
    """Install the packages of a lock file into a new environment, and return the exit code."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    HOME.mkdir(exist_ok=True)
    new = Path(tempfile.mkdtemp(prefix="venv-", dir=HOME))
    try:
        new.chmod(0o755)
        install(new.resolve(), lock)
        old = point_to(new)
    except (subprocess.CalledProcessError, KeyboardInterrupt, OSError) as error:
        shutil.rmtree(new, ignore_errors=True)
        reason = str(error) or "stopped"
        print(f"error: .venv was not set up, the old one stays: {reason}", file=sys.stderr)
        return 1
    delete_others(new, old)
    return 0


def install(folder: Path, lock: str) -> None:
    """Make a complete environment in a folder."""
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--require-hashes", "-r", lock], check=True)
    (folder / INSTALLED).touch()


def point_to(new: Path) -> Path:
    """Point the link to a new environment in one step, and return the folder of the old one."""
    temporary = HOME / f"link-{new.name}"
    temporary.symlink_to(new)
    old = Path(os.path.realpath(LINK))
    if LINK.is_dir() and not LINK.is_symlink():  # an environment from before `.venv` was a link
        old = LINK.rename(HOME / f"before-{new.name}")
    temporary.replace(LINK)
    return old


def delete_others(*kept: Path) -> None:
    """Delete complete environments, and incomplete ones after a day: others may still be installed."""
    names = {folder.resolve() for folder in kept}
    for folder in HOME.iterdir():
        complete = (folder / INSTALLED).exists()
        old = time.time() - folder.lstat().st_mtime > DAY
        if folder.resolve() not in names and (complete or old) and not folder.is_symlink():
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
