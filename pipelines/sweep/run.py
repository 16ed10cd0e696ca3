"""Search the settings of an app: many trainings, one study, one parent run."""

from __future__ import annotations

import logging
import re
import socket

import optuna
from optuna.exceptions import StorageInternalError
from sqlalchemy.exc import SQLAlchemyError

from ..config import Config, Space
from ..errors import UserError
from ..tracking import runs as tracking
from ..tracking.store import sqlite_file, store_uri
from ..training.naming import run_name
from .facts import facts_of, name_of, settings_of
from .leftovers import tidy
from .results import Swept, conclude
from .storage import quiet, reason, shown
from .study import Search, counts, open_study, pruner_of
from .sweep import Plan, Sweep
from .worker import working

log = logging.getLogger(__name__)


def sweep(
    plan: Plan,
    config: Config,
    *,
    space: Space,
    trials: int,
    data: tuple[str, str],
    study: str | None = None,
    experiment: str | None = None,
) -> Swept:
    """Train with many settings, and keep the bundles of the best.

    Each trial is an MLflow run, a child of one parent run, and is trained, exported and verified in its own
    process as `train` does. If this is stopped or killed, calling it with the same arguments goes on. Calls
    on several machines share the work if the study is in a database.

    Args:
        plan: what to train, and how.
        config: the settings that all trials share.
        space: what is varied.
        trials: how many trials the study shall have, those of other calls included.
        data: the name of the data and its fingerprint.
        study: the name of the study; None for one that is made of what is searched.
        experiment: the name of MLflow's experiment for a new run; None for the usual one.

    Raises:
        UserError: the storage can't be used or fails, the study there is of something else, or trials fail
            one after the other.
    """
    facts = facts_of(plan.app, config, space=space, objectives=plan.directions, data=data)
    name = study or name_of(plan.app, plan.preset, facts)
    if not re.fullmatch(r"[\w.-]{1,200}", name) or name.startswith("."):
        raise UserError(f"--study {name}: expected letters, digits, dots, dashes and underscores")
    try:
        with working() as worker, quiet():
            pruner = pruner_of(plan.pruning, config)
            opened = open_study(name, plan.storage, directions=plan.directions, facts=facts, pruning=pruner)
            search = Search(
                opened, opened._storage, config, space, worker, by_lock=plan.storage is None, total=trials
            )
            _say_what_is_done(opened, trials)
            tidy(opened, plan.app.name, plan.output)
            return _search(plan, search, config, data=data, experiment=experiment)
    except (SQLAlchemyError, StorageInternalError) as error:
        raise UserError(
            f"--storage {shown(plan.storage)}: the database failed; the same command goes on: "
            f"{reason(error.__cause__ or error)}"
        ) from error


def _search(
    plan: Plan, search: Search, config: Config, *, data: tuple[str, str], experiment: str | None
) -> Swept:
    """Run the trials under the run of the sweep, which is made or opened again."""
    study = search.study
    where = store_uri() if sqlite_file(store_uri()) is None else f"{socket.gethostname()}:{store_uri()}"
    known = study.user_attrs.get(f"run in {where}")
    opened = tracking.start(
        plan.app.name,
        run_name(plan.app, plan.preset, config, f"sweep {study.study_name}"),
        params=settings_of(config),
        tags={"preset": plan.preset, "study": study.study_name, "data": data[0], "data.fingerprint": data[1]},
        run_id=known if known and tracking.is_there(known) else None,
        experiment=experiment,
        system_metrics=False,
    )
    with opened as run:
        study.set_user_attr(f"run in {where}", run.id)
        run.step = "trials"
        Sweep(plan, search, run.id).run()
        run.step = "results"
        return conclude(plan, study, run, config.epochs)


def _say_what_is_done(study: optuna.Study, trials: int) -> None:
    done = sum(counts(trial) for trial in study.get_trials(deepcopy=False))
    state = f"{done} of {trials} trials are done or running: going on" if done else f"new, {trials} trials"
    log.info("study %s: %s", study.study_name, state)
