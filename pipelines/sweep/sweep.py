"""Run the trials of a sweep, each in a process of its own, until all are done."""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import FrozenTrial, TrialState

from ..app import App
from ..config import Config, Space
from ..errors import Pruned, UserError
from ..training.duration import rounded
from ..training.interruption import check
from ..training.own_process import OwnProcess
from .leftovers import tidy
from .objectives import values_of
from .storage import DATABASE_ERRORS, HEARTBEAT
from .study import ERROR, MEASURES, REPEATS, Exhausted, Pruning, Search, counts, end, give_back, lost_before
from .trial import train_trial

log = logging.getLogger(__name__)

_TICK = 0.2  # seconds between looks at the processes
_LOOK = 2.0  # seconds between looks at trials of others
_FAILURES = 3  # trials that fail one after the other: then the next would, too


@dataclasses.dataclass(frozen=True)
class Plan:
    """What a sweep trains, and how."""

    app: App
    preset: str
    config: Config
    """The settings that all trials share."""
    space: Space
    """What is varied."""
    directions: Mapping[str, str]
    """"maximize" or "minimize" by objective."""
    trials: int
    """How many trials the study shall have, those of other commands included."""
    output: Path
    storage: str | None
    """The address of a database; None for a journal file."""
    pruning: Pruning
    workers: int
    prepare: Callable[[], None]
    """Called first in each new process."""


@dataclasses.dataclass
class _Running:
    """A trial that this command makes."""

    trial: optuna.Trial
    process: OwnProcess
    beaten: float
    """When the storage was last told that it is running."""


