"""Damage .tflite files in many ways and load and run each, in child processes that may die.

python fuzz_worker.py FIRST COUNT FOLDER SEED.tflite...: print {"bare": [...], "checked": [...]}, by mutant
"ran", "refused", "hung", "SIGSEGV" or another signal, or "raised TYPE" for any other exception: by LiteRT
alone, and by `rehearse`. Mutants that hang or die in spite of the checks are written to FOLDER/NUMBER.tflite.
"""

from __future__ import annotations

import copy
import json
import os
import random
import resource
import signal
import struct
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

SECONDS = 2.0
MEMORY = 4 << 30
EXTREMES = (0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)
NUMBERS = (-1, 0, 1, 2, 3, 4, 8, 127, -128, 255, 65535, 2**31 - 1, -(2**31))
REALS = (0.0, -1.0, 1e38, 1e-38, float("nan"), float("inf"))


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


def fields(model: Any, rng: random.Random) -> bytes | None:
    """Damage what the offsets lead to: numbers, lists and tables. None: the result can't be packed."""
    model = copy.deepcopy(model)
    for _ in range(rng.choice((1, 1, 2))):
        owner, name = rng.choice(list(_fields(model)))
        setattr(owner, name, _damaged(getattr(owner, name), rng))
    builder = flatbuffers.Builder(1024)
    try:
        builder.Finish(model.Pack(builder), b"TFL3")
    except Exception:  # whatever the schema's code makes of a wrong type
        return None
    return bytes(builder.Output())


def _fields(table: Any) -> Iterator[tuple[Any, str]]:
    for name, value in vars(table).items():
        yield table, name
        for inner in value if isinstance(value, list) else [value]:
            if hasattr(inner, "__dict__"):
                yield from _fields(inner)


def _damaged(value: Any, rng: random.Random) -> Any:
    if isinstance(value, (bool, np.bool_)):
        return not value
    if isinstance(value, (int, np.integer)):
        return rng.choice((int(value) + 1, int(value) - 1, rng.choice(NUMBERS)))
    if isinstance(value, (float, np.floating)):
        return rng.choice(REALS)
    if isinstance(value, bytes):
        return value[:-1]
    if isinstance(value, np.ndarray) and value.dtype == np.uint8 and value.size >= 4:  # a constant
        at = 4 * rng.randrange(value.size // 4)
        return np.concatenate([value[:at], _bytes(rng), value[at + 4 :]])
    return _damaged_list(list(value), rng) if isinstance(value, (list, np.ndarray)) and len(value) else None


def _bytes(rng: random.Random) -> np.ndarray:
    return np.frombuffer(struct.pack("<i", rng.choice(NUMBERS)), np.uint8)


def _damaged_list(values: list[Any], rng: random.Random) -> list[Any] | None:
    at, other = rng.randrange(len(values)), rng.randrange(len(values))
    match rng.randrange(5):
        case 0:
            return None
        case 1:
            del values[at]
        case 2:
            values.insert(at, copy.deepcopy(values[other]))
        case 3:
            values[at], values[other] = values[other], values[at]
        case 4 if not hasattr(values[at], "__dict__"):
            values[at] = _damaged(values[at], rng)
    return values


def scales(model: Any, rng: random.Random) -> bytes | None:
    """Flip one bit of the exponent of a scale. None: the model has none."""
    model = copy.deepcopy(model)
    scaled = [
        tensor.quantization
        for graph in model.subgraphs
        for tensor in graph.tensors
        if tensor.quantization is not None and tensor.quantization.scale is not None
    ]
    if not scaled:
        return None
    chosen = rng.choice(scaled)
    values = np.array(chosen.scale, np.float32)
    values.view(np.uint32)[rng.randrange(len(values))] ^= np.uint32(1 << rng.randrange(23, 31))
    chosen.scale = values
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def mutant(number: int, seeds: list[bytes], models: list[Any]) -> bytes:
    """Make a mutant: every second one by `fields`, every eighth by `scales` where there are any."""
    rng, seed = random.Random(number), number // 8 % len(seeds)
    if number % 8 == 0 and (content := scales(models[seed], rng)) is not None:
        return content
    if number % 2:
        while (content := fields(models[seed], rng)) is None:
            pass
        return content
    damaged = bytearray(seeds[seed])
    rng.choice(BYTES)(damaged, rng)
    return bytes(damaged)


def bare(content: bytes) -> None:
    """Run every signature once on zeros, nothing checked."""
    interpreter = Interpreter(model_content=content)
    for key in interpreter.get_signature_list():
        run = interpreter.get_signature_runner(key)
        details = run.get_input_details()
        run(**{name: np.zeros(detail["shape"], detail["dtype"]) for name, detail in details.items()})


def outcomes(work: Callable[[bytes], None], mutants: list[bytes]) -> list[str]:
    """Work on all, in as many children, one after the other, as it takes."""
    found: list[str] = []
    while len(found) < len(mutants):
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            _work(work, mutants[len(found) :], writer)
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


def _work(work: Callable[[bytes], None], mutants: list[bytes], writer: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for content in mutants:
        signal.setitimer(signal.ITIMER_REAL, SECONDS)  # SIGALRM ends the process, even inside of LiteRT
        try:
            work(content)
            said = "ran"
        except Exception as error:
            said = "refused" if type(error).__name__ == "UserError" else f"raised {type(error).__name__}"
        os.write(writer, f"{said}\n".encode())
    os._exit(0)


def main(first: int, count: int, folder: Path, paths: list[Path]) -> None:
    from pipelines.ondevice.interpreter import rehearse

    seeds = [path.read_bytes() for path in paths]
    models = [schema.ModelT.InitFromPackedBuf(seed, 0) for seed in seeds]
    mutants = [mutant(number, seeds, models) for number in range(first, first + count)]
    found = {"bare": outcomes(bare, mutants), "checked": outcomes(rehearse, mutants)}
    for number, (content, said) in enumerate(zip(mutants, found["checked"], strict=True), first):
        if said == "hung" or said.startswith("SIG"):
            (folder / f"{number}.tflite").write_bytes(content)
    print(json.dumps(found))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]), [Path(path) for path in sys.argv[4:]])
