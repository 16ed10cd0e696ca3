"""What came of a sweep."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import TrialState

from ..export.bundle_writing import point_latest
from ..tracking.run import Run
from .leftovers import front
from .plots import plots
from .study import MEASURES, counts
from .sweep import Plan, saved_epochs


@dataclass(frozen=True)
class Swept:
    """The results of a sweep."""

    study: str
    run_id: str
    """The id of the run of the sweep in MLflow; the trials' runs are its children."""
    metric: str
    objectives: Mapping[str, str]
    """"maximize" or "minimize" by objective."""
    rows: Sequence[Mapping[str, Any]]
    """The finished trials; the best ones come first, the first objective decides."""
    ended: Mapping[str, int]
    """The number of trials by how they ended."""
    saved_epochs: int
    """The epochs that pruning saved at most."""
    page: str | None
    """How to see the run in the browser: a page or a command; None for `make ui`."""

    @property
    def best(self) -> Mapping[str, Any] | None:
        """The best trial by the first objective, if any is finished."""
        return self.rows[0] if self.rows else None


def rows(study: optuna.Study) -> list[dict[str, Any]]:
    """Return the finished trials: number, settings, what was measured, and whether none beats it."""
    best = {trial.number for trial in front(study)}
    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    found = [
        {"trial": t.number, "best": t.number in best, "settings": dict(t.params), **t.user_attrs[MEASURES]}
        for t in complete
    ]
    sign = -1 if study.directions[0] == optuna.study.StudyDirection.MAXIMIZE else 1
    values = {t.number: t.values[0] for t in complete}
    return sorted(found, key=lambda row: (not row["best"], sign * values[row["trial"]]))


def conclude(plan: Plan, study: optuna.Study, run: Run) -> Swept:
    """Log the results to the run of the sweep, point `latest` to the best bundle, and return the results."""
    trials = [trial for trial in study.get_trials(deepcopy=False) if counts(trial)]
    metric = next(iter(plan.app.metrics))
    found = rows(study)
    ended = {state.name.lower(): sum(t.state == state for t in trials) for state in TrialState}
    swept = Swept(
        study=study.study_name,
        run_id=run.id,
        metric=metric,
        objectives=plan.directions,
        rows=found,
        ended={name: count for name, count in ended.items() if count},
        saved_epochs=saved_epochs(trials, plan.config.epochs),
        page=run.page,
    )
    run.metrics({f"trials.{name}": count for name, count in swept.ended.items()})
    if not found:
        return swept
    best = found[0]
    run.metrics({f"best.{name}": best[name] for name in dict.fromkeys((metric, *plan.directions))})
    run.tags({"best_trial": best["trial"], "best_run": best["run_id"]})
    flat = [{**{k: v for k, v in row.items() if k != "settings"}, **row["settings"]} for row in found]
    run.table("trials", flat)
    run.text("sweep.json", json.dumps(found, indent=1))
    for name, figure in plots(study, found, metric, plan.directions).items():
        run.figure(name, figure)
    if Path(best["bundle"]).is_dir():  # another machine may have it
        point_latest(Path(best["bundle"]))
    return swept
