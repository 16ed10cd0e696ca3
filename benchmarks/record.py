"""What every record of a measurement begins with."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from pipelines.tracking.provenance import provenance

log = logging.getLogger(__name__)
_MAX_LOAD = 0.5  # a machine with a higher load is busy with something else


def record_header(module: str, argv: Sequence[str], duration: float) -> dict[str, Any]:
    """Return the start of a record, and log a warning if the machine is busy.

    Call this before anything is written: it records whether the checkout has changes.

    Args:
        module: the module that the command runs, such as "benchmarks.speed".
        argv: the options of the command.
        duration: the seconds that the command spends on each measurement.
    """
    load, _, _ = os.getloadavg()
    if load > _MAX_LOAD:
        log.warning("the machine is busy (load %.1f): the ratios are not reliable", load)
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": " ".join([f"python -m {module}", *argv]),
        "made_with": provenance(),
        "load_before": round(load, 2),
        "seconds": duration,
    }
