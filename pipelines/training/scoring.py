"""Score a trained network on the test splits, and log the results."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

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
    baselines = app.baseline(setup.config, data, features, deployed)
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
