"""One study of Optuna: the next settings to try, and trials that were lost."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Literal

import numpy as np
import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import FrozenTrial, TrialState

from ..config import Config, Space
from ..errors import UserError
from .space import suggested
from .storage import expecting_a_storage, open_storage, quiet
from .worker import still_works

Pruning = Literal["median", "hyperband", "none"]
MEASURES, RUN_ID, ERROR = "measures", "run_id", "error"
"""Attributes of a trial: what was measured, its run in MLflow, and why its training failed."""
REPEATS = 2
"""How often a trial is repeated whose process was killed. It may be what kills it."""
_WORKER, _LOST, _UNUSED = "worker", "lost", "unused"
_DRAWS = 100  # settings drawn in a row that were tried before: then there are hardly new ones
_FORGOTTEN = 60.0  # seconds after which a trial without a worker is lost
_STARTUP = 5  # trials before the first is stopped early


def pruner_of(kind: Pruning, config: Config) -> optuna.pruners.BasePruner:
    """Return Optuna's pruner; none stops a training in its first epoch."""
    if kind == "hyperband":
        return optuna.pruners.HyperbandPruner(min_resource=2, max_resource=max(2, config.epochs))
    if kind == "median":
        return optuna.pruners.MedianPruner(_STARTUP, n_warmup_steps=max(2, config.epochs // 5))
    return optuna.pruners.NopPruner()


def open_study(name: str, url: str | None, directions: Mapping[str, str], pruner: Any) -> optuna.Study:
    """Open a study, and make it if it does not exist.

    Args:
        name: the name of the study.
        url: the address of a database; None for a journal file.
        directions: "maximize" or "minimize" by objective.
        pruner: what `pruner_of` returned.

    Raises:
        UserError: the storage can't be used.
    """
    with expecting_a_storage(url, name):
        return optuna.create_study(
            study_name=name,
            storage=open_storage(url, name, repeat),
            directions=list(directions.values()),
            pruner=pruner,
            load_if_exists=True,
        )


def running_trial(study: str, url: str | None, trial_id: int, pruner: Any) -> optuna.Trial:
    """Return a trial that another process was given, to report how it goes."""
    with quiet():
        loaded = optuna.load_study(
            study_name=study,
            storage=open_storage(url, study, repeat),
            sampler=optuna.samplers.RandomSampler(),  # nothing is drawn any more
            pruner=pruner,
        )
        return optuna.Trial(loaded, trial_id)


def repeat(study: optuna.Study, trial: FrozenTrial) -> None:
    """Have the settings of a lost trial tried again, unless it was lost too often."""
    lost = lost_before(trial)
    if trial.distributions and lost < REPEATS:
        study.add_trial(
            optuna.create_trial(
                state=TrialState.WAITING,
                params=trial.params,
                distributions=trial.distributions,
                user_attrs={_LOST: lost + 1},
            )
        )


def lost_before(trial: FrozenTrial | optuna.Trial) -> int:
    """Return how often the process that tried these settings was lost."""
    return trial.user_attrs.get(_LOST, 0)


def counts(trial: FrozenTrial) -> bool:
    """Tell whether a trial is one of those that the user asked for: it has ended, or is running."""
    failed = trial.state == TrialState.FAIL and ERROR in trial.user_attrs
    return failed or trial.state in (TrialState.COMPLETE, TrialState.PRUNED, TrialState.RUNNING)


def end(study: optuna.Study, number: int, **outcome: Any) -> None:
    """Tell the outcome of a running trial.

    Raises:
        UpdateFinishedTrialError: it was taken from this command, which was silent for too long.
    """
    try:
        study.tell(number, **outcome)
    except ValueError:
        if study.get_trials(deepcopy=False)[number].state == TrialState.RUNNING:
            raise
        raise UpdateFinishedTrialError(f"trial {number} has ended") from None


def give_back(study: optuna.Study, number: int) -> None:
    """Have the settings of a running trial, whose process is lost, tried again."""
    with suppress(UpdateFinishedTrialError):  # another command was first
        end(study, number, state=TrialState.FAIL)
        repeat(study, study.get_trials(deepcopy=False)[number])


class Exhausted(Exception):  # noqa: N818 - it is no error
    """Hardly any settings are left that weren't tried."""


@dataclasses.dataclass(frozen=True)
class Search:
    """Gives out settings to try, each to one process."""

    study: optuna.Study
    config: Config
    space: Space
    worker: str
    """The name of the lock of this process."""
    by_lock: bool
    """Whether all who work on the study are on this machine and hold locks."""
    total: int
    """How many trials to make."""
    seen: dict[int, float] = dataclasses.field(default_factory=dict)
    """When trials without a worker were first seen."""

    def left(self) -> int:
        """Return how many trials are neither done nor running."""
        return self.total - sum(map(counts, self.study.get_trials(deepcopy=False)))

    def next(self) -> tuple[optuna.Trial, Config] | None:
        """Return a new trial and its settings; None if all are given out.

        Raises:
            Exhausted: only settings were drawn that were tried before or can't be used.
        """
        for _ in range(_DRAWS):
            if self.left() <= 0:
                return None
            with suppress(UpdateFinishedTrialError):  # this process stood still, and others took the trial
                if found := self._draw():
                    return found
        raise Exhausted

    def _draw(self) -> tuple[optuna.Trial, Config] | None:
        """Return a new trial and its settings; None if these can't be used."""
        trial = self.study.ask()
        self.beat(trial)
        trial.set_user_attr(_WORKER, self.worker)
        self.study.sampler = self._sampler(trial.number)
        settings = suggested(trial, self.space)
        config = self._of(settings)
        unused = self._unused(trial.number, settings) if config else "these settings can't be used"
        if config and not unused:
            return trial, config
        trial.set_user_attr(_UNUSED, unused)
        self.study.tell(trial, state=TrialState.FAIL)
        return None

    def beat(self, trial: optuna.Trial) -> None:
        """Say that a trial is still running, where locks don't tell; Optuna does the same in `optimize`."""
        if not self.by_lock:
            self.study._storage.record_heartbeat(trial._trial_id)

    def _sampler(self, number: int) -> optuna.samplers.BaseSampler:
        """Return the sampler of one trial. A seed for each: two machines draw different settings."""
        seed = np.random.SeedSequence([self.config.seed, number]).generate_state(1)
        return optuna.samplers.TPESampler(seed=int(seed[0]))

    def _of(self, settings: Mapping[str, Any]) -> Config | None:
        with suppress(UserError):
            return dataclasses.replace(self.config, **settings)
        return None

    def _unused(self, number: int, settings: Mapping[str, Any]) -> str | None:
        """Return why a trial that was just given out is not to be made, if so."""
        before = self.study.get_trials(deepcopy=False)[:number]
        if sum(map(counts, before)) >= self.total:
            return "another command took the last trial"
        tried = (each for each in before if counts(each) or each.state == TrialState.WAITING)
        same = next((each.number for each in tried if each.params == settings), None)
        return None if same is None else f"the settings are those of trial {same}"

    def reclaim(self) -> None:
        """Have trials of commands that were killed repeated."""
        optuna.storages.fail_stale_trials(self.study)
        for trial in self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            if self._is_lost(trial):
                give_back(self.study, trial.number)

    def _is_lost(self, trial: FrozenTrial) -> bool:
        worker = trial.user_attrs.get(_WORKER)
        if worker is None:  # its command was killed before it could leave its name, or is about to
            return time.monotonic() - self.seen.setdefault(trial.number, time.monotonic()) > _FORGOTTEN
        return self.by_lock and worker != self.worker and not still_works(worker)
