"""Export a trained network as a bundle, and log the bundle."""

from __future__ import annotations

import json
import logging
import math
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..config import to_dict
from ..data.examples import Features
from ..data.on_disk import some_of, spread
from ..evaluation.outcome import Outcome
from ..export.bundle_writing import point_latest
from ..export.card.card import write_card
from ..export.trained import ExportResult, RunInfo, TrainedModel, export
from ..ondevice.bundle import Bundle
from ..tracking.models import log_bundle_model, log_keras_model, variant_metrics
from ..tracking.run import Run
from . import record
from .calibration import calibration_examples
from .card_facts import card_facts, of_data
from .description import description
from .naming import command
from .setup import Setup
from .zipped import zipped_sizes

log = logging.getLogger(__name__)

_VERIFIED = 5000
"""The number of test examples on disk that each file is run on."""


def export_bundle(
    setup: Setup,
    outcome: Outcome,
    output: Path,
    *,
    seeds: Sequence[Mapping[str, Any]] = (),
    latest: bool = True,
) -> record.Result:
    """Write the bundle OUTPUT/APP/RUN_ID, log it, point `latest` to it, and remove the checkpoint.

    If a step fails, for example since the disk is full, `latest` is unchanged and the run can be resumed.

    Args:
        setup, outcome: the run.
        output: the folder for bundles.
        seeds: the results of `record.of_seed`, if the run is that of the best of several seeds.
        latest: whether to point `latest` to the bundle.
    """
    run, folder = setup.run, setup.checkpoint.folder
    with tempfile.TemporaryDirectory(prefix=".export.", dir=folder) as name:
        workspace = Path(name)
        exported = _export(setup, outcome, output / setup.app.name, workspace)
        figures = _try_bundle(setup, outcome, exported.bundle, workspace / "samples")
        if setup.config.sparsity:
            figures |= _zipped_sizes(setup, exported.bundle)
        of_run = record.of_run(setup, outcome, exported) | {"figures": figures}
        of_all = record.of_seeds(run.id, seeds, of_run) if seeds else of_run
        _write_card(setup, outcome, exported.bundle, of_all | {"intervals": of_run["intervals"]})
        model_uri = _log_export(run, exported, outcome, workspace)
    of_run["total_minutes"] = round(setup.minutes(), 2)
    run.text("record.json", json.dumps(of_run, indent=1))
    run.describe(description(of_run, command(setup.app, setup.preset, setup.config)))
    if latest:
        point_latest(exported.bundle.folder)
    shutil.rmtree(folder)
    return record.Result(run.id, exported.bundle.folder, model_uri, of_run, run.page)


def _export(setup: Setup, outcome: Outcome, output: Path, workspace: Path) -> ExportResult:
    app, config, features = setup.app, setup.config, outcome.features
    inputs, targets = _verified(features)
    trained = TrainedModel(
        model=outcome.deployed,
        input_specs={outcome.deployed.inputs[0].name: (inputs.shape[1:], str(inputs.dtype))},
        inputs=inputs,
        targets=targets,
        calibration=calibration_examples(config, features, outcome.deployed),
        metrics=app.metrics,
    )
    return export(
        trained,
        _run_info(setup, outcome),
        assets=features.assets,
        output=output,
        workspace=workspace,
        precisions=config.precisions,
        executions=app.executions(config),
        parts=app.parts(config, outcome) if app.parts else None,
    )


def _verified(features: Features) -> tuple[np.ndarray, np.ndarray]:
    """Return the test examples on which files are compared with the network: all that are in memory."""
    inputs, targets = features.inputs["test"], features.targets["test"]
    some = some_of(inputs, _VERIFIED)
    if len(some) < len(inputs):
        log.info("files are verified on %s of the %s test examples", f"{len(some):,}", f"{len(inputs):,}")
    return some, targets[spread(inputs, _VERIFIED)]


def _run_info(setup: Setup, outcome: Outcome) -> RunInfo:
    return RunInfo(
        app=setup.app.name,
        run_id=setup.run.id,
        dataset=outcome.data.source,
        preset=setup.preset,
        config=to_dict(setup.config),
        labels=outcome.features.labels,
        preprocessing=outcome.features.preprocessing,
        baseline=_best_baseline(setup, outcome),
        higher_is_better=setup.app.higher_is_better,
        facts=setup.app.facts(setup.config, outcome) if setup.app.facts else {},
    )


def _best_baseline(setup: Setup, outcome: Outcome) -> float:
    """Return the metric of the best simple method on the test split, of those that have a number there."""
    best = max if setup.app.higher_is_better else min
    values = [of_split["test"] for of_split in outcome.baselines.values()]
    return best([value for value in values if not math.isnan(value)] or values)


def _log_export(run: Run, exported: ExportResult, outcome: Outcome, workspace: Path) -> str:
    """Log the bundle and the models; return the address of the bundle's model."""
    run.metrics(variant_metrics(exported.bundle))
    run.tags({"left_out": exported.left_out})
    run.table("variants", [row._asdict() for row in exported.rows])
    run.folder(exported.bundle.folder, "bundle")
    run.folder(workspace / "saved_model", "saved_model")
    log_keras_model(run, outcome.deployed, outcome.features.inputs["test"][:2])
    return log_bundle_model(exported.bundle.folder, outcome.data.splits["test"].inputs[:2])


def _write_card(setup: Setup, outcome: Outcome, bundle: Bundle, recorded: Mapping[str, Any]) -> None:
    """Write the card of a bundle from the record of its run, or of all seeds."""
    facts = card_facts(setup.app, recorded, setup.run.id)
    assert facts is not None, "the record is of this run"
    write_card(bundle, setup.app, facts={"record": facts | of_data(outcome.data)})


def _zipped_sizes(setup: Setup, bundle: Bundle) -> dict[str, float]:
    """Log and return the sizes of the files when they are zipped."""
    sizes = zipped_sizes(bundle.folder)
    setup.run.metrics(sizes)
    return sizes


def _try_bundle(setup: Setup, outcome: Outcome, bundle: Bundle, folder: Path) -> dict[str, Any]:
    """Let the app try its bundle; log the files it writes, and return the figures it measures."""
    if setup.app.show is None:
        return {}
    folder.mkdir()
    figures = dict(setup.app.show(setup.config, outcome, bundle, folder))
    setup.run.folder(folder, "samples")
    setup.run.metrics(figures)
    return figures
