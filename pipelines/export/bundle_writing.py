"""Write a bundle completely or not at all.

All files are written to a hidden folder first. When they are on the disk, one rename makes it
`OUTPUT/RUN_ID`, and a second one points `OUTPUT/latest` to it, at once or when `point_latest` is called. If
the process is killed in between, hidden folders `.RUN_ID.*` remain. The next write of that run removes them.
"""

from __future__ import annotations

import datetime
import glob
import hashlib
import json
import math
import os
import secrets
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..ondevice.bundle import Bundle
from ..ondevice.manifest import FORMAT, MANIFEST, check_manifest

LATEST = "latest"


def finite(value: Any) -> Any:
    """Return a value with None in place of numbers that JSON can't hold."""
    if isinstance(value, Mapping):
        return {key: finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def manifest_file(manifest: Mapping[str, Any]) -> bytes:
    """Return the content of manifest.json."""
    return json.dumps(manifest, indent=1, allow_nan=False, ensure_ascii=False).encode()


def write_bundle(
    output: Path,
    head: Mapping[str, Any],
    variants: Sequence[tuple[Mapping[str, Any], bytes]],
    assets: Mapping[str, bytes],
    *,
    parts: Sequence[tuple[Mapping[str, Any], bytes]] = (),
    latest: bool = True,
) -> Bundle:
    """Write the bundle `output/RUN_ID` and point `output/latest` to it. Replace a bundle of the same run.

    Args:
        output: the folder of the app's bundles. It is made if it is missing.
        head: the manifest without `format`, `created`, `assets`, `variants` and `parts`.
        variants: for each variant, its record without `bytes` and `sha256`, and the content of its file.
        assets: the content of other files, by plain file name.
        parts: for each part of the model, its record without `bytes` and `sha256`, and its file's content.
        latest: whether `output/latest` is pointed to it now. Otherwise call `point_latest` later.

    Returns:
        The bundle that was written.

    Raises:
        UserError: a name isn't plain, or the folder can't be written to (read-only, full). Then `output` has
            no new bundle, and `latest` is unchanged.
    """
    manifest = {
        "format": FORMAT,
        **head,
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "assets": [{"file": name, "sha256": _sha256(content)} for name, content in assets.items()],
        "variants": _described(variants),
    }
    if parts:
        manifest["parts"] = _described(parts)
    run_id = manifest["run_id"]
    if run_id == LATEST:
        raise UserError(
            f"run_id: expected another name than {LATEST!r}, which is the link to the newest bundle"
        )
    check_manifest(manifest, str(output / str(run_id) / MANIFEST))
    files = {**assets, **{record["file"]: content for record, content in (*variants, *parts)}}
    files[MANIFEST] = manifest_file(manifest)
    try:
        output.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(output, run_id)
        try:
            _publish(write_files(_hidden(output, run_id), files), output / run_id, latest=latest)
        except OSError:
            _remove_leftovers(output, run_id)
            raise
    except OSError as error:
        raise _refusal(error, output) from error
    return Bundle.open(output / run_id)


def point_latest(folder: Path) -> None:
    """Point `latest`, beside the folder of a bundle, to it.

    Raises:
        UserError: the link can't be written. Then it is unchanged.
    """
    try:
        try:
            _point(folder.parent / LATEST, folder.name, folder.name)
        finally:
            _remove_leftovers(folder.parent, folder.name)
    except OSError as error:
        raise _refusal(error, folder.parent) from error


def _refusal(error: OSError, output: Path) -> UserError:
    return UserError(f"{error.filename or output}: can't write the bundle: {error.strerror}")


def _described(files: Sequence[tuple[Mapping[str, Any], bytes]]) -> list[dict[str, Any]]:
    return [{**record, "bytes": len(content), "sha256": _sha256(content)} for record, content in files]


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _hidden(output: Path, run_id: str) -> Path:
    return output / f".{run_id}.{secrets.token_hex(4)}"


def _remove_leftovers(output: Path, run_id: str) -> None:
    """Remove the hidden folders that failed writers of this run left, except the one `latest` points to."""
    latest = _target_of(output / LATEST)
    for path in output.glob(f".{glob.escape(run_id)}.????????"):
        if path.is_symlink():
            path.unlink()
        elif path.name != latest:
            shutil.rmtree(path)


def write_files(folder: Path, files: Mapping[str, bytes]) -> Path:
    """Make `folder`, write its files, and return when they are on the disk."""
    folder.mkdir()
    for name, content in files.items():
        with (folder / name).open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    _sync(folder)
    return folder


def _publish(written: Path, target: Path, *, latest: bool) -> None:
    """Rename `written` to `target` and point `latest` to it, if asked to or if it was before.

    `latest` is complete at every moment.
    """
    output, run_id = target.parent, target.name
    if target.exists():
        if _target_of(output / LATEST) == run_id:
            latest = True
            copy = shutil.copytree(target, _hidden(output, run_id))
            _point(output / LATEST, copy.name, run_id)
        target.rename(_hidden(output, run_id))
    written.rename(target)
    _sync(output)
    if latest:
        _point(output / LATEST, run_id, run_id)
    _remove_leftovers(output, run_id)


def _point(link: Path, name: str, run_id: str) -> None:
    new = _hidden(link.parent, run_id)
    new.symlink_to(name, target_is_directory=True)
    new.replace(link)
    _sync(link.parent)


def _target_of(link: Path) -> str | None:
    return str(link.readlink()) if link.is_symlink() else None


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
