"""A function in a process of its own: its result, its exceptions, its end by interruption."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipelines.errors import UserError
from pipelines.training.own_process import call_in_own_process

ROOT = Path(__file__).parents[3]


def nothing():
    pass


def mark_prepared():
    os.environ["PREPARED"] = "yes"


def where(offset):
    return os.getpid() + offset, os.environ.get("PREPARED")


def refuse(message):
    raise UserError(message)


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def test_the_result_comes_from_another_prepared_process():
    pid, prepared = call_in_own_process(where, {"offset": 0}, prepare=mark_prepared)
    assert pid != os.getpid()
    assert prepared == "yes"
    assert "PREPARED" not in os.environ


def test_an_exception_is_raised_here_with_the_traceback_of_there():
    with pytest.raises(UserError, match="no such thing") as raised:
        call_in_own_process(refuse, {"message": "no such thing"}, prepare=nothing)
    assert str(raised.value) == "no such thing"
    assert "in refuse" in raised.value.__notes__[0]


def test_a_process_that_dies_is_an_error():
    with pytest.raises(ChildProcessError, match=r"the process of die ended with exit code -9"):
        call_in_own_process(die, {}, prepare=nothing)


INTERRUPTED = """
import signal, sys, time
from pipelines.training.interruption import stop_at_signals
from pipelines.training.own_process import call_in_own_process

def work():
    try:
        print("working", flush=True)
        time.sleep(60)
    except KeyboardInterrupt:
        time.sleep(0.5)
        print("cleaned up", flush=True)
        raise

def nothing():
    pass

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    stop_at_signals()
    try:
        call_in_own_process(work, {}, prepare=nothing)
    except KeyboardInterrupt:
        print("stopped", flush=True)
"""


@pytest.mark.parametrize(
    ("everyone", "by", "last"),
    [
        (True, signal.SIGINT, "stopped"),
        (False, signal.SIGINT, "stopped"),
        (True, signal.SIGHUP, "stopped"),
        (False, signal.SIGKILL, ""),
    ],
)
def test_an_interruption_reaches_the_function_once_and_waits_for_it(tmp_path, everyone, by, last):
    script = tmp_path / "interrupted.py"
    script.write_text(INTERRUPTED)
    process = subprocess.Popen(
        [sys.executable, str(script)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout.readline() == "working\n"
    time.sleep(0.1)
    if everyone:  # as Ctrl-C in a terminal does, or closing it
        os.killpg(process.pid, by)
    else:
        process.send_signal(by)
    out, _ = process.communicate(timeout=60)
    assert out.split("\n") == ["cleaned up", last, ""] if last else ["cleaned up", ""]
