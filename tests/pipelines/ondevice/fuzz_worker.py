"""Damage .tflite files in many ways and load and run each, in child processes that may die.

python fuzz_worker.py FIRST COUNT FOLDER SEED.tflite...: print {"bare": [...], "checked": [...]}, by mutant
"ran", "refused", "hung", "SIGSEGV" or another signal, or "raised TYPE" for any other exception: by LiteRT
alone, and by `rehearse`. Mutants that hang or die in spite of the checks are written to FOLDER/NUMBER.tflite.
"""

from __future__ import annotations

import copy
import json
import random
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter
from reference.damage import BYTES, outcomes

NUMBERS = (-1, 0, 1, 2, 3, 4, 8, 127, -128, 255, 65535, 2**31 - 1, -(2**31))
REALS = (0.0, -1.0, 1e38, 1e-38, float("nan"), float("inf"))


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
