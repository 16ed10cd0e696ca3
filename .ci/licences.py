"""Write the licences of all dependencies as a table: .venv/bin/python .ci/licences.py > LICENCES.md

pip-licenses reads them from the installed packages. Only those in requirements.lock are listed.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PIP_LICENSES = ".cache/audit/bin/pip-licenses"
"""`make licences` installs it."""
NOT_STATED = {
    "espeakng-loader": "MIT; it carries espeak-ng, GPL-3.0-or-later",
    "huey": "MIT",
    "namex": "Apache-2.0",
    "pycocoevalcap": "BSD-2-Clause",
    "skops": "MIT",
    "tflite-micro": "Apache-2.0",
}
"""Licences that the package's own metadata leaves out; they stand in its licence file or its repository."""
HEADER = """\
# Licences of the dependencies

`make licences` writes this table from the packages in `.venv`. "Needed by" names what is installed with
`pip install unrolled` (device) or with an extra (`unrolled[train]`, ...); `dev` is for work on the project.
The extras torch and onnx aren't in `requirements.lock`: PyTorch is BSD-3-Clause, ONNX is Apache-2.0.

All licences are permissive but these. soxr (LGPL-2.1-or-later) resamples sound in training and is used as a
library, unchanged. espeakng-loader carries espeak-ng (GPL-3.0-or-later), which speaks the embedded speech
commands; it is an extra of its own, and nothing of it is in a bundle or in a wheel of this project. The same
holds for av, whose wheels carry FFmpeg (LGPL-3.0-or-later) with x264 and x265 (GPL-2.0-or-later).
psycopg (LGPL-3.0-only), an extra of its own, too, speaks to PostgreSQL and is used unchanged. MPL-2.0,
of certifi, pathspec, tqdm and others, asks for the source of changed files only; none is changed. Packages
for other systems only, such as pywin32 for Windows, are not in the table.

| Package | Version | Licence | Needed by |
| --- | --- | --- | --- |
"""


def main() -> None:
    """Print the table."""
    locked = {line.partition("==")[0] for line in Path("requirements.lock").read_text().splitlines()}
    stated = {canonicalize_name(row["Name"]): row for row in licences()}
    needed = needed_by(Path("pyproject.toml"))
    print(HEADER, end="")
    for name in sorted(locked & stated.keys()):
        row = stated[name]
        licence = NOT_STATED[name] if row["License"] == "UNKNOWN" else first_line(row["License"])
        print(f"| {name} | {row['Version']} | {licence} | {', '.join(needed.get(name, ['dev']))} |")


def licences() -> list[dict[str, str]]:
    """Return name, version and licence of each installed package."""
    options = ["--from", "mixed", "--format", "json", "--with-system", "--python", sys.executable]
    return json.loads(subprocess.check_output([PIP_LICENSES, *options], text=True))


def first_line(licence: str) -> str:
    """Return the licence's name where a package gives the whole text."""
    return licence.strip().splitlines()[0]


def needed_by(project: Path) -> dict[str, list[str]]:
    """Return, for each package, "device" and the extras whose installation brings it."""
    described = tomllib.loads(project.read_text())["project"]
    roots = {"device": described["dependencies"], **described["optional-dependencies"]}
    needed: dict[str, list[str]] = {}
    for extra, requirements in roots.items():
        for name in sorted(closure(requirements, roots)):
            needed.setdefault(name, []).append(extra)
    return needed


def closure(requirements: list[str], roots: dict[str, list[str]]) -> set[str]:
    """Return the names of the packages that requirements bring, directly or through others."""
    found: set[str] = set()
    left = [Requirement(each) for each in requirements]
    while left:
        wanted = left.pop()
        name = canonicalize_name(wanted.name)
        if name == "unrolled":
            left += [Requirement(each) for extra in wanted.extras for each in roots[extra]]
        elif name not in found and (wanted.marker is None or wanted.marker.evaluate({"extra": ""})):
            found.add(name)
            left += dependencies(name, wanted.extras)
    return found


def dependencies(name: str, extras: set[str]) -> list[Requirement]:
    """Return what an installed package needs; nothing if it isn't installed."""
    try:
        declared = metadata.requires(name) or []
    except metadata.PackageNotFoundError:
        return []
    wanted = [Requirement(each) for each in declared]
    chosen = [{"extra": extra} for extra in ("", *extras)]
    needed = [each for each in wanted if each.marker is None or any(map(each.marker.evaluate, chosen))]
    for each in needed:
        each.marker = None  # it holds: `closure` would ask without the extra
    return needed


if __name__ == "__main__":
    main()
