"""The YAML at the top of a card, which Hugging Face's hub reads."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from .about import About
from .markdown import one_line, without_folders, yaml

_ON_THE_HUB = re.compile(r"[A-Za-z0-9][\w.-]{0,95}", re.ASCII)
"""A name that the hub's check of `datasets` lets pass."""
_AFTER = " after "
"""Between the data set and the one of the pretraining, in the name of a source."""


def front_matter(manifest: Mapping[str, Any], about: About | None) -> str:
    """Return the YAML with the two lines around it.

    Args:
        manifest: the bundle's.
        about: what its app says of itself; None for an exported model without an app.
    """
    head = {
        "license": manifest.get("licence", "unknown"),
        "library_name": "tflite",
        "pipeline_tag": about.pipeline_tag if about else None,
        "tags": _tags(manifest, about),
    }
    if about:
        head["datasets"] = [*_data_sets(manifest)] or None
        head["metrics"] = [manifest["metric"]["name"]]
        head["model-index"] = [_results(manifest, about)]
    return f"---\n{yaml(head)}\n---"


def _tags(manifest: Mapping[str, Any], about: About | None) -> list[str]:
    cell = manifest["config"].get("cell")
    streams = any(each["execution"] == "step" for each in manifest["variants"])
    words = [*(about.tags if about else ()), *([cell] if isinstance(cell, str) else [])]
    return [*dict.fromkeys([*words, *(["streaming"] if streams else []), "tflite", "litert", "on-device"])]


def _data_sets(manifest: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names without config and version: those that the hub would refuse are in the text only."""
    for source in without_folders(manifest["dataset"]).split(_AFTER):
        name = source.partition("/")[0]
        if _ON_THE_HUB.fullmatch(name):
            yield name


def _results(manifest: Mapping[str, Any], about: About) -> dict[str, Any]:
    metric = manifest["metric"]
    scores = manifest.get("record", {}).get("scores") or {"test": {metric["name"]: metric["value"]}}
    task = {"type": about.pipeline_tag, "name": one_line(manifest["app"].replace("_", " "))}
    results = [
        {"task": task, "dataset": _data_set(manifest, split), "metrics": found}
        for split, values in scores.items()
        if (found := _values(manifest, split, values[metric["name"]]))
    ]
    return {"name": f"{manifest['app']}-{manifest['preset']}", "results": results}


def _data_set(manifest: Mapping[str, Any], split: str) -> dict[str, str]:
    name = one_line(without_folders(manifest["dataset"]))
    kind = next(_data_sets(manifest), manifest["app"])
    return {"name": name, "type": kind, "split": split}


def _values(manifest: Mapping[str, Any], split: str, value: float | None) -> list[dict[str, Any]]:
    """Return the first metric of the network in Keras, and on the test split that of each file."""
    name = manifest["metric"]["name"]
    found = [{"type": name, "value": value, "name": f"{name}, in Keras"}]
    if split == "test":
        found += [
            {"type": name, "value": each["metric"], "name": f"{name} of {each['file']}"}
            for each in manifest["variants"]
        ]
    return [each for each in found if each["value"] is not None]
