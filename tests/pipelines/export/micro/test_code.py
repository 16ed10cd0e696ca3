"""The C source compiles, holds the model, and says what the file says."""

from __future__ import annotations

import shutil
import subprocess
import zlib
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter
from reference.micro_models import STATE, macros

from pipelines.export.micro.write import Micro, write_micro
from pipelines.export.tflite.flatbuffer import pack, parse

COMPILERS = {"c11": (shutil.which("cc"), "c11", "c"), "c++17": (shutil.which("c++"), "c++17", "c++")}
MAIN = """
#include <stdio.h>
#include "tiny.h"
int main(void) {
  uint32_t crc = 0xffffffffu;
  for (size_t i = 0; i < tiny_model_length; ++i) {
    crc ^= tiny_model[i];
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1u) ? 0xedb88320u : 0u);
  }
  printf("%lu %lu %d\\n", (unsigned long)tiny_model_length, (unsigned long)(crc ^ 0xffffffffu),
         (int)((uintptr_t)tiny_model % 16));
  MORE
  return 0;
}
"""


@pytest.fixture(params=COMPILERS)
def compiler(request: pytest.FixtureRequest) -> list[str]:
    path, standard, language = COMPILERS[request.param]
    if path is None:
        pytest.skip(f"no compiler for {request.param} here")
    return [path, f"-std={standard}", "-x", language, "-Wall", "-Wextra", "-Werror", "-pedantic"]


def _run_c(micro: Micro, compiler: list[str], folder: Path, more: str = "") -> list[str]:
    main, program = folder / "main.c", folder / "program"
    main.write_text(MAIN.replace("MORE", more))
    source = micro.folder / "tiny.c"
    subprocess.run(
        [*compiler, f"-I{micro.folder}", str(main), str(source), "-o", str(program)], check=True, timeout=60
    )
    return subprocess.run([program], check=True, capture_output=True, text=True, timeout=20).stdout.split(
        "\n"
    )


def test_the_compiled_program_holds_the_model(content: bytes, compiler: list[str], tmp_path: Path) -> None:
    micro = write_micro(content, tmp_path, "tiny")
    expected = (tmp_path / "tiny" / "tiny.tflite").read_bytes()
    assert expected == micro.content
    assert _run_c(micro, compiler, tmp_path)[0] == f"{len(expected)} {zlib.crc32(expected)} 0"
    found = macros(micro)
    assert int(found["MODEL_BYTES"]) == len(expected)
    assert int(found["MODEL_CRC32"].rstrip("u"), 16) == zlib.crc32(expected)


def test_constants_are_those_of_the_file(content: bytes, compiler: list[str], tmp_path: Path) -> None:
    micro = write_micro(content, tmp_path, "tiny")
    run = Interpreter(model_content=content).get_signature_runner()
    expected = []
    lines = ""
    for kind, details in (("INPUT", run.get_input_details()), ("OUTPUT", run.get_output_details())):
        ((name, detail),) = details.items()
        prefix = f"TINY_{kind}_{name.upper()}"
        lines += f"{{ const int shape[] = {prefix}_SHAPE; const {prefix}_TYPE value = 1;"
        lines += f'printf("%d %d %d %.9g %d %d %d\\n", shape[0], shape[1], {prefix}_SIZE, {prefix}_SCALE, '
        lines += f"{prefix}_ZERO_POINT, (int)sizeof value, {prefix}_INDEX); }}\n"
        scale, zero_point = detail["quantization"]
        size = int(np.prod(detail["shape"]))
        width = np.dtype(detail["dtype"]).itemsize
        expected.append([*detail["shape"], size, np.float32(scale), zero_point, width, 0])
    printed = _run_c(micro, compiler, tmp_path, lines)[1:3]
    assert [[float(word) for word in line.split()] for line in printed] == [
        [pytest.approx(float(number), rel=1e-8) for number in line] for line in expected
    ]


def test_ops_are_listed_and_registered(content: bytes, tmp_path: Path) -> None:
    micro = write_micro(content, tmp_path, "tiny")
    assert micro.ops == ("FULLY_CONNECTED", "SOFTMAX", "TANH")
    assert (micro.folder / "tiny_ops.txt").read_text().split() == list(micro.ops)
    if (compiler := shutil.which("c++")) is None:
        pytest.skip("no C++ compiler here")
    stub = tmp_path / "tensorflow/lite/micro/micro_mutable_op_resolver.h"
    stub.parent.mkdir(parents=True)
    adds = "".join(
        f"  TfLiteStatus {name}() {{ return count++ < N ? kTfLiteOk : kTfLiteError; }}\n"
        for name in ("AddFullyConnected", "AddSoftmax", "AddTanh")
    )
    stub.write_text(
        "enum TfLiteStatus { kTfLiteOk, kTfLiteError };\nnamespace tflite {\n"
        f"template <unsigned N> struct MicroMutableOpResolver {{ unsigned count = 0;\n{adds}}};\n}}\n"
    )
    main = tmp_path / "main.cc"
    main.write_text(
        '#include "tiny_ops.h"\n'
        "int main() { tiny_resolver r; return tiny_register_ops(r) == kTfLiteOk && r.count == 3 ? 0 : 1; }\n"
    )
    program = str(tmp_path / "program")
    command = [
        compiler,
        "-std=c++17",
        "-Wall",
        f"-I{tmp_path}",
        f"-I{micro.folder}",
        str(main),
        "-o",
        program,
    ]
    subprocess.run(command, check=True, timeout=60)
    subprocess.run([program], check=True, timeout=20)


def test_a_step_is_what_runs_and_its_states_begin_as_init_says(
    step: bytes, compiler: list[str], tmp_path: Path
) -> None:
    micro = write_micro(step, tmp_path, "tiny")
    model = schema.Model.GetRootAs(micro.content)
    assert model.SubgraphsLength() == 1
    assert Interpreter(model_content=micro.content).get_signature_list().keys() == {"step"}
    more = (
        'printf("%d", TINY_RNN_H_COPIES);\n'
        'for (int i = 0; i < TINY_INPUT_RNN_H_SIZE; ++i) printf(" %g", (double)tiny_initial_rnn_h[i]);'
    )
    assert _run_c(micro, compiler, tmp_path, more)[1].split() == ["1"] + ["0.25"] * STATE
    graph = model.Subgraphs(0)
    found = macros(micro)
    widths = {"X": 3, "RNN_H": STATE}
    for name, width in widths.items():
        tensor = graph.Tensors(graph.Inputs(int(found[f"INPUT_{name}_INDEX"])))
        assert tensor.ShapeAsNumpy()[-1] == width


def test_states_that_are_held_differently_are_told(step: bytes, tmp_path: Path) -> None:
    model = parse(step)
    (signature,) = (each for each in model.signatureDefs if each.signatureKey == b"step")
    (state,) = (each for each in signature.outputs if each.name == b"rnn_h")
    quantization = schema.QuantizationParametersT()
    quantization.scale, quantization.zeroPoint = np.float32([0.5]), np.int64([0])
    model.subgraphs[signature.subgraphIndex].tensors[state.tensorIndex].quantization = quantization
    micro = write_micro(pack(model), tmp_path, "tiny")
    assert macros(micro)["RNN_H_COPIES"] == "0"
