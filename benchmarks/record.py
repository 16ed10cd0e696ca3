"""What every record of a measurement begins with, and where it is kept."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipelines.commands.readme import renew_readme
from pipelines.files import write_atomically
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


def keep_record(record: dict[str, Any], output: Path, *, source: str, text: str) -> None:
    """Write a record, and renew the part of README.md in its folder that is generated from it.

    Args:
        record: values that JSON can hold.
        output: the file of the record.
        source: the file name in the markers of the README.
        text: the new content between the markers.
    """
    write_atomically(output, json.dumps(record, indent=1).encode() + b"\n")
    renew_readme(output.with_name("README.md"), source, text)
