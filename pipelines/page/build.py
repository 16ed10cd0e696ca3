"""Write the page of a bundle: a folder with the page, the bundle's files and LiteRT.js."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..app import App, Page
from ..errors import UserError
from ..ondevice.bundle import Bundle
from ..ondevice.manifest import MANIFEST
from .golden import golden
from .npm import CACHE, runtime_files

FORMAT = 1
"""The version of page.json."""
MARK = "page.json"
"""The file that tells a page from other folders, and what the page reads first."""
_STATIC = Path(__file__).with_name("static")


def write_page(app: App, bundle: Bundle, output: Path, *, cache: Path = CACHE) -> None:
    """Write the page of a bundle. A page that is there already is replaced at the end, at once.

    Args:
        app: the app of the bundle.
        bundle: its files are checked and copied.
        output: the folder to write. It must be missing, empty or an older page.
        cache: where LiteRT.js is kept.

    Raises:
        UserError: the app has no page, `output` holds something else or can't be written to, npm is missing,
            or a file of the bundle was changed.
    """
    page = app.page
    if page is None:
        raise UserError(f"{app.name} has no page yet: expected a bundle of an app that has one")
    require_free(output)
    files = {f"bundle/{name}": content for name, content in bundle_files(bundle).items()}
    files |= {f"litert/{name}": content for name, content in runtime_files(cache).items()}
    files["golden.json"] = _json(golden(page, bundle))
    files[MARK] = _json(_described(app, page))
    _write(output, files)


def require_free(output: Path) -> None:
    """Check, before any work, that a page can be written; raise UserError if not."""
    if output.is_symlink() or (output.exists() and not output.is_dir()):
        raise UserError(f"--output {output}: expected a folder to write, found a file or a link")
    if output.is_dir() and any(output.iterdir()) and not (output / MARK).is_file():
        raise UserError(f"--output {output}: expected an empty folder or an older page, found other files")


def bundle_files(bundle: Bundle) -> dict[str, bytes]:
    """Return the checked files of a bundle that a page carries, by name."""
    paths = [bundle.variant_path(each["file"]) for each in bundle.variants]
    paths += [bundle.part_path(each["part"], each["precision"]) for each in bundle.parts]
    files = {path.name: path.read_bytes() for path in paths}
    return {**files, **bundle.data_assets(), MANIFEST: _json(bundle.manifest)}


def _described(app: App, page: Page) -> dict[str, Any]:
    title = app.name.replace("_", " ").capitalize()
    described = {"format": FORMAT, "app": app.name, "title": title, "summary": app.summary}
    return {**described, "module": page.module, "settings": dict(page.settings)}


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def _write(output: Path, files: Mapping[str, bytes]) -> None:
    """Write everything to a hidden folder beside `output`, then let it take the place of `output`."""
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=output.parent, prefix=f".{output.name}.") as temporary:
            fresh = Path(temporary, "new")
            shutil.copytree(_STATIC, fresh)
            for name, content in files.items():
                path = fresh / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            if output.exists():
                output.rename(Path(temporary, "old"))
            fresh.rename(output)
    except OSError as error:
        raise UserError(
            f"--output {output}: expected a folder to write to: {os.strerror(error.errno or 0)}"
        ) from None
