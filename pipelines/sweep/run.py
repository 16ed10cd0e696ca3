"""Search the settings of an app: many trainings, one study, one parent run."""

from __future__ import annotations

import functools
import logging
import re
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager

import optuna

from ..errors import UserError
from ..tracking import old_runs
from ..tracking import runs as tracking
from ..tracking.run import Run
from .agreement import announce, announced_runs, require_same
from .facts import facts_of, name_of, settings_of
from .results import Swept, conclude
from .storage import DATABASE_ERRORS, quiet, reason, shown
from .study import Search, counts, open_study, pruner_of
from .sweep import Plan, Sweep
from .worker import working

log = logging.getLogger(__name__)


def sweep(
    plan: Plan, data: tuple[str, str], *, study: str | None = None, experiment: str | None = None
) -> Swept:
    """Train with many settings, and keep the bundles of the best.

    Each trial is an MLflow run, a child of one parent run, and is trained, exported and verified in its own
    process as `train` does. If this is stopped or killed, calling it with the same arguments goes on. Calls
    on several machines share the work if the study is in a database.

    Args:
        plan: what to train, and how.
        data: the name of the data and its fingerprint.
        study: the name of the study; None for one that is made of what is searched.
        experiment: the name of MLflow's experiment for a new run; None for the usual one.

    Raises:
        UserError: the storage can't be used or fails, the study there is of something else, or trials fail
            one after the other.
    """
    config, space = plan.config, plan.space
    facts = facts_of(plan.app, config, space=space, objectives=plan.directions, data=data)
    name = study or name_of(plan.app, plan.preset, facts)
    if not re.fullmatch(r"[\w-][\w.-]{,199}", name):
        raise UserError(f"--study {name}: expected letters, digits, dots, dashes and underscores")
    try:
        with working() as worker, quiet():
            opened = open_study(name, plan.storage, plan.directions, pruner_of(plan.pruning, config))
            require_same(opened, facts, plan.directions)
            search = Search(opened, config, space, worker, by_lock=plan.storage is None, total=plan.trials)
            _say_what_is_done(opened, plan.trials)
            start = functools.partial(
                tracking.start,
                plan.app.name,
                f"sweep {name}",
                params=settings_of(config, space),
                tags={"preset": plan.preset, "study": name, "data": data[0], "data.fingerprint": data[1]},
                experiment=experiment,
                system_metrics=False,
            )
            with start(run_id=_run_of(opened, start, facts, plan.directions)) as run:
                run.step = "trials"
                Sweep(plan, search, run.id).run()
                run.step = "results"
                return conclude(plan, opened, run)
    except DATABASE_ERRORS as error:
        raise UserError(
            f"--storage {shown(plan.storage)}: the database failed; the same command goes on: "
            f"{reason(error.__cause__ or error)}"
        ) from error


def _run_of(
    study: optuna.Study,
    start: Callable[[], AbstractContextManager[Run]],
    facts: Mapping[str, str],
    directions: Mapping[str, str],
) -> str:
    """Return the run of a study in this store, and make it if there is none.

    If two commands make one at the same time, both return the one that was announced first.
    """
    if known := _known_run(study):
        return known
    with start() as made:
        pass
    announce(study, facts, made.id)
    first = _known_run(study)
    if first != made.id:
        old_runs.delete(made.id)
    require_same(study, facts, directions)
    return first or made.id


def _known_run(study: optuna.Study) -> str | None:
    return next(filter(old_runs.is_there, announced_runs(study)), None)


def _say_what_is_done(study: optuna.Study, trials: int) -> None:
    done = sum(counts(trial) for trial in study.get_trials(deepcopy=False))
    state = f"{done} of {trials} trials are done or running: going on" if done else f"new, {trials} trials"
    log.info("study %s: %s", study.study_name, state)
