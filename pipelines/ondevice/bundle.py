"""Read a bundle, the folder that is copied to a device: manifest.json, .tflite variants and assets.

Needs the standard library only. No file of a bundle is used before its size and hash agree with the manifest.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..files import read_file
from .file_check import MOST_BYTES
from .manifest import MANIFEST, check_manifest

_MOST_BYTES = 2**24  # of a manifest; a hundred thousand files fit in


@dataclass(frozen=True)
class Bundle:
    """A complete bundle. Get one with `Bundle.open(folder)`.

    Attributes:
        folder: the folder with its files.
        manifest: the content of manifest.json.
    """

    folder: Path
    manifest: Mapping[str, Any]

    @classmethod
    def open(cls, folder: str | Path) -> Bundle:
        """Read and check the manifest in `folder`. Other files are checked when they are asked for.

        Raises:
            UserError: there is no such folder, or its manifest is missing or malformed.
        """
        path = Path(folder) / MANIFEST
        content = read_file(path, _MOST_BYTES, f"a bundle with a {MANIFEST}")
        try:
            manifest = json.loads(
                content, parse_constant=_refuse, parse_float=_finite, object_pairs_hook=_object
            )
        except (ValueError, RecursionError) as error:
            raise UserError(f"{path}: expected JSON: {error}") from None
        check_manifest(manifest, str(path))
        return cls(Path(folder), manifest)

    @property
    def labels(self) -> list[str]:
        """The names of the classes, in the order of the model's outputs."""
        return self.manifest["labels"]

    @property
    def preprocessing(self) -> dict[str, Any]:
        """The settings that turn raw inputs into the model's inputs."""
        return self.manifest["preprocessing"]

    @property
    def variants(self) -> list[dict[str, Any]]:
        """One record for each .tflite file."""
        return self.manifest["variants"]

    def variant(self, name: str | None = None, execution: str | None = None) -> dict[str, Any]:
        """Return the record of one variant.

        Args:
            name: a file name means that file. A precision ("int8") means the file of that precision with the
                preferred execution. None means the precision "float32", or the first one that the bundle has.
            execution: the preferred execution, if `name` isn't a file name. "loop" is used for None, and if
                the bundle has no such file; then any other.

        Raises:
            UserError: the bundle has no such file. The message lists its files, or gives the reason why
                that one was left out.
        """
        precision = self._first_precision() if name is None else name
        anyway = [each["execution"] for each in self.variants if name is None]
        for preferred in (execution, "loop", *anyway):
            for variant in self.variants:
                if name == variant["file"] or _kind(variant) == (precision, preferred):
                    return variant
        self._refuse_left_out(precision, f"{precision}_loop.tflite")
        if others := [each for each in self.variants if each["precision"] == precision]:
            return others[0]
        known = ", ".join(variant["file"] for variant in self.variants)
        raise UserError(f"{self.folder}: unknown variant {precision!r}: expected one of {known}")

    def _first_precision(self) -> str:
        """Return "float32", unless the bundle never had it: then the precision of its first file."""
        files = [each["file"] for each in self.variants]
        has_had = any(file.startswith("float32_") for file in (*files, *self.left_out))
        return "float32" if has_had else self.variants[0]["precision"]

    def variant_path(self, name: str | None = None, execution: str | None = None) -> Path:
        """Check the size and hash of a variant's file, and return its path.

        Args:
            name: a file name, or a precision, or None, as for `variant`.
            execution: the preferred execution, if `name` isn't a file name.

        Raises:
            UserError: the bundle has no such file, or the file was changed.
        """
        variant = self.variant(name, execution)
        self._read(variant)
        return self.folder / variant["file"]

    def with_execution(self, name: str | None, execution: str) -> dict[str, Any]:
        """Return the record of the file with this execution and the precision that `name` stands for.

        Args:
            name: a file name or a precision or None, as for `variant`.
            execution: the required execution, such as "step" for a stream.

        Raises:
            UserError: the bundle has no file with this execution in that precision.
        """
        variant = self.variant(name, execution)
        wanted = (variant["precision"], execution)
        for each in (variant, *self.variants):
            if _kind(each) == wanted:
                return each
        self._refuse_left_out("{}_{}.tflite".format(*wanted))
        raise UserError(
            f"{self.folder}: expected a variant of {wanted[0]} with execution {execution}, found none"
        )

    def warning(self, name: str | None = None) -> str:
        """Return a warning if a variant was no better than a simple method on the test data; else "".

        Args:
            name: a file name, or a precision, or None, as for `variant`.

        Raises:
            UserError: the bundle has no such file.
        """
        metric, value = self.manifest["metric"], self.variant(name)["metric"]
        simple = metric["baseline"]
        if value > simple if metric["higher_is_better"] else value < simple:
            return ""
        return (
            f"no model to use: on its test data it is no better than a simple method "
            f"({metric['name']} {value:.4f}, simple method {simple:.4f})"
        )

    @property
    def parts(self) -> list[dict[str, Any]]:
        """One record for each .tflite file that holds a part of the model, such as a decoder; often none."""
        return self.manifest.get("parts", [])

    def part_path(self, name: str, precision: str) -> Path:
        """Check the size and hash of the file of a part of the model, and return its path.

        Args:
            name: the name of the part, such as "decode".
            precision: the precision of the file, such as "float32".

        Raises:
            UserError: the bundle has no such file, or the file was changed.
        """
        for part in self.parts:
            if (part["part"], part["precision"]) == (name, precision):
                self._read(part)
                return self.folder / part["file"]
        self._refuse_left_out(f"{precision}_{name}.tflite")
        known = ", ".join(part["file"] for part in self.parts) or "none"
        raise UserError(f"{self.folder}: no part {name!r} in {precision}: expected one of {known}")

    @property
    def left_out(self) -> dict[str, str]:
        """The reason for each file that was left out of the bundle, by file name."""
        return {each["file"]: each["reason"] for each in self.manifest.get("left_out", [])}

    def _refuse_left_out(self, *names: str) -> None:
        for name in names:
            if name in self.left_out:
                raise UserError(f"{self.folder}: {name} was left out of the bundle: {self.left_out[name]}")

    def asset(self, name: str) -> bytes:
        """Return the content of an asset such as a vocabulary; UserError if it is missing or was changed."""
        for asset in self.manifest["assets"]:
            if asset["file"] == name:
                return self._read(asset)
        known = ", ".join(asset["file"] for asset in self.manifest["assets"]) or "none"
        raise UserError(f"{self.folder}: unknown asset {name!r}: expected one of {known}")

    def data_assets(self) -> dict[str, bytes]:
        """Return the content of all assets that are no code, by name; UserError as from `asset`."""
        records = (each for each in self.manifest["assets"] if not each["file"].endswith(".py"))
        return {each["file"]: self._read(each) for each in records}

    def _read(self, record: Mapping[str, Any]) -> bytes:
        path = self.folder / record["file"]
        try:
            if path.resolve(strict=True).parent != self.folder.resolve():
                raise UserError(f"{path}: expected a file of the bundle, found a link out of it")
        except OSError as error:
            raise UserError(f"{path}: expected a file of the bundle: {error.strerror}") from None
        except RuntimeError:
            raise UserError(f"{path}: expected a file of the bundle, found a link to itself") from None
        content = read_file(path, MOST_BYTES, "a file of the bundle")
        if len(content) != record.get("bytes", len(content)):
            raise UserError(f"{path}: expected {record['bytes']} bytes, found {len(content)}")
        found = hashlib.sha256(content).hexdigest()
        if found != record["sha256"]:
            raise UserError(f"{path}: expected SHA-256 {record['sha256']}, found {found}")
        return content


def _kind(variant: Mapping[str, Any]) -> tuple[str, str]:
    return variant["precision"], variant["execution"]


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not a JSON number")


def _finite(number: str) -> float:
    value = float(number)
    if math.isinf(value):
        raise ValueError(f"{number} is too large a number")
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
        raise ValueError(f"the key {twice!r} is there twice in one object")
    return found
