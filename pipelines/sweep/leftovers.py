"""Delete the bundles of trials that are not among the best, and what trials left that were killed."""

from __future__ import annotations

import shutil
from pathlib import Path

import optuna
from optuna.trial import FrozenTrial, TrialState

from ..tracking.runs import close_lost
from ..training.checkpoint import Checkpoint
from .study import MEASURES, RUN_ID


def front(study: optuna.Study) -> list[FrozenTrial]:
    """Return the best trials: those that no other trial beats in every objective."""
    if not study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)):
        return []
    best = study.best_trials if len(study.directions) > 1 else [study.best_trial]
    return sorted(best, key=lambda trial: trial.number)


def tidy(study: optuna.Study, app_name: str, output: Path) -> None:
    """Delete the bundles of trials that are not the best, and what lost trials left, on this machine."""
    best = {trial.number for trial in front(study)}
    for trial in study.get_trials(deepcopy=False):
        run_id = trial.user_attrs.get(RUN_ID)
        if run_id is None or trial.number in best or not trial.state.is_finished():
            continue
        _delete(output / app_name / run_id)
        _delete(Checkpoint.of_run(run_id).folder)
        if trial.state == TrialState.FAIL and MEASURES not in trial.user_attrs:
            close_lost(run_id)


def _delete(folder: Path) -> None:
    if folder.is_dir():
        shutil.rmtree(folder)
