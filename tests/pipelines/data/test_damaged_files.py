"""Damaged data files are read or refused in one line: none hangs, ends the process or raises an error."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

from reference.damage import FIRST

ROOT = Path(__file__).parents[3]
COUNT = 2000 if os.environ.get("LONG_TESTS") else 30


def test_damaged_files_are_read_or_refused(tmp_path: Path, campaign) -> None:
    worker = Path(__file__).with_name("damaged_worker.py")
    command = [sys.executable, str(worker), str(FIRST), str(COUNT), str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"}
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout)
    campaign(Counter(outcome for each in found.values() for outcome in each))
    assert {name: len(each) for name, each in found.items()} == dict.fromkeys(found, COUNT)
    fell = {
        f"{name} {FIRST + place}": outcome
        for name, each in found.items()
        for place, outcome in enumerate(each)
        if outcome not in ("ran", "refused")
    }
    assert not fell
    assert sum("refused" in each for each in found.values()) >= 8, "few copies were damaged badly enough"
