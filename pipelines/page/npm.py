"""Fetch LiteRT.js, which runs .tflite files in the browser, by npm; once, into a cache."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from ..errors import UserError

CACHE = Path(".cache", "page")
"""Where the packages are kept, below the current folder."""
_LISTS = ("package.json", "package-lock.json")
_CORE, _UTILS = "@litertjs/core", "@litertjs/wasm-utils"
_WASM = ("litert_wasm_internal", "litert_wasm_compat_internal")
"""Fast and old browsers. The builds with threads or suspended calls need headers that few servers send."""
_IMPORT = f'from "{_UTILS}"'
_SECONDS = 300


def runtime_files(cache: Path = CACHE) -> dict[str, bytes]:
    """Return the files of LiteRT.js, by their names in the folder `litert` of a page.

    Args:
        cache: the packages are installed here first if they aren't there yet.

    Raises:
        UserError: npm is missing, can't fetch the packages, or they aren't as expected.
    """
    modules = _installed(cache) / "node_modules"
    core, utils = modules / _CORE, modules / _UTILS
    try:
        code = (core / "dist" / "index.js").read_text()
        names = [f"{name}.{end}" for name in _WASM for end in ("js", "wasm")]
        files = {f"wasm/{name}": (core / "wasm" / name).read_bytes() for name in names}
        files["wasm-utils.js"] = (utils / "dist" / "index.js").read_bytes()
    except OSError as error:
        raise UserError(f"{error.filename}: expected a file of {_CORE}: delete {cache}") from None
    if code.count(_IMPORT) != 1:
        raise UserError(f"{core}: expected one {_IMPORT}, which browsers can't resolve: delete {cache}")
    # A browser knows no packages, so the one import of another package becomes that of a file.
    files["core.js"] = code.replace(_IMPORT, 'from "./wasm-utils.js"').encode()
    return files


def _installed(cache: Path) -> Path:
    """Return the folder with the packages; install them, completely or not at all, if they aren't there."""
    lists = {name: (Path(__file__).with_name(name)).read_bytes() for name in _LISTS}
    folder = cache / "npm"
    try:
        if all((folder / name).read_bytes() == content for name, content in lists.items()):
            return folder
    except OSError:
        pass
    npm = shutil.which("npm")
    if npm is None:
        raise UserError("needs npm, which fetches LiteRT.js once: install Node.js (https://nodejs.org)")
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache, prefix=".npm.") as temporary:
        fresh = Path(temporary, "new")
        fresh.mkdir()
        for name, content in lists.items():
            (fresh / name).write_bytes(content)
        _install(npm, fresh)
        if folder.exists():
            folder.rename(Path(temporary, "old"))
        fresh.rename(folder)
    return folder


def _install(npm: str, folder: Path) -> None:
    command = [npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--silent"]
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise UserError(f"npm could not fetch LiteRT.js within {_SECONDS} s") from None
    if done.returncode:
        lines = [line for line in (done.stderr + done.stdout).splitlines() if line.strip()]
        reason = lines[0].strip() if lines else f"it stopped with code {done.returncode}"
        raise UserError(f"npm could not fetch LiteRT.js: {reason}")
