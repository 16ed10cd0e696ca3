"""Score a trained network on the test splits, and log the results."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ..data.examples import Data
from ..data.on_disk import spread
from ..data.splits import select
from ..evaluation import plots
from ..evaluation.baselines import as_tags
from ..evaluation.intervals import interval
from ..evaluation.outcome import Outcome, Progress
from ..evaluation.predictors import of_network
from ..evaluation.score import score, signatures
from . import record
from .description import description, headline
from .naming import command
from .setup import Setup

if TYPE_CHECKING:
    import keras

log = logging.getLogger(__name__)

_LEARNED = 20_000
"""The number of training examples on disk that the baselines learn from."""


def score_test_splits(
    setup: Setup, *, model: keras.Model, deployed: keras.Model, progress: Progress
) -> Outcome:
    """Score the network and the baselines on every test split, for the first and only time."""
    app, data, features = setup.app, setup.data, setup.features
    scores, outputs, intervals = {}, {}, {}
    first_metric = next(iter(app.metrics.values()))
    predictor = of_network(deployed, features)
    for split in data.test_splits:
        inputs, targets = features.inputs[split], features.targets[split]
        scores[split], outputs[split] = score(predictor, inputs, targets, app.metrics)
        if len(targets) > 1:
            intervals[split] = interval(first_metric, outputs[split], targets)
    log.info("training the baselines")
    baselines = app.baseline(setup.config, _learned_at_once(data), features, deployed)
    return Outcome(
        data=data,
        features=features,
        model=model,
        deployed=deployed,
        progress=progress,
        outputs=outputs,
        scores=scores,
        intervals=intervals,
        baselines=baselines,
    )


def _learned_at_once(data: Data) -> Data:
    """Return the data for simple methods, which learn from all training examples at once.

    Of examples on disk they get some.
    """
    train = data.splits["train"]
    rows = spread(train.inputs, _LEARNED)
    if len(rows) == len(train):
        return data
    log.info("the baselines learn from %s of the %s training examples", f"{len(rows):,}", f"{len(train):,}")
    chosen = np.zeros(len(train), bool)
    chosen[rows] = True
    return replace(data, splits={**data.splits, "train": select(train, chosen)})


def log_outcome(setup: Setup, outcome: Outcome) -> None:
    """Log scores, baselines, learning curves, and the app's own plots and tables."""
    run = setup.run
    so_far = record.of_scores(setup, outcome)
    run.headline(headline(so_far))
    run.describe(description(so_far, command(setup.app, setup.preset, setup.config)))
    for split, values in outcome.scores.items():
        run.metrics({f"{split}.{name}": value for name, value in values.items()})
        if split in outcome.intervals:
            low, high = outcome.intervals[split]
            run.metrics({f"{split}.interval_low": low, f"{split}.interval_high": high})
    run.tags({f"signature.{name}": said for name, said in signatures(setup.app.metrics).items()})
    for name, of_split in outcome.baselines.items():
        run.metrics({f"baseline.{name}.{split}": value for split, value in of_split.items()})
    run.tags(as_tags(record.no_better_than(so_far)))
    run.metrics({"best_epoch": outcome.progress.best_epoch})
    history, best_epoch = outcome.progress.history, outcome.progress.best_epoch
    shown = {
        "learning_curves": plots.learning_curves(history, best_epoch),
        **setup.app.plots(setup.config, outcome),
    }
    if any(outcome.progress.gradients):
        shown["gradient_by_lag"] = plots.gradient_by_lag(outcome.progress.gradients)
    for name, figure_or_rows in shown.items():
        if not isinstance(figure_or_rows, list):
            run.figure(name, figure_or_rows)
        elif figure_or_rows:
            run.table(name, figure_or_rows)
