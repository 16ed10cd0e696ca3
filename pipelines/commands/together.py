"""Train one network with several processes: on this machine, or as one worker of a cluster."""

from __future__ import annotations

import functools
import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from ..app import App, find
from ..cluster import place as places
from ..cluster.place import Place
from ..cluster.team import Team
from ..config import Config, from_dict, require, to_dict
from ..devices import import_tensorflow
from ..errors import TeamError, UserError
from ..training.agreed import fact_of_data, facts_of
from ..training.own_process import OwnProcess
from ..training.raw_data import load_data
from .command_line import log_to_standard_error

if TYPE_CHECKING:
    from ..cluster.collective import Collective
    from ..training.record import Result

log = logging.getLogger(__name__)


def places_for(workers: int) -> Sequence[Place]:
    """Return the place of this process, and of those to start on this machine; none to train alone.

    Args:
        workers: the number that the user wants on this machine.

    Raises:
        UserError: TF_CONFIG is malformed, or `workers` is given besides.
    """
    require(workers >= 1, "workers", "at least 1", workers)
    of_cluster = places.from_environment()
    if of_cluster is None:
        return places.on_this_machine(workers) if workers > 1 else []
    require(workers == 1, "workers", f"1, since {places.VARIABLE} is set and names the workers", workers)
    return [of_cluster]


def require_alone(what: str) -> None:
    """Raise UserError if TF_CONFIG names several workers, for what one machine does by itself."""
    if places.from_environment():
        raise UserError(f"{places.VARIABLE} names several workers: expected it to be unset with {what}")


def lead(
    app: App, config: Config, resume: str | None, *, here: Sequence[Place], train: Callable[..., Result]
) -> Result:
    """Train as the chief, and return what `train(data=data, collective=collective)` returns.

    Args:
        app: the app.
        config: the settings.
        resume: the id of the run to resume, if any.
        here: the place of this process; those after it are started on this machine.
        train: trains, once all workers have the same code, settings and data.

    Raises:
        UserError: a worker does not come, or has other code, settings or data.
        TeamError: a worker has ended.
    """
    with _started(app, config, resume, here) as children, Team.gathered(here[0], children) as team:
        log.info("%d workers train together; this one is the chief", team.place.workers)
        team.tell({"config": to_dict(config)})
        collective = _joined(team, facts_of(app, config, resume))
        data = load_data(app, config, resume)
        team.tell({"loaded": True})  # what it has prepared on a disk is there for all who share the disk
        team.agree(fact_of_data(data))
        result = train(data=data, collective=collective)
        team.finish()
        return result


def work(app: App, config: Config, resume: str | None, place: Place) -> None:
    """Train as a worker that is not the chief, until the chief has finished.

    Args:
        app: the app.
        config: the settings; to resume a run, those of the chief count.
        resume: the id of the run to resume, if any.
        place: the place of this process.

    Raises:
        UserError: the chief does not come, or has other code, settings or data.
        TeamError: the chief has ended.
    """
    with Team.gathered(place) as team:
        of_chief = team.told().facts
        if resume:
            config = from_dict(type(config), of_chief["config"])
        collective = _joined(team, facts_of(app, config, resume))
        team.told()
        data = load_data(app, config)
        team.agree(fact_of_data(data))
        from ..training.follow import follow

        follow(app, config, data, collective)
        log.info("%s is done: the chief has the run and the bundle", place.name(place.index))


def _joined(team: Team, facts: Mapping[str, str]) -> Collective:
    """Return what sums over all processes, once they have agreed on the facts."""
    team.agree(facts)
    import_tensorflow()
    from ..cluster.collective import Collective

    return Collective(team)


@contextmanager
def _started(
    app: App, config: Config, resume: str | None, here: Sequence[Place]
) -> Iterator[Callable[[], None]]:
    """Start the workers of this machine, and give a function that raises their error if one has ended."""
    prepare = functools.partial(_prepare, len(here))
    arguments: dict[str, Any] = {"app_name": app.name, "config": config, "resume": resume}
    children = [OwnProcess(_work, arguments | {"place": each}, prepare=prepare) for each in here[1:]]
    if children:
        _share_processors(len(here))
    try:
        yield functools.partial(_raise_error_of, children)
        for child in children:
            child.result()
    except TeamError:
        with suppress(ChildProcessError, KeyboardInterrupt, TeamError):
            _raise_error_of(children)  # what a worker ended of says more
        raise
    finally:
        for child in children:
            child.stop()


def _raise_error_of(children: Sequence[OwnProcess]) -> None:
    for child in children:
        if child.has_ended():
            child.result()


def _work(*, app_name: str, **arguments: Any) -> None:
    work(find(app_name), **arguments)


def _prepare(workers: int) -> None:
    """Set up a worker of this machine: its share of the processors, and only what is not as usual is told."""
    _share_processors(workers)
    log_to_standard_error()
    logging.getLogger(__package__.rpartition(".")[0]).setLevel(logging.WARNING)


def _share_processors(workers: int) -> None:
    """Give TensorFlow, which is not imported yet, a share of the processors."""
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", str(max(1, (os.cpu_count() or 1) // workers)))
