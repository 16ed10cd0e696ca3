"""What the manifest of a trained bundle keeps of the run's record, for the bundle's card."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..config import from_dict
from ..export.bundle_writing import finite
from ..export.card.markdown import without_folders
from .naming import command

if TYPE_CHECKING:
    from ..app import App
    from ..data.examples import Data

_OF_RECORD = ("data_sha256", "examples", "figures", "made_with", "date")
_OF_RUN = ("scores", "baselines", "epochs", "best_epoch", "training_minutes")


def card_facts(app: App, record: Mapping[str, Any], run_id: str) -> dict[str, Any] | None:
    """Return the facts of one run, and how its scores spread over the seeds if there are several.

    Args:
        app: the app.
        record: the record of the run (`record.of_run`), or of several seeds (`record.of_seeds`).
        run_id: the run of the bundle.

    Returns:
        Values that JSON can hold, without paths of this machine, and with None for infinite numbers. None if
        the record is not of this run.
    """
    seeds = record.get("runs", ())
    own = next((each for each in (*seeds, record) if each["run_id"] == run_id), None)
    if own is None:
        return None
    config = from_dict(type(app.presets["default"]), record["config"])
    facts = {key: record[key] for key in _OF_RECORD if key in record}
    facts |= {key: own[key] for key in _OF_RUN}
    words = shlex.split(command(app, record["preset"], config, max(1, len(seeds))))
    facts |= {"network": config.network, "command": shlex.join(map(without_folders, words))}
    if "intervals" in record:
        facts["intervals"] = record["intervals"]
    if seeds:
        facts["over_seeds"] = {
            "seeds": [each["seed"] for each in seeds],
            "best_seed": record["best_seed"],
            "scores": record["scores"],
            "spread": record["spread"]["scores"],
        }
    return finite(facts)


def of_data(data: Data) -> dict[str, Any]:
    """Return what the data sets say of themselves, for the same entry of the manifest."""
    return {"origins": [dataclasses.asdict(each) for each in data.origins]}
