"""Messages of C++ code: held back, passed on, or dropped, in processes of their own."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def said(code: str) -> list[str]:
    """Run code that writes to file descriptor 2, and return the lines that come out."""
    program = f"import os\nfrom pipelines.ondevice.native_messages import *\n{code}"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.stderr.splitlines()


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("with held_back(): os.write(2, b'noise\\n')\nos.write(2, b'after\\n')", ["after"]),
        ("with held_back('INFO: .*'): os.write(2, b'INFO: a\\nW: b\\nno INFO: c')", ["W: b", "no INFO: c"]),
        ("with held_back():\n with held_back(): os.write(2, b'a\\n')\nos.write(2, b'b\\n')", ["b"]),
        ("os.close(2)\nwith held_back(): pass\nos.write(1, b'')", []),
    ],
)
def test_lines_of_no_interest_are_dropped(code: str, expected: list[str]) -> None:
    assert said(code) == expected


def test_threads_hold_back_one_after_the_other() -> None:
    code = """
from concurrent.futures import ThreadPoolExecutor
import time
def work(index):
    with held_back("INFO: .*"):
        os.write(2, b"INFO: noise\\n")
        time.sleep(0.01)
        os.write(2, b"INFO: more\\n")
with ThreadPoolExecutor(4) as pool: list(pool.map(work, range(20)))
"""
    assert said(code) == []


def test_an_exception_brings_everything_out() -> None:
    lines = said("with held_back():\n os.write(2, b'why\\n')\n 1 / 0")
    assert lines[0] == "why"
    assert lines[-1].startswith("ZeroDivisionError")
