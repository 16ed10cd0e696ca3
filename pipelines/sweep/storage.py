"""Open Optuna's storage of a study: a journal file under mlruns/, or a database."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import optuna
from optuna.exceptions import ExperimentalWarning, StorageInternalError
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, IntegrityError, NoSuchModuleError, ProgrammingError, SQLAlchemyError

from ..errors import UserError
from ..tracking.values import one_line

SWEEPS = Path("mlruns/sweeps")
"""The folder of journal files, and of the locks of the processes that work on them."""
HEARTBEAT, GRACE = 10, 120
"""A command that works on a study in a database says so every 10 seconds. Its trials are given to
others after 120 seconds of silence."""
DATABASE_ERRORS = (SQLAlchemyError, StorageInternalError)
"""What Optuna raises when the storage fails."""
_SERVERS = ("postgresql", "mysql", "mariadb")
_PATIENCE = 10  # seconds

optuna.logging.set_verbosity(optuna.logging.WARNING)


@contextmanager
def quiet() -> Iterator[None]:
    """Leave out warnings of what is cared for: new parts, heartbeats, the side of importance."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        warnings.filterwarnings("ignore", "Heartbeat of storage", UserWarning)  # `Search.beat` does it
        warnings.filterwarnings(
            "ignore", "PedAnovaImportanceEvaluator", UserWarning
        )  # `plots` turns the sign
        yield


def open_storage(
    url: str | None, study: str, when_stale: Callable[[optuna.Study, optuna.trial.FrozenTrial], None]
) -> BaseStorage:
    """Open the storage of a study, and make it if it does not exist.

    Args:
        url: the address of a database; None for a journal file.
        study: the name of the study.
        when_stale: called with each trial that has ended because its command was silent for too long.
    """
    if url is not None:
        return _database(url, when_stale)
    SWEEPS.mkdir(parents=True, exist_ok=True)
    return JournalStorage(JournalFileBackend(str(SWEEPS / f"{study}.journal")))


@contextmanager
def expecting_a_storage(url: str | None, study: str) -> Iterator[None]:
    """Raise UserError in place of the many errors of a storage that can't be opened or is something else."""
    try:
        yield
    except ImportError as error:
        cause = error.__cause__ if isinstance(error.__cause__, ModuleNotFoundError) else error
        hint = ': pip install "unrolled[postgresql]"' if url and url.startswith("postgresql") else ""
        raise UserError(f"--storage {shown(url)}: needs the driver of the database{hint}: {cause}") from None
    except (ArgumentError, NoSuchModuleError):
        raise UserError(
            f"--storage {shown(url)}: expected an address such as postgresql://user@host/name"
        ) from None
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, *DATABASE_ERRORS) as error:
        place = str(SWEEPS / f"{study}.journal") if url is None else f"--storage {shown(url)}"
        raise UserError(f"{place}: expected a storage of Optuna: {reason(error)}") from None


def _database(url: str, when_stale: Callable[..., None]) -> RDBStorage:
    server = make_url(url).get_backend_name() in _SERVERS
    options: dict[str, Any] = {"pool_pre_ping": True}
    if server:
        options["connect_args"] = {"connect_timeout": _PATIENCE}
    for left in (2, 1, 0):
        try:
            return RDBStorage(
                url,
                engine_kwargs=options,
                heartbeat_interval=HEARTBEAT,
                grace_period=GRACE,
                heartbeat_stale_trial_callback=when_stale,
            )
        except (IntegrityError, ProgrammingError):  # another command makes the tables at the same time
            if not left:
                raise
            time.sleep(1)
    raise AssertionError("the last try returns or raises")


def shown(url: str | None) -> str:
    """Return the address of a storage without its password."""
    if url is None:
        return str(SWEEPS)
    try:
        return make_url(url).render_as_string(hide_password=True)
    except (ArgumentError, ValueError):
        return url.rpartition("@")[2]


def reason(error: BaseException) -> str:
    """Return the cause of a database's error in one line, without SQL."""
    return one_line(getattr(error, "orig", None) or error)
