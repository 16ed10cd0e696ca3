"""What all who work on a study agree on: what the study is of, and its run in MLflow.

Optuna numbers the trials of a study in the order in which they were added, also where two machines add them
at once. So a command that finds nothing announces its own facts and its run in a trial that is marked as
failed from the start, and the announcement with the lowest number holds. An attribute of the study would not
do: two machines could both find none and both set it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import optuna
from optuna.trial import TrialState

from ..errors import UserError

_FACTS, _RUN = "facts", "run"


def announce(study: optuna.Study, facts: Mapping[str, str], run_id: str) -> None:
    """Tell all who work on a study what it is of, and a run in MLflow for its trials."""
    said = {_FACTS: dict(facts), _RUN: run_id}
    study.add_trial(optuna.create_trial(state=TrialState.FAIL, user_attrs=said))


def announced_runs(study: optuna.Study) -> list[str]:
    """Return the runs that were announced with the facts that hold; in a store, its first one holds."""
    said = list(_announced(study))
    return [each[_RUN] for each in said if each[_FACTS] == said[0][_FACTS]]


def require_same(study: optuna.Study, facts: Mapping[str, str], directions: Mapping[str, str]) -> None:
    """Raise UserError if the study is of something else: of other facts, or not made by a sweep."""
    found: dict[str, str] = next(_announced(study), {}).get(_FACTS, {})
    for name, value in (facts if found else {}).items():
        if found[name] != value:
            raise UserError(
                f"--study {study.study_name}: expected {name} {found[name]}, as in the study there, "
                f"got {value}; another name starts a new one"
            )
    same_directions = [each.name.lower() for each in study.directions] == list(directions.values())
    if not same_directions or (not found and study.get_trials(deepcopy=False)):
        raise UserError(f"--study {study.study_name}: expected one that a sweep made, or another name")


def _announced(study: optuna.Study) -> Iterator[dict[str, Any]]:
    trials = study.get_trials(deepcopy=False)  # by number
    return (trial.user_attrs for trial in trials if _FACTS in trial.user_attrs)
