"""Open a run together with its checkpoint, which one process may use at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from ..tracking import runs as tracking
from ..tracking.run import Run
from .checkpoint import Checkpoint


@contextmanager
def open_run(
    app_name: str, run_name: str, *, resume: str | None, **options: Any
) -> Iterator[tuple[Run, Checkpoint]]:
    """Open a run, and hold its checkpoint for as long as the context lasts.

    Args:
        app_name, run_name: see `tracking.runs.start`.
        resume: the id of a stopped run to resume; None for a new run.
        **options: further arguments of `tracking.runs.start`.

    Raises:
        UserError: a process still runs the run to resume. The run is not touched then.
    """
    with ExitStack() as held:
        if resume:
            held.enter_context(Checkpoint.of_run(resume).held())
        with tracking.start(app_name, run_name, run_id=resume, **options) as run:
            checkpoint = Checkpoint.of_run(run.id)
            if not resume:
                held.enter_context(checkpoint.held())
            yield run, checkpoint
