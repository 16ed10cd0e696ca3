"""Every operator that a file may use: an example of each runs, and each of its rules is broken once."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from reference.damage import rounds
from reference.operator_files import BY_NAME, EXAMPLES, Example, Made

from pipelines.ondevice.file_check import MAX_MEMORY, SoundFile
from pipelines.ondevice.flatbuffer_reader import UnsoundError

ROOT = Path(__file__).parents[3]
MIXED = 400 if os.environ.get("LONG_TESTS") else 10
SCALES = (1e-17, 1e-6, 1.0, 1e6, 1e17)
VALUES = (-(2**31), -100, -1, 0, 1, 100, 2**31 - 1)
SIZES = ((0,), (1,), (7,), (2, 3, 4, 5, 1, 1))
ANY_VALUE = {"STRIDED_SLICE", "FLOOR_DIV", "FLOOR_MOD", "DIV"}
"""Operators whose constants may be the smallest integer: begins are moved inside, divisors may be large."""
OPEN_COUNT = {"ADD_N", "CONCATENATION", "PACK"}

EACH = [pytest.param(Example(*example), id=f"{i}-{example[0]}") for i, example in enumerate(EXAMPLES)]


def problem(example: Example, max_memory: int = MAX_MEMORY) -> str:
    """Return the message by which a file is refused; "" if it isn't."""
    try:
        SoundFile(example.content(), max_memory)
    except UnsoundError as error:
        return str(error)
    return ""


def broken(example: Example) -> Iterator[tuple[str, Example]]:
    """Yield copies of an example of which one rule is broken, with what was done."""
    for side in ("inputs", "outputs"):
        for i, made in enumerate(getattr(example, side)):
            if made is not None:
                yield (
                    f"{side[:-1]} {i} of a type nobody takes",
                    _with(example, side, i, kind="c128", values=None),
                )
    yield "no input", _put(example, inputs=[])
    if example.name not in OPEN_COUNT:
        yield (
            "one input more",
            _put(example, inputs=[*example.inputs, *[Made("f32", (1,), None, False, None)] * 24]),
        )
    yield "one output more", _put(example, outputs=[*example.outputs, example.outputs[0]])
    shape = example.outputs[0].shape
    yield "another shape of the output", _with(example, "outputs", 0, shape=(*shape, 1, 1))
    yield from _broken_options(example)
    yield from _broken_constants(example)
    yield from _broken_scales(example)


def _broken_options(example: Example) -> Iterator[tuple[str, Example]]:
    wanted = BY_NAME[example.name].options
    if wanted is None or not wanted.fields:
        return
    yield "no options", _put(example, options=None)
    yield "options of another type", _put(example, options=None, number=1)
    for name, (_, kind, least, most) in wanted.fields.items():
        limits = {"?": (0, 1), "b": (-128, 127), "i": (-(2**31), 2**31 - 1), "f": (-1e30, 1e30)}[kind]
        for value, beyond in ((limits[0], least), (limits[1], most)):
            if value < least or value > most:
                yield f"{name} beyond {beyond}", _put(example, options={**example.options, name: value})


def _broken_constants(example: Example) -> Iterator[tuple[str, Example]]:
    for i, made in enumerate(example.inputs):
        if made is None or made.values is None or (example.name == "FILL" and i == 1):
            continue
        yield f"input {i} known only later", _with(example, "inputs", i, values=None)
        if example.name not in ANY_VALUE:
            least = [-(2.0**31)] * len(made.values)
            yield f"input {i} of the smallest integers", _with(example, "inputs", i, values=least)


def _broken_scales(example: Example) -> Iterator[tuple[str, Example]]:
    if BY_NAME[example.name].scales == "none":
        return
    for side in ("inputs", "outputs"):
        for i, made in enumerate(getattr(example, side)):
            if made is not None and made.kind in ("i8", "u8", "i16"):
                yield f"{side[:-1]} {i} without a scale", _with(example, side, i, scale=None)
                yield f"{side[:-1]} {i} of scale NaN", _with(example, side, i, scale=float("nan"))


