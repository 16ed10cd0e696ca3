"""Damage the bytes of files, and try what reads them in child processes that may die."""

from __future__ import annotations

import os
import random
import resource
import signal
import struct
import time
from collections.abc import Callable, Iterator
from typing import Any

SEED = int(os.environ.get("CAMPAIGN_SEED", "0"))
"""Campaigns that try thousands of damaged files draw other ones with another seed."""
SECONDS = float(os.environ.get("CAMPAIGN_SECONDS", "0"))
"""A campaign starts no further round after so many seconds; it always has one round."""
NUMBERS = 1_000_000
"""A seed's damaged files have the numbers from seed * NUMBERS; its number decides what a file is."""
MEMORY = 4 << 30
EXTREMES = (0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)


def rounds() -> Iterator[int]:
    """Yield the seed of each round of a campaign: SEED, and the next ones until SECONDS are over."""
    seed, end = SEED, time.monotonic() + SECONDS
    yield seed
    while time.monotonic() < end:
        seed += 1
        yield seed


def flip_bits(content: bytearray, rng: random.Random) -> None:
    for _ in range(rng.choice((1, 1, 2, 8))):
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)


def overwrite(content: bytearray, rng: random.Random) -> None:
    at, size = rng.randrange(len(content) - 16), rng.randrange(1, 17)
    content[at : at + size] = rng.randbytes(size)


def truncate(content: bytearray, rng: random.Random) -> None:
    del content[rng.randrange(len(content)) :]


def insert(content: bytearray, rng: random.Random) -> None:
    at = rng.randrange(len(content))
    content[at:at] = rng.randbytes(rng.choice((1, 2, 4, 8, 16)))


def duplicate(content: bytearray, rng: random.Random) -> None:
    start, at = rng.randrange(len(content) - 64), rng.randrange(len(content) - 64)
    part = content[start : start + rng.randrange(1, 65)]
    content[at : at + (len(part) if rng.random() < 0.5 else 0)] = part


def set_offset(content: bytearray, rng: random.Random) -> None:
    at = 4 * rng.randrange(len(content) // 4)
    near = struct.unpack_from("<I", content, at)[0] + rng.choice((-4, -1, 1, 4))
    struct.pack_into("<I", content, at, rng.choice((near % 2**32, *EXTREMES)))


BYTES = (flip_bits, overwrite, truncate, insert, duplicate, set_offset)


def outcomes(work: Callable[[Any], None], mutants: list[Any], seconds: float = 2.0) -> list[str]:
    """Work on all, in as many children, one after the other, as it takes; return what came of each.

    That is "ran", "refused" (a UserError), "hung" (more than `seconds`), the name of the signal that ended
    the child, or "raised TYPE" for any other exception.
    """
    found: list[str] = []
    while len(found) < len(mutants):
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            _work(work, mutants[len(found) :], writer, seconds)
        os.close(writer)
        with os.fdopen(reader) as lines:
            found += lines.read().splitlines()
        status = os.waitpid(child, 0)[1]
        if os.WIFSIGNALED(status):
            name = signal.Signals(os.WTERMSIG(status)).name
            found.append("hung" if name == "SIGALRM" else name)
        elif status:
            found.append(f"raised exit code {os.WEXITSTATUS(status)}")
    return found


def _work(work: Callable[[Any], None], mutants: list[Any], writer: int, seconds: float) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for mutant in mutants:
        signal.setitimer(signal.ITIMER_REAL, seconds)  # SIGALRM ends the process, even inside of LiteRT
        try:
            work(mutant)
            said = "ran"
        except Exception as error:
            said = "refused" if type(error).__name__ == "UserError" else f"raised {type(error).__name__}"
        os.write(writer, f"{said}\n".encode())
    os._exit(0)
