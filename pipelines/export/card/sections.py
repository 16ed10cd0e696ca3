"""The card's sections in words: what it is for, its limits, its data, and how it was made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ...evaluation.baselines import no_better_than
from .about import About
from .markdown import bullets, code, fence, listed, one_line, table, text, without_folders

_LIBRARIES = "version."
_LONGEST_DESCRIPTION = 3000  # of a data set, in characters


def title(manifest: Mapping[str, Any], about: About | None) -> str:
    """Return the heading of the card."""
    if about is None:
        return f"# {code(manifest['run_id'])}"
    name = text(manifest["app"].replace("_", " ").capitalize())
    network = manifest.get("record", {}).get("network")
    return f"# {name}: {text(network) + ', ' if network else ''}preset {code(manifest['preset'])}"


def purpose(manifest: Mapping[str, Any], about: About | None) -> Iterator[str]:
    """Yield the paragraphs on what the network is for."""
    if about is None:
        yield (
            "A Keras model, exported as verified `.tflite` files. Each file's outputs were compared with the "
            f"model's on {text(manifest['dataset'])}."
        )
    else:
        yield about.purpose
    if manifest.get("embedded"):
        yield (
            "It is shipped with the app: `predict` uses it where nothing has been trained yet. It shows what "
            "the app does."
        )
    if manifest["labels"]:
        labels = [code(each) for each in manifest["labels"]]
        yield f"It answers with {len(labels):,} labels: {listed(labels)}."


def limits(manifest: Mapping[str, Any], about: About | None) -> Iterator[str]:
    """Yield the limits of every such network, then those that the figures of this one show."""
    if about is not None:
        yield bullets([*_of_figures(manifest), *about.limits])


def _of_figures(manifest: Mapping[str, Any]) -> Iterator[str]:
    if manifest["preset"] == "smoke":
        yield "The preset `smoke` only tries every step: this network is of no use."
    record, metric = manifest.get("record"), manifest["metric"]
    if record is None:
        return
    simple, name = record["baselines"], metric["name"]
    scores = {split: of for split, of in record["scores"].items() if of[name] is not None}
    found = no_better_than(scores, simple, name, higher_is_better=metric["higher_is_better"])
    for split, method in found.items():
        figures = f"{code(name)} {scores[split][name]:.4f}, {simple[method][split]:.4f}"
        yield (
            f"On {code(split)} it is no better than a simple method, {text(method.replace('_', ' '))} "
            f"({figures})."
        )


def data(manifest: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is known of the data: name, licence, examples, hash."""
    yield f"Trained on {code(without_folders(manifest['dataset']))}."
    record = manifest.get("record", {})
    origins = record.get("origins", ())
    for each in origins:
        description = text(each["description"], _LONGEST_DESCRIPTION)
        yield f"{code(each['name'])}: {description}" if description else ""
    licences = [f"{code(each['name'])}: {text(each['licence'])}" for each in origins if each["licence"]]
    if "data_licence" in manifest:
        yield f"Licence of the data: {text(manifest['data_licence'])}."
    elif licences:
        yield "Licence of the data:\n\n" + bullets(licences)
    examples = record.get("examples", {})
    yield table(["split", "examples"], [[code(name), f"{count:,}"] for name, count in examples.items()])
    if "data_sha256" in record:
        yield f"SHA-256 of the examples: {code(record['data_sha256'])}"


def origin(manifest: Mapping[str, Any]) -> Iterator[str]:
    """Yield how the network was made: the command, the commit, versions, machine, time."""
    record = manifest.get("record", {})
    if "command" in record:
        yield fence(one_line(record["command"]), "sh")
    made = record.get("made_with", {})
    versions = [
        f"{text(name.removeprefix(_LIBRARIES))} {text(value)}"
        for name, value in made.items()
        if name.startswith(_LIBRARIES)
    ]
    facts = {
        "run": code(manifest["run_id"]) if "command" in record else "",
        "commit": _commit(made),
        "versions": listed(versions),
        "machine": _machine(made),
        "training": _training(record),
        "date": text(record.get("date", manifest["created"])),
    }
    yield bullets([f"{name}: {value}" for name, value in facts.items() if value])
    if manifest["config"]:
        yield "`manifest.json` has all settings, the labels, and what is done to an input before the network."


def _commit(made: Mapping[str, str]) -> str:
    if "git.commit" not in made:
        return ""
    changed = ", with changes that are not in it" if made.get("git.dirty") == "true" else ""
    return f"{code(made['git.commit'])}{changed}"


def _machine(made: Mapping[str, str]) -> str:
    cpu = made.get("hardware.cpu")
    return f"{text(cpu)}, {text(made.get('hardware.cores'))} cores" if cpu else ""


def _training(record: Mapping[str, Any]) -> str:
    if "epochs" not in record:
        return ""
    return (
        f"{record['epochs']} epochs, the best is {record['best_epoch']}; {record['training_minutes']} minutes"
    )
