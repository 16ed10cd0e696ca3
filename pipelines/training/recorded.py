"""Read what `--record` has written: apps/APP/results.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..errors import UserError


def read_records(folder: Path) -> dict[str, Any]:
    """Return the committed records of the app in `folder`, by preset."""
    path = folder / "results.json"
    try:
        return json.loads(path.read_text()) if path.is_file() else {}
    except ValueError as error:
        raise UserError(f"{path}: expected JSON: {error}") from None