def risky(example: Example) -> Iterator[Example]:
    """Yield copies that may break a rule: each is refused or runs."""
    for side in ("inputs", "outputs"):
        for i, made in enumerate(getattr(example, side)):
            if made is None:
                continue
            for shape in SIZES:
                yield _with(example, side, i, shape=shape, values=made.values and [1.0] * _count(shape))
            for value in VALUES if made.values else ():
                yield _with(example, side, i, values=[value] * len(made.values))
            for scale in SCALES if made.scale else ():
                yield _with(example, side, i, scale=scale)
    for i, made in enumerate(example.inputs):
        if made is not None:
            yield _put(example, inputs=[*example.inputs[:i], None, *example.inputs[i + 1 :]])
    for kind in ("f32", "f16", "i32", "i64", "i16", "i8", "u8", "bool", "u32"):
        yield from _of_type(example, kind)
    for value in (0, 1, -1):  # LiteRT computes what depends on constants only before it runs
        yield _put(example, inputs=[_constant(made, value) for made in example.inputs])
    for axes in ((1,), (2, 1), (1, 2, 2), (2, 1, 2, 1), (1, 1, 1, 1, 1, 2)):
        yield _put(
            example,
            inputs=[_stretched(made, axes) for made in example.inputs],
            outputs=[_stretched(made, axes) for made in example.outputs],
        )
    for name, value in (example.options or {}).items():
        _, _, least, most = BY_NAME[example.name].options.fields[name]
        for other in {least, most, value + 1, 4} - {value}:
            yield _put(example, options={**example.options, name: min(max(other, least, -1e30), most, 1e30)})


def _of_type(example: Example, kind: str) -> Iterator[Example]:
    """Yield copies in which everything that isn't a constant, or one side, has another type."""
    scale = 0.25 if kind in ("i8", "u8", "i16") else None
    inputs, outputs = (
        [
            each._replace(kind=kind, scale=scale) if each is not None and each.values is None else each
            for each in tensors
        ]
        for tensors in (example.inputs, example.outputs)
    )
    yield _put(example, inputs=inputs)
    yield _put(example, outputs=outputs)
    yield _put(example, inputs=inputs, outputs=outputs)


def _constant(made: Made | None, value: float) -> Made | None:
    if made is None or made.values is not None or made.variable or made.kind == "c64":
        return made
    return made._replace(values=[value] * _count(made.shape))


def _stretched(made: Made | None, axes: tuple[int, ...]) -> Made | None:
    """Put axes before those of a tensor that has some and isn't a constant."""
    if made is None or made.values is not None or not made.shape:
        return made
    return made._replace(shape=(*axes, *made.shape))


def _count(shape: tuple[int, ...]) -> int:
    count = 1
    for size in shape:
        count *= size
    return count


def _put(example: Example, **changes) -> Example:
    changed = example.copy()
    vars(changed).update(changes)
    return changed


def _with(example: Example, side: str, place: int, **changes) -> Example:
    tensors = list(getattr(example, side))
    tensors[place] = tensors[place]._replace(**changes)
    return _put(example, **{side: tensors})


def test_each_operator_has_an_example() -> None:
    assert {example[0] for example in EXAMPLES} == set(BY_NAME)


@pytest.mark.parametrize("example", EACH)
def test_each_broken_rule_is_refused_by_the_name_of_its_operator(example: Example) -> None:
    assert problem(example) == ""
    for done, changed in broken(example):
        found = problem(changed)
        assert len(found.splitlines()) == 1, f"{example.name} with {done}: {found or 'passes'}"
        format_alone = ("tensor", "options of another", "expected scales")
        assert example.name in found or any(each in found for each in format_alone), f"{done}: {found}"


def run(files: dict[str, Example], folder: Path) -> dict[str, str]:
    """Load and run files in other processes; return what happened to each."""
    for name, example in files.items():
        (folder / name).write_bytes(example.content())
    worker = [sys.executable, str(Path(__file__).with_name("files_worker.py")), str(folder)]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"}
    done = subprocess.run(worker, check=True, capture_output=True, text=True, env=environment)
    said = json.loads(done.stdout)
    assert said.keys() == files.keys()
    return said


def test_examples_run(tmp_path: Path) -> None:
    said = run({f"{i}-{example[0]}": Example(*example) for i, example in enumerate(EXAMPLES)}, tmp_path)
    assert {name: what for name, what in said.items() if what != "ran"} == {}


def test_what_may_break_a_rule_runs_or_is_refused(tmp_path: Path, campaign) -> None:
    """Each example with one change; and with two or three at once, drawn at random."""
    counts = Counter()
    for seed in rounds():
        folder = tmp_path / str(seed)
        folder.mkdir()
        said = run(_changed(random.Random(seed)), folder)
        shutil.rmtree(folder)
        counts.update(said.values())
        assert {name: what for name, what in said.items() if what not in ("ran", "refused")} == {}
        assert sum(what == "ran" for what in said.values()) > len(said) / 10  # else few got as far as LiteRT
    campaign(counts)


