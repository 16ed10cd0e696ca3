"""Processes that log runs, and servers that show them."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

CHECKOUT = Path(__file__).parents[2]
PARAMS = {"epochs": 3, "optimizer": {"name": "adamw"}}

WORKER = """
import os, signal, sys
from pipelines.tracking import runs as tracking
with tracking.start("counting", sys.argv[1], params={"epochs": 20}, tags={}) as run:
    for epoch in range(1, 21):
        run.metrics({"loss": 1 / epoch, "accuracy": 1 - 1 / epoch}, step=epoch)
        if sys.argv[1] == "killed" and epoch == 5:
            os.kill(os.getpid(), signal.SIGKILL)
"""


def environment_in(folder: Path) -> dict[str, str]:
    """A home and a folder for temporary files of their own, so that what is left there can be seen."""
    for name in ("home", "tmp"):
        (folder / name).mkdir()
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {"HOME": f"{folder}/home", "TMPDIR": f"{folder}/tmp", "PYTHONPATH": str(CHECKOUT), "PATH": path}


def path_of(uri: str) -> Path:
    return Path(url2pathname(urlsplit(uri).path))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def get(url: str, process: subprocess.Popen, body: object = None) -> bytes:
    """Ask until the server that `process` is starting answers."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    for _ in range(600):
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.read()
        except urllib.error.URLError:
            assert process.poll() is None
            time.sleep(0.2)
    raise TimeoutError(url)
