"""Train one trial of a sweep, in a process of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..app import find
from ..config import Config
from ..errors import Pruned
from ..training.trial import Trial
from .objectives import measured
from .study import RUN_ID, Pruning, pruner_of, running_trial


def train_trial(
    *,
    app_name: str,
    preset: str,
    config: Config,
    output: Path,
    parent: str,
    study: str,
    storage: str | None,
    trial_id: int,
    number: int,
    pruning: Pruning,
) -> dict[str, Any]:
    """Train, export and verify as `train` does; return what `objectives.measured` does.

    Args:
        app_name: the app to train.
        preset: the name that `config` started from.
        config: the settings of this trial.
        output: the bundle is written to OUTPUT/APP/RUN_ID.
        parent: the id of the run of the sweep.
        study, storage: the study's name, and the address of its database or None.
        trial_id, number: Optuna's id of the trial, and its number in the study.
        pruning: what stops trials that are worse than others.

    Raises:
        Pruned: the trial is worse than others after as many epochs.
    """
    from ..training.experiment import train

    app = find(app_name).of(config)
    trial = running_trial(study, storage, trial_id, pruner_of(pruning, config))
    values: list[float] = []

    def scored(epoch: int, value: float) -> None:
        values.append(value)
        if pruning == "none":
            return
        trial.report(value, epoch)
        if epoch < config.epochs and trial.should_prune():
            raise Pruned(f"pruned after epoch {epoch}: others were better by then")

    told = Trial(f"trial {number}", lambda run_id: trial.set_user_attr(RUN_ID, run_id), scored)
    result = train(app, preset=preset, config=config, output=output, parent=parent, trial=told)
    return measured(result, max(values) if app.higher_is_better else min(values))
