"""The C and C++ text of a model for TFLite Micro. Plain C11 and C++17 both compile it."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .graph import REGISTRATIONS

_PER_LINE = 16
_C_TYPES = {
    "float32": "float",
    "int8": "int8_t",
    "uint8": "uint8_t",
    "int16": "int16_t",
    "int32": "int32_t",
    "int64": "int64_t",
    "bool": "uint8_t",
}

_HEADER = """\
/* {bytes} bytes for TFLite Micro, made by the export; don't edit.

   Integers: value = scale * (integer - zero point). INDEX is for input(INDEX) and output(INDEX).

   {name_upper}_TENSORS_BYTES is planned: what the activations alone take, greedily packed.
   TFLite Micro adds its own structures and what kernels set aside.
   {arena_note}{states_note}
*/
#ifndef {name_upper}_MODEL_H
#define {name_upper}_MODEL_H

#include <stddef.h>
#include <stdint.h>

#define {name_upper}_MODEL_BYTES {bytes}
#define {name_upper}_MODEL_CRC32 0x{crc32:08x}u
#define {name_upper}_TENSORS_BYTES {tensors_bytes}
{arena}
{ports}

#ifdef __cplusplus
extern "C" {{
#endif

extern const unsigned char {name}_model[{name_upper}_MODEL_BYTES];
extern const size_t {name}_model_length;
{declarations}
#ifdef __cplusplus
}}
#endif

#endif
"""

_SOURCE = """\
#include "{name}.h"

#ifndef __cplusplus
#include <stdalign.h>
#endif

alignas(16) const unsigned char {name}_model[{name_upper}_MODEL_BYTES] = {{
{rows}}};
const size_t {name}_model_length = {name_upper}_MODEL_BYTES;
{definitions}"""

_OPS = """\
/* The ops of {name}, for TFLite Micro. C++ only. */
#ifndef {name_upper}_OPS_H
#define {name_upper}_OPS_H

#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"

#define {name_upper}_OPS {number}

using {name}_resolver = tflite::MicroMutableOpResolver<{name_upper}_OPS>;

inline TfLiteStatus {name}_register_ops({name}_resolver& resolver) {{
{calls}
  return kTfLiteOk;
}}

#endif
"""

_MEASURED = """{name_upper}_ARENA_BYTES is measured: the least with which TFLite Micro ran it on a machine of
   64-bit pointers. Kernels tuned for one processor may need more."""
_NOT_MEASURED = """How much more was not measured (the package tflite-micro was not installed): give it
   plenty, and ask the interpreter's arena_used_bytes()."""
_STATES = """

   A state is an input and an output of the same name. Start with {name}_initial_STATE; after each
   step copy output to input: as it stands where {name_upper}_STATE_COPIES is 1, rescaled where it is 0."""


@dataclass(frozen=True)
class Port:
    """An input or output of the model, in the order of the graph."""

    identifier: str
    index: int
    shape: tuple[int, ...]
    dtype: str
    scale: float | None
    """None where it isn't quantized."""
    zero_point: int | None

    def copies_to(self, other: Port) -> bool:
        """Tell whether the same bytes mean the same there."""
        return (self.shape, self.dtype, self.scale, self.zero_point) == (
            other.shape,
            other.dtype,
            other.scale,
            other.zero_point,
        )


def c_files(
    name: str,
    content: bytes,
    ports: Mapping[str, Sequence[Port]],
    ops: Sequence[str],
    initial: Mapping[str, np.ndarray],
    arena: tuple[int, int | None],
) -> dict[str, bytes]:
    """Return the files by name.

    Args:
        name: how they and everything in them begins.
        content: the .tflite file.
        ports: `inputs` and `outputs`.
        ops: names of the ops that it uses.
        initial: by identifier, what each state is before the first step, as the input holds it.
        arena: bytes of working memory, planned for the activations and measured as a whole.
    """
    words: dict[str, Any] = {"name": name, "name_upper": name.upper()}
    inputs = {port.identifier: port for port in ports["inputs"]}
    declared = {
        state: f"const {_C_TYPES[inputs[state].dtype]} {name}_initial_{state.lower()}[{array.size}]"
        for state, array in initial.items()
    }
    header = _HEADER.format(
        **words,
        bytes=len(content),
        crc32=zlib.crc32(content),
        tensors_bytes=arena[0],
        arena=f"#define {name.upper()}_ARENA_BYTES {arena[1]}\n" if arena[1] else "",
        arena_note=(_MEASURED if arena[1] else _NOT_MEASURED).format(**words),
        states_note=_STATES.format(**words) if initial else "",
        ports="\n".join(_port_lines(name.upper(), ports, initial)),
        declarations="".join(f"extern {text};\n" for text in declared.values()),
    )
    source = _SOURCE.format(
        **words,
        rows=_rows(content),
        definitions="".join(f"{text} = {{{_values(initial[state])}}};\n" for state, text in declared.items()),
    )
    calls = "\n".join(
        f"  if (resolver.{REGISTRATIONS[op]}() != kTfLiteOk) return kTfLiteError;" for op in ops
    )
    texts = {
        f"{name}.h": header,
        f"{name}.c": source,
        f"{name}_ops.h": _OPS.format(**words, number=len(ops), calls=calls),
        f"{name}_ops.txt": "".join(f"{op}\n" for op in ops),
    }
    return {f"{name}.tflite": content} | {file: text.encode("ascii") for file, text in texts.items()}


def _port_lines(
    prefix: str, ports: Mapping[str, Sequence[Port]], initial: Mapping[str, np.ndarray]
) -> list[str]:
    lines = []
    for kind, of_kind in (("INPUT", ports["inputs"]), ("OUTPUT", ports["outputs"])):
        lines.append(f"#define {prefix}_{kind}S {len(of_kind)}")
        for port in of_kind:
            facts = {
                "INDEX": port.index,
                "TYPE": _C_TYPES[port.dtype],
                "SHAPE": f"{{{', '.join(map(str, port.shape))}}}",
                "SIZE": int(np.prod(port.shape)),
            }
            if port.scale is not None:
                facts |= {"SCALE": _number(port.scale), "ZERO_POINT": f"({port.zero_point})"}
            lines += [
                f"#define {prefix}_{kind}_{port.identifier}_{key} {fact}" for key, fact in facts.items()
            ]
    outputs = {port.identifier: port for port in ports["outputs"]}
    for port in ports["inputs"]:
        if port.identifier in initial:
            copies = int(port.copies_to(outputs[port.identifier]))
            lines.append(f"#define {prefix}_{port.identifier}_COPIES {copies}")
    return lines


def _rows(content: bytes) -> str:
    starts = range(0, len(content), _PER_LINE)
    return "".join("".join(f"{byte}," for byte in content[i : i + _PER_LINE]) + "\n" for i in starts)


def _values(array: np.ndarray) -> str:
    if array.dtype.kind == "f":
        return ", ".join(_number(float(value)) for value in array.reshape(-1))
    return ", ".join(str(int(value)) for value in array.reshape(-1))


def _number(value: float) -> str:
    """Return a float32 as C writes it; 9 digits bring back every one."""
    text = f"{value:.9g}"
    return f"{text}f" if "." in text or "e" in text else f"{text}.0f"
