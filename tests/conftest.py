"""What every test starts from."""

import os
import random
import re
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial

import numpy as np
import pytest
from reference.damage import SECONDS, SEED
from reference.trainings import Trained, smoke_training
from xdist.scheduler import LoadScopeScheduling

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# What is compiled here runs not for long: less work for the compiler. At 0 the trainings take twice as long.
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=1")


LONG = bool(os.environ.get("LONG_TESTS"))
_TRIED = "tried in a campaign"


@pytest.fixture
def campaign(record_property: Callable[[str, object], None]) -> Callable[[Mapping[str, int]], None]:
    """Give a function that has the counts of a campaign printed at the end of the whole run."""

    def report(counts: Mapping[str, int]) -> None:
        said = ", ".join(f"{count:,} {outcome}" for outcome, count in sorted(counts.items()))
        record_property(_TRIED, f"{sum(counts.values()):,} tried: {said}")

    return report


@pytest.fixture(scope="session")
def training(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Callable[[str], Trained]:
    """Give the `smoke` preset of an app, trained on its embedded data with an empty home folder.

    Once in a test run, whichever worker comes first.
    """
    base = tmp_path_factory.getbasetemp()
    return partial(smoke_training, shared=base if worker_id == "master" else base.parent)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print how much each campaign tried, and what came of it."""
    reports = [each for kind in ("passed", "failed") for each in terminalreporter.stats.get(kind, [])]
    lines = [
        f"{report.nodeid.rpartition('::')[2]}: {value}"
        for report in reports
        for name, value in getattr(report, "user_properties", [])
        if name == _TRIED
    ]
    if lines:
        terminalreporter.section(f"campaigns (CAMPAIGN_SEED={SEED}, CAMPAIGN_SECONDS={SECONDS:g})")
        terminalreporter.write_line("\n".join(sorted(lines)))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out the tests marked `long` unless `make test-long` asked for them.

    Folders with long tests come first, so that all processes end at about the same time.
    """
    long = {item for item in items if item.get_closest_marker("long") and not LONG}
    config.hook.pytest_deselected(items=list(long))
    items[:] = sorted((item for item in items if item not in long), key=_order)


def _order(item: pytest.Item) -> int:
    folders = ("tests/apps", "tests/pipelines", "tests/benchmarks", "tests/layers")
    return next((i for i, folder in enumerate(folders) if folder in item.path.as_posix()), len(folders))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> LoadScopeScheduling:
    """Keep the tests of a file in one process, which makes their fixtures once; share out matrix and zoo.

    `--dist loadgroup` would do the same by marks, but pytest 9.2 ignores how xdist 3.8 passes them on.
    """
    return _ByFile(config, log)


class _ByFile(LoadScopeScheduling):
    def _split_scope(self, nodeid: str) -> str:
        file, _, test = nodeid.partition("::")
        # structure and execution of the matrix, or a model of the zoo
        variant = re.fullmatch(r"(test_matrix\[\w+-\w+)-\w+\]|test_every_variant\[.*", test)
        return f"{file}::{variant[1] or test}" if variant else file


@pytest.fixture(autouse=True)
def _same_start() -> None:
    """Seed everything and forget Keras's layer names; tests without Keras don't wait for its import.

    Nor is time spent on improving graphs that run a few times: a seventh of it. Trainings in processes of
    their own, as a user starts them, have it.
    """
    random.seed(20)
    np.random.seed(20)
    if tensorflow := sys.modules.get("tensorflow"):
        tensorflow.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    if keras := sys.modules.get("keras"):
        keras.utils.set_random_seed(20)
        keras.backend.clear_session(free_memory=False)


@pytest.fixture(autouse=True)
def _same_signals() -> Iterator[None]:
    """Undo what a command that runs in this process has set: a later signal would end all tests."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    handlers = [signal.getsignal(number) for number in numbers]
    yield
    for number, handler in zip(numbers, handlers, strict=True):
        signal.signal(number, handler)
