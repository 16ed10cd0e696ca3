"""Delete the bundles of trials that are not among the best, and what trials left that were killed."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

import optuna
from optuna.trial import FrozenTrial, TrialState

from ..tracking import old_runs
from ..training.checkpoint import Checkpoint
from .study import RUN_ID


def front(study: optuna.Study) -> list[FrozenTrial]:
    """Return the best trials: those that no other trial beats in every objective."""
    if not study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)):
        return []
    best = study.best_trials if len(study.directions) > 1 else [study.best_trial]
    return sorted(best, key=lambda trial: trial.number)


def tidy(study: optuna.Study, app_name: str, output: Path) -> None:
    """Delete the files on this machine of trials that are not the best, and their copies in MLflow."""
    best = {trial.number for trial in front(study)}
    for trial in study.get_trials(deepcopy=False):
        run_id = trial.user_attrs.get(RUN_ID)
        if run_id is None or trial.number in best or not trial.state.is_finished():
            continue
        folders = [output / app_name / run_id, Checkpoint.of_run(run_id).folder]
        left = [folder for folder in folders if folder.is_dir()]
        if left and old_runs.is_there(run_id):
            old_runs.close_killed(run_id)
            old_runs.delete_models(run_id)
        for folder in left:
            with suppress(FileNotFoundError):  # another command deletes it at the same time
                shutil.rmtree(folder)