def _changed(rng: random.Random) -> dict[str, Example]:
    files = {}
    for i, example in enumerate(EXAMPLES):
        once = list(risky(Example(*example)))
        files |= {f"{i}-{example[0]}-{j}": changed for j, changed in enumerate(once)}
        for j in range(MIXED):
            changed = rng.choice(once)
            for _ in range(rng.choice((1, 1, 2))):
                changed = rng.choice(list(risky(changed)) or [changed])
            files[f"{i}-{example[0]}-mixed{j}"] = changed
    return files


@pytest.mark.parametrize(
    ("name", "sound", "text", "message"),
    [
        ("ADD", "i8*500000 3; i8 3 > i8*1 3", "i8*600000 3; i8 3 > i8*1 3", "ratio is below 1, found 1.14"),
        ("ADD", "i16*16000 3; i16 3 > i16*1.1 3", "i16*18100 3; i16 3 > i16*1.1 3", "ratio is below 1"),
        ("SUB", "i8*500000 3; i8 3 > i8*1 3", "i8*600000 3; i8 3 > i8*1 3", "ratio is below 1"),
        ("MUL", "i8*1e4 3; i8*1e4 3 > i8*1 3", "i8*1e5 3; i8*1e5 3 > i8*1 3", "ratio is below 1.074e+09"),
        (
            "BATCH_MATMUL",
            "i8*250 2,3; i8*1 3,2 > i8*1 2,2",
            "i8*260 2,3; i8*1 3,2 > i8*1 2,2",
            "ratio is below 256, found 260",
        ),
        ("SQUARED_DIFFERENCE", "i8*63 3; i8 3 > i8*1 3", "i8*65 3; i8 3 > i8*1 3", "ratio is below 1"),
        ("EQUAL", "i8*1.5 3; i8 3 > bool 3", "i8*1 3; i8 3 > bool 3", "expected a scale other than 1"),
        ("LESS", "i8 3; i8*0.999 3 > bool 3", "i8 3; i8*1 3 > bool 3", "expected a scale other than 1"),
        ("RELU", "i8*1e9 3 > i8*1 3", "i8*2e9 3 > i8*1 3", "ratio is below 1.074e+09"),
        (
            "FULLY_CONNECTED", "i8*16 2,3; i8*15 4,3; i32 4 > i8*1 2,4",
            "i8*16 2,3; i8*16 4,3; i32 4 > i8*1 2,4", "ratio is below 256, found 256",
        ),
    ],
)  # fmt: skip
def test_scales_must_have_ratios_that_the_kernel_can_compute(name: str, sound: str, text: str, message: str):
    assert problem(Example(name, sound, {})) == ""
    assert f"{name}: " in problem(Example(name, text, {}))
    assert message in problem(Example(name, text, {}))


@pytest.mark.parametrize(
    "example",
    [
        ("TILE", "f32 1,1; i32 2=32768 32768 > f32 1", {}),
        ("FILL", "i32 2=32768 32768; f32 =1 > f32 1", {}),
        ("BROADCAST_TO", "f32 1; i32 2=32768 32768 > f32 1", {}),
        ("PAD", "f32 1,1; i32 2,2=0 32767 0 32767 > f32 1", {}),
        ("RANGE", "i32 =0; i32 =2000000000; i32 =1 > i32 1", {}),
        ("ONE_HOT", "i32 1000; i32 =1000000; f32 ; f32  > f32 1", {}),
        ("ADD", "f32 32768,1; f32 1,32768 > f32 1", {}),
        ("BATCH_MATMUL", "f32 32768,1; f32 1,32768 > f32 1", {}),
        ("MATRIX_DIAG", "f32 32768 > f32 1", {}),
        ("RESIZE_BILINEAR", "f32 1,1,1,1; i32 2=32768 32768 > f32 1", {}),
        ("RFFT2D", "f32 1,1; i32 2=65536 65536 > c64 1", {}),
        (
            "CONV_2D", "f32 1,512,512,16; f32 1,128,128,16; f32 1 > f32 1",
            {"padding": 1},
        ),
    ],
    ids=lambda example: example[0],
)  # fmt: skip
def test_what_needs_too_much_memory_is_refused(example) -> None:
    assert "needs more than max_memory, 1073741824 bytes" in problem(Example(*example))


def test_the_limit_of_memory_is_that_of_all_tensors_together() -> None:
    example = Example("TILE", "f32 1,250; i32 2=1 4 > f32 1,1000", {})
    assert problem(example, max_memory=5000) == ""
    assert "TILE: needs more than max_memory, 4999 bytes" in problem(example, max_memory=4999)
