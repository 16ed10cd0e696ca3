"""Damaged data files are read or refused in one line: none hangs, ends the process or raises an error."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

from reference.damage import NUMBERS, rounds

ROOT = Path(__file__).parents[3]
COUNT = 2000 if os.environ.get("LONG_TESTS") else 30


def test_damaged_files_are_read_or_refused(tmp_path: Path, campaign) -> None:
    counts = Counter()
    for seed in rounds():
        found = outcomes(seed * NUMBERS, tmp_path)
        counts.update(outcome for each in found.values() for outcome in each.values())
        assert {name: len(each) for name, each in found.items()} == dict.fromkeys(found, COUNT)
        fell = {
            f"{name} {number}": outcome
            for name, each in found.items()
            for number, outcome in each.items()
            if outcome not in ("ran", "refused")
        }
        assert not fell
        refused = sum("refused" in each.values() for each in found.values())
        assert refused >= 8, "few copies were damaged badly enough"
    campaign(counts)


def outcomes(first: int, folder: Path) -> dict[str, dict[int, str]]:
    """Read COUNT damaged copies of each kind of file in other processes: what came of each, by its number."""
    worker = Path(__file__).with_name("damaged_worker.py")
    command = [sys.executable, str(worker), str(first), str(COUNT), str(folder)]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"}
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr[-2000:]
    return {name: dict(enumerate(each, first)) for name, each in json.loads(done.stdout).items()}
