"""Download the rated sentences that sentiment's default trains on: python .ci/download_data.py .venv

They come in a source distribution on the package index, whose hash is in data.lock. It goes into the
environment, where `make clean` leaves it. Everything else works without it, so a failure is a warning.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

WANTED = Path(__file__).with_name("data.lock")
WARNING = """\
warning: the rated sentences could not be downloaded; sentiment's default needs them, its other presets and \
--dataset don't; `make setup` tries again"""


def main(environment: str) -> None:
    """Download into share/unrolled of an environment, unless it is there."""
    folder = Path(environment, "share", "unrolled").resolve()
    name, _, version = WANTED.read_text().split()[0].partition("==")
    if (folder / f"{name}-{version}.tar.gz").exists():
        return
    # The packages that pip needs to read a source distribution are in requirements.lock.
    pip = [f"{environment}/bin/python", "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    options = ["--no-deps", "--no-binary", name, "--no-build-isolation", "--require-hashes"]
    command = [*pip, *options, "--requirement", str(WANTED), "--dest", str(folder)]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        print(WARNING, file=sys.stderr)


if __name__ == "__main__":
    main(*sys.argv[1:])
