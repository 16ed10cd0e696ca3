"""The card's section on running the files: in Python, on the command line, in a browser, as C."""

from __future__ import annotations

import keyword
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ...ondevice.manifest import ACTIVATION_BITS
from .markdown import code, fence, listed, one_line

_FOLDER = "."
"""Commands and code are given for somebody who is in the bundle's folder."""
_WITHOUT_LOOP = ("step", "unrolled")
_INTEGERS = ("int8", "int16")


def how_to_run(
    manifest: Mapping[str, Any], example: Sequence[str] | None, *, has_page: bool
) -> Iterator[str]:
    """Yield the paragraphs.

    Args:
        manifest: the bundle's.
        example: the arguments of an example of the app's `predict`; None without an app.
        has_page: whether the app has a page for browsers.
    """
    yield (
        "In the folder of this bundle, with `unrolled` installed, in Python with numpy and LiteRT alone. (In "
        "a checkout of the project the package is `pipelines`, and commands begin with `python -m apps` or "
        "`python -m pipelines`.)"
    )
    yield fence("\n".join(_python(manifest)), "python")
    if example is not None:
        yield "On the command line:"
        yield fence(shlex.join(["unrolled", manifest["app"], "predict", "--bundle", _FOLDER, *example]), "sh")
        if has_page and in_browser(manifest):
            yield "In a browser, also without a network: this writes a folder with a page that runs it."
            yield fence(f"unrolled page {_FOLDER} --output page", "sh")
    if small := for_microcontrollers(manifest):
        yield (
            f"On a microcontroller: {listed([code(each) for each in small])} as C arrays for TFLite Micro, "
            "if it has all operations of the file; otherwise this says which are missing."
        )
        name = "model" if example is None else manifest["app"]
        yield fence("\n".join(_micro(small[0], name)), "python")


def in_browser(manifest: Mapping[str, Any]) -> list[str]:
    """Return the files that LiteRT.js runs: no variables in a file, and no small integers as inputs."""
    return [
        each["file"]
        for each in manifest["variants"]
        if each["execution"] != "fused" and not {*_types(each)} & {*_INTEGERS}
    ]


def for_microcontrollers(manifest: Mapping[str, Any]) -> list[str]:
    """Return the files with integer activations and without a loop."""
    return [
        each["file"]
        for each in manifest["variants"]
        if each["precision"] in ACTIVATION_BITS and each["execution"] in _WITHOUT_LOOP
    ]


def _types(variant: Mapping[str, Any]) -> Iterator[str]:
    for signature in variant["signatures"].values():
        yield from (spec["dtype"] for spec in signature.get("inputs", {}).values())


def _python(manifest: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines that run the smallest file for whole inputs, and the smallest one for a stream."""
    by_size = sorted(manifest["variants"], key=lambda each: each["bytes"])
    whole = next((each for each in by_size if each["execution"] != "step"), None)
    stream = next((each for each in by_size if each["execution"] == "step"), None)
    yield "import numpy as np"
    runners = [name for name, has in (("Model", whole), ("Stream", stream)) if has]
    yield f"from unrolled.ondevice import {', '.join(['Bundle', *runners])}"
    yield ""
    yield f'bundle = Bundle.open("{_FOLDER}")'
    if whole:
        yield f'model = Model(bundle.variant_path("{whole["file"]}"))  # size and SHA-256 are checked first'
        yield f"answers = model({_arguments(whole)})"
        yield from _answers(whole)
    if stream:
        yield f'stream = Stream(bundle.variant_path("{stream["file"]}"))'
        yield f"answers = stream({_arguments(stream)})  # one step; the state is kept"
        yield from _answers(stream)


def _arguments(variant: Mapping[str, Any]) -> str:
    """Return the arguments of a call, with zeros for inputs."""
    (signature,) = list(variant["signatures"].values())[:1] or [{}]
    zeros = {
        name: f"np.zeros({tuple(spec['shape'])}, np.{spec['dtype']})"
        for name, spec in signature.get("inputs", {}).items()
    }
    if all(name.isidentifier() and not keyword.iskeyword(name) for name in zeros):
        return ", ".join(f"{name}={value}" for name, value in zeros.items())
    return "**{" + ", ".join(f"{name!r}: {value}" for name, value in zeros.items()) + "}"


def _answers(variant: Mapping[str, Any]) -> Iterator[str]:
    """Yield what comes out, as a comment."""
    (signature,) = list(variant["signatures"].values())[:1] or [{}]
    outputs = [
        f"{name} {tuple(spec['shape'])} {spec['dtype']}"
        for name, spec in signature.get("outputs", {}).items()
    ]
    if outputs:
        yield f"# answers: {one_line(listed(outputs, most=3))}"


def _micro(file: str, name: str) -> Iterator[str]:
    """Yield the lines that write C source; `name` is the prefix of everything in it."""
    yield "from pathlib import Path"
    yield ""
    yield "from unrolled.pipelines.export.micro.write import write_micro"
    yield ""
    yield f'write_micro(Path("{file}").read_bytes(), Path("micro"), "{name}")'
