"""The verb `ship`: put one precision of a bundle into the package, to be tried without training."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro

from ..app import SHIPPED, SMOKE, App, find, folder_of
from ..errors import UserError
from ..evaluation.score import score
from ..export.bundle_writing import finite, write_bundle
from ..export.card.markdown import without_folders
from ..ondevice.bundle import Bundle
from ..ondevice.manifest import Execution, Precision
from ..ondevice.model import runner_of
from . import card

MAX_BYTES = 4_500_000
"""The largest size of all files of a shipped bundle."""
_EXAMPLES = 100  # of the embedded data, to score the shipped file on


@dataclass(frozen=True)
class Ship:
    """Put one precision of a bundle into the package, so that it can be tried without training."""

    bundle: tyro.conf.Positional[Path]
    """The folder of the bundle."""
    data_licence: str
    """The licence of the data that the network was trained on, for the card."""
    licence: str = "apache-2.0"
    """The licence of the network, by Hugging Face's identifier."""
    precision: Precision = "int8"
    """Ship the files of this precision."""
    execution: Execution | None = None
    """Ship only the variant with this execution. Default: all variants of the precision."""


def run(command: Ship) -> None:
    """Write apps/APP/shipped: the chosen files, the manifest and a card.

    Raises:
        UserError: the bundle has no such file, or the files are too large.
    """
    bundle = Bundle.open(command.bundle)
    app = find(bundle.manifest["app"]).of_bundle(bundle)
    variants = [each for each in bundle.variants if _is_chosen(each, command)]
    parts = [each for each in bundle.parts if each["precision"] == command.precision]
    if not variants:
        raise UserError(f"{command.bundle}: expected a variant in {command.precision}, found none")
    assets = bundle.data_assets()
    size = sum(each["bytes"] for each in (*variants, *parts)) + sum(map(len, assets.values()))
    if size > MAX_BYTES:
        raise UserError(f"{command.bundle}: expected at most {MAX_BYTES:,} bytes to ship, got {size:,}")
    left = ("format", "created", "assets", "variants", "parts", "left_out")
    head = {key: value for key, value in bundle.manifest.items() if key not in left}
    head["config"] = {name: without_folders(value) for name, value in head["config"].items()}
    head["embedded"] = figure_on_embedded_data(app, bundle, variants[0]["file"])
    head |= {"licence": command.licence, "data_licence": command.data_licence}
    target = folder_of(app.name) / SHIPPED
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".ship.") as folder:
        files = [(each, bundle.variant_path(each["file"]).read_bytes()) for each in variants]
        of_parts = [(each, bundle.part_path(each["part"], command.precision).read_bytes()) for each in parts]
        written = write_bundle(Path(folder), head, files, assets, parts=of_parts)
        card.write(written)
        if target.exists():
            target.rename(Path(folder) / "replaced")
        written.folder.rename(target)
    print(f"{target}: {size:,} bytes")


def _is_chosen(variant: Mapping[str, Any], command: Ship) -> bool:
    return variant["precision"] == command.precision and command.execution in (None, variant["execution"])


def figure_on_embedded_data(app: App, bundle: Bundle, file: str) -> dict[str, Any]:
    """Score a file on the first test examples of the preset `smoke`, whose data every machine has."""
    data = app.load(app.presets[SMOKE])
    examples = data.splits["test"]
    some = dataclasses.replace(
        examples, inputs=examples.inputs[:_EXAMPLES], targets=examples.targets[:_EXAMPLES]
    )
    model = runner_of(bundle.variant(file)["execution"])(bundle.variant_path(file))
    inputs = app.encode(bundle, some.inputs)
    values, _ = score(model.predict, inputs, app.targets(bundle, data, some), app.metrics)
    metric = bundle.manifest["metric"]["name"]
    return {
        "dataset": data.source,
        "examples": len(some.inputs),
        "file": file,
        "value": finite(values[metric]),
    }
