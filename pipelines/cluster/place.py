"""The place of this process in a cluster: in TF_CONFIG's, or among processes of this machine."""

from __future__ import annotations

import json
import os
import re
import socket
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from ..errors import UserError

VARIABLE = "TF_CONFIG"
"""The environment variable that a scheduler sets on each machine of a cluster."""
_JOBS = ("chief", "worker")
_EXPECTED = (
    'expected JSON such as {"cluster": {"worker": ["host:2222", "other:2222"]}, '
    '"task": {"type": "worker", "index": 0}}'
)


@dataclass(frozen=True)
class Place:
    """Which process of a cluster this is."""

    addresses: tuple[str, ...]
    """The host and port of each process; the first one is the chief."""
    index: int
    """Which of them this process is."""
    jobs: tuple[str, ...]
    """The job of each process, as TF_CONFIG names it: chief or worker."""

    @property
    def workers(self) -> int:
        """The number of processes."""
        return len(self.addresses)

    @property
    def is_chief(self) -> bool:
        """Whether this process logs, keeps checkpoints and exports."""
        return self.index == 0

    def name(self, index: int) -> str:
        """Return what messages call a process, with its address."""
        title = "the chief" if index == 0 else f"worker {index}"
        return f"{title} ({self.addresses[index]})"

    def host_and_port(self, index: int) -> tuple[str, int]:
        """Return the host and the port of a process."""
        host, _, port = self.addresses[index].rpartition(":")
        return host.strip("[]"), int(port)

    def as_tf_config(self) -> str:
        """Return the value of TF_CONFIG for this process."""
        cluster: dict[str, list[str]] = {}
        for job, address in zip(self.jobs, self.addresses, strict=True):
            cluster.setdefault(job, []).append(address)
        job = self.jobs[self.index]
        before = self.jobs[: self.index].count(job)
        return json.dumps({"cluster": cluster, "task": {"type": job, "index": before}})


def from_environment() -> Place | None:
    """Return the place that TF_CONFIG gives; None if it is not set or names one process only.

    Raises:
        UserError: TF_CONFIG is malformed, or has other jobs than chief and worker.
    """
    text = os.environ.get(VARIABLE, "").strip()
    if not text:
        return None
    try:
        found = json.loads(text)
    except ValueError as error:
        raise UserError(f"{VARIABLE} is no JSON ({error}): {_EXPECTED}") from None
    _require(isinstance(found, dict), "an object", found)
    cluster = found.get("cluster") or {}
    _require(isinstance(cluster, dict), "cluster", cluster)
    others = sorted(set(cluster) - set(_JOBS))
    _require(not others, "the jobs of the cluster", ", ".join(others))
    of_jobs = {job: _addresses(job, cluster.get(job) or []) for job in _JOBS}
    addresses = tuple(address for job in _JOBS for address in of_jobs[job])
    if len(addresses) <= 1:
        return None
    _require(len(of_jobs["chief"]) <= 1, "one chief", of_jobs["chief"])
    _require(len(set(addresses)) == len(addresses), "each address once", addresses)
    jobs = tuple(job for job in _JOBS for _ in of_jobs[job])
    return Place(addresses, _index(found.get("task"), of_jobs), jobs)


def _index(task: Any, of_jobs: Mapping[str, list[str]]) -> int:
    """Return which process of all the task is."""
    _require(isinstance(task, dict), "task", task)
    job, index = task.get("type"), task.get("index")
    _require(job in _JOBS, "the task's type", job)
    within = type(index) is int and 0 <= index < len(of_jobs[job])
    _require(within, f"the task's index among {len(of_jobs[job])} of {job}", index)
    return index + (len(of_jobs["chief"]) if job == "worker" else 0)


def _addresses(job: str, found: Any) -> list[str]:
    _require(isinstance(found, list), f"the addresses of {job}", found)
    for each in found:
        right = isinstance(each, str) and re.fullmatch(r"[^\s/]+:[0-9]{1,5}", each)
        _require(bool(right) and 0 < int(each.rpartition(":")[2]) < 2**16, f"an address of {job}", each)
    return found


def _require(holds: bool, what: str, got: object) -> None:
    if not holds:
        raise UserError(f"{VARIABLE}: {what}: got {got!r}: {_EXPECTED}")


def on_this_machine(workers: int) -> list[Place]:
    """Return the places of processes on this machine, at ports that are free now."""
    with ExitStack() as held:
        addresses = tuple(f"127.0.0.1:{port}" for port in _free_ports(workers, held))
    return [Place(addresses, index, ("worker",) * workers) for index in range(workers)]


def _free_ports(count: int, held: ExitStack) -> Iterator[int]:
    for _ in range(count):
        listener = held.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        yield listener.getsockname()[1]