class Sweep:
    """Runs trials until the study has as many as were asked for.

    Args:
        plan: what to train.
        search: gives out settings.
        parent: the id of the run of the sweep.
    """

    def __init__(self, plan: Plan, search: Search, parent: str) -> None:
        self._plan, self._search, self._parent = plan, search, parent
        self._running: list[_Running] = []
        self._exhausted = False
        self._errors: list[str] = []
        self._looked = 0.0

    def run(self) -> None:
        """Make trials, and wait for those of others, until all are done.

        If this is stopped, the trials that are running are given back.

        Raises:
            UserError: trials fail one after the other.
        """
        try:
            while not self._is_over():
                self._fill()
                for each in [each for each in self._running if each.process.has_ended()]:
                    self._running.remove(each)
                    self._finish(each)
                self._beat()
                time.sleep(_TICK)
                check()
        finally:
            for each in self._running:
                each.process.interrupt()
            for each in self._running:
                each.process.stop()
                give_back(self._search.study, each.trial.number)
            tidy(self._search.study, self._plan.app.name, self._plan.output)
        if self._exhausted:
            log.warning("hardly any settings are left that weren't tried: the sweep ends here")

    def _is_over(self) -> bool:
        """Tell whether all is done, here and elsewhere; now and then, since that asks the storage."""
        if self._running or time.monotonic() - self._looked < _LOOK:
            return False
        self._looked = time.monotonic()
        self._search.reclaim()
        states = {trial.state for trial in self._search.study.get_trials(deepcopy=False)}
        if TrialState.WAITING in states:
            self._exhausted = False
        return TrialState.RUNNING not in states and (self._exhausted or self._search.left() <= 0)

    def _fill(self) -> None:
        """Start trials in idle processes."""
        while not self._exhausted and len(self._running) < self._plan.workers:
            try:
                found = self._search.next()
            except Exhausted:
                self._exhausted = True
                return
            if found is None:
                return
            self._start(*found)

    def _start(self, trial: optuna.Trial, config: Config) -> None:
        plan = self._plan
        arguments = {
            "app_name": plan.app.name,
            "preset": plan.preset,
            "config": config,
            "output": plan.output,
            "parent": self._parent,
            "study": self._search.study.study_name,
            "storage": plan.storage,
            "trial_id": trial._trial_id,
            "number": trial.number,
            "pruning": plan.pruning,
        }
        log.info("trial %d: %s", trial.number, in_words(trial.params))
        process = OwnProcess(train_trial, arguments, prepare=plan.prepare)
        self._running.append(_Running(trial, process, time.monotonic()))

    def _beat(self) -> None:
        for each in self._running:
            if time.monotonic() - each.beaten > HEARTBEAT:
                self._search.beat(each.trial)
                each.beaten = time.monotonic()

    def _finish(self, ended: _Running) -> None:
        """Keep the outcome of a trial whose process has ended."""
        outcome: Any
        try:
            outcome = ended.process.result()
        except (Exception, KeyboardInterrupt) as error:
            outcome = error
        try:
            self._keep(ended.trial, outcome)
        except UpdateFinishedTrialError:
            log.warning(
                "trial %d: this command was silent for so long that others make it again", ended.trial.number
            )

    def _keep(self, trial: optuna.Trial, outcome: Any) -> None:
        """Keep what a trial's process returned or raised."""
        study, number = self._search.study, trial.number
        if isinstance(outcome, UpdateFinishedTrialError):
            raise outcome
        if isinstance(outcome, (ChildProcessError, KeyboardInterrupt, *DATABASE_ERRORS)):
            self._lost(trial, outcome)
        elif isinstance(outcome, Pruned):
            self._errors.clear()
            end(study, number, state=TrialState.PRUNED)
            log.info("trial %d %s%s", number, outcome, self._progress())
        elif isinstance(outcome, BaseException):
            self._failed(trial, outcome)
        else:
            self._errors.clear()
            trial.set_user_attr(MEASURES, outcome)
            end(study, number, values=values_of(outcome, list(self._plan.directions)))
            log.info("trial %d: %s%s", number, self._figures(outcome), self._progress())
        tidy(study, self._plan.app.name, self._plan.output)

    def _lost(self, trial: optuna.Trial, cause: BaseException) -> None:
        if lost_before(trial) >= REPEATS:
            self._failed(trial, cause)
        else:
            log.warning("trial %d was lost (%s): its settings are tried again", trial.number, said(cause))
            give_back(self._search.study, trial.number)

    def _failed(self, trial: optuna.Trial, error: BaseException) -> None:
        trial.set_user_attr(ERROR, said(error))
        end(self._search.study, trial.number, state=TrialState.FAIL)
        log.warning("trial %d failed: %s", trial.number, said(error))
        self._errors.append(said(error))
        if len(self._errors) >= _FAILURES:
            raise UserError(f"the last {_FAILURES} trials failed: {said(error)}")

    def _figures(self, measures: Mapping[str, Any]) -> str:
        metric = next(iter(self._plan.app.metrics))
        return f"{metric} {measures[metric]:.4f}, {measures['bytes']:,} bytes, {measures['latency']:.2f} ms"

    def _progress(self) -> str:
        """Return how far the sweep is, and how long it may still take."""
        trials = self._search.study.get_trials(deepcopy=False)
        ended = [each for each in trials if counts(each) and each.duration is not None]
        left = self._search.total - len(ended)
        minutes = sum(each.duration.total_seconds() for each in ended) / 60 / max(1, len(ended))
        time_left = f", about {rounded(left * minutes / self._plan.workers)} left" if left > 0 else ""
        return f" ({len(ended)} of {self._search.total} done{time_left})"


def said(error: BaseException) -> str:
    """Return the first line of an error."""
    return str(error).strip().partition("\n")[0] or type(error).__name__


def in_words(settings: Mapping[str, Any]) -> str:
    """Return settings for people: "cell gru, units 64"."""
    texts = {k: f"{v:.3g}" if isinstance(v, float) else str(v) for k, v in settings.items()}
    return ", ".join(f"{name} {text}" for name, text in texts.items())


def saved_epochs(trials: Sequence[FrozenTrial], epochs: int) -> int:
    """Return how many epochs pruning has saved at most: some trainings would have stopped by themselves."""
    pruned = [each for each in trials if each.state == TrialState.PRUNED]
    return sum(epochs - (each.last_step or epochs) for each in pruned)
