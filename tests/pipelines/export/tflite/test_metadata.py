"""Metadata and files in a .tflite file follow the published format, and the model still runs."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import flatbuffers.table
import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter
from flatbuffers import number_types
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.errors import UserError
from pipelines.export.tflite import flatbuffer
from pipelines.export.tflite.metadata import Description, pack, sizes, strip, unpack
from pipelines.export.verify import compiled_model

FILES = {"labels.txt": b"no\nyes\nmaybe\n", "words.txt": b"a\nb\n", "settings.json": b'{"max_length": 4}'}
DESCRIPTION = Description(
    "tiny",
    "Answers in three words.",
    version="7",
    author="someone",
    license="Apache-2.0",
    vocabulary={"words": "words.txt"},
    labels={"answer": "labels.txt"},
)


class _Network(tf.Module):
    def __init__(self) -> None:
        super().__init__()
        rng = np.random.default_rng(3)
        self.weights = tf.Variable(rng.normal(size=(4, 3)).astype(np.float32))

    @tf.function(
        input_signature=[tf.TensorSpec((1, 4), name="words"), tf.TensorSpec((1, 3), name="shift")],
    )
    def add(self, words: tf.Tensor, shift: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"answer": tf.tanh(words @ self.weights + shift)}

    @tf.function(input_signature=[tf.TensorSpec((1, 3), name="other")])
    def double(self, other: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"doubled": other * 2.0}


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = str(tmp_path_factory.mktemp("saved"))
    network = _Network()
    tf.saved_model.save(network, folder, {"serve": network.add, "zoom": network.double})
    converter = tf.lite.TFLiteConverter.from_saved_model(folder, signature_keys=["serve", "zoom"])
    return converter.convert()


@pytest.fixture(scope="module")
def packed(content: bytes) -> bytes:
    return pack(content, DESCRIPTION, FILES)


def _metadata_buffers(content: bytes) -> list[bytes]:
    model = schema.Model.GetRootAs(content)
    entries = [model.Metadata(i) for i in range(model.MetadataLength())]
    return [
        model.Buffers(each.Buffer()).DataAsNumpy().tobytes()
        for each in entries
        if each.Name() == b"TFLITE_METADATA"
    ]


def test_unpack_returns_what_pack_was_given(packed: bytes) -> None:
    metadata, files = unpack(packed)
    assert files == FILES
    assert metadata == {
        "name": "tiny",
        "description": "Answers in three words.",
        "version": "7",
        "author": "someone",
        "license": "Apache-2.0",
        "min_parser_version": "1.0.1",
        "inputs": metadata["inputs"],
        "outputs": [{"name": "answer", "files": [{"name": "labels.txt", "type": "TENSOR_AXIS_LABELS"}]}],
        "files": [{"name": "settings.json", "type": "UNKNOWN"}],
    }
    assert sorted(metadata["inputs"], key=lambda tensor: tensor["name"]) == [
        {"name": "shift", "files": []},
        {"name": "words", "files": [{"name": "words.txt", "type": "VOCABULARY"}]},
    ]


@given(
    name=st.text(st.characters(codec="utf-8"), min_size=1, max_size=20),
    files=st.dictionaries(
        st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,30}", fullmatch=True),
        st.binary(max_size=300),
        max_size=6,
    ),
)
@settings(max_examples=60, deadline=None)
def test_unpack_returns_any_names_and_contents(content: bytes, name: str, files: dict[str, bytes]) -> None:
    packed = pack(content, Description(name), files)
    metadata, found = unpack(packed)
    assert found == files
    assert metadata["name"] == name
    assert metadata["files"] == [{"name": file, "type": "UNKNOWN"} for file in sorted(files)]


def test_a_zip_reader_reads_the_files(packed: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == FILES
        assert {entry.compress_type for entry in archive.infolist()} == {zipfile.ZIP_STORED}


class _Table(flatbuffers.table.Table):
    """Reads a table by the published slots, independently of the code under test."""

    def at(self, slot: int) -> int:
        return self.Offset(4 + 2 * slot)

    def text(self, slot: int) -> str:
        return self.String(self.Pos + self.at(slot)).decode()

    def tables(self, slot: int) -> list[_Table]:
        if not self.at(slot):
            return []
        start = self.Vector(self.at(slot))
        return [
            _Table(self.Bytes, self.Indirect(start + 4 * i)) for i in range(self.VectorLen(self.at(slot)))
        ]

    def number(self, slot: int) -> int:
        return self.Get(number_types.Int8Flags, self.Pos + self.at(slot)) if self.at(slot) else 0


def test_identifier_and_slots_are_the_schemas(packed: bytes) -> None:
    (buffer,) = _metadata_buffers(packed)
    assert buffer[4:8] == b"M001"
    model = _Table(buffer, int.from_bytes(buffer[:4], "little"))
    assert [model.text(slot) for slot in (0, 1, 2, 4, 5, 7)] == [
        "tiny",
        "Answers in three words.",
        "7",
        "someone",
        "Apache-2.0",
        "1.0.1",
    ]
    assert [(file.text(0), file.number(2)) for file in model.tables(6)] == [("settings.json", 0)]
    (subgraph,) = model.tables(3)
    inputs = {tensor.text(0): tensor.tables(6) for tensor in subgraph.tables(2)}
    assert {name: [(file.text(0), file.number(2)) for file in files] for name, files in inputs.items()} == {
        "words": [("words.txt", 5)],
        "shift": [],
    }
    (output,) = subgraph.tables(3)
    assert output.text(0) == "answer"
    assert [(file.text(0), file.number(2)) for file in output.tables(6)] == [("labels.txt", 2)]


def test_tensors_are_described_in_the_order_of_the_graph(packed: bytes) -> None:
    graph = schema.Model.GetRootAs(packed).Subgraphs(0)
    sizes_in_graph = [graph.Tensors(graph.Inputs(i)).Shape(1) for i in range(graph.InputsLength())]
    size = {"words": 4, "shift": 3}
    assert [size[tensor["name"]] for tensor in unpack(packed)[0]["inputs"]] == sizes_in_graph


def test_it_still_answers_the_same(content: bytes, packed: bytes) -> None:
    rng = np.random.default_rng(1)
    for _ in range(5):
        given = {"words": rng.normal(size=(1, 4)), "shift": rng.normal(size=(1, 3))}
        given = {name: array.astype(np.float32) for name, array in given.items()}
        before, after = (
            Interpreter(model_content=each).get_signature_runner("serve")(**given)["answer"]
            for each in (content, packed)
        )
        np.testing.assert_array_equal(after, before)
        assert np.abs(after).max() > 0


def test_it_still_answers_the_same_in_compiled_model(content: bytes, packed: bytes, tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    inputs = {"words": rng.normal(size=(3, 1, 1, 4)), "shift": rng.normal(size=(3, 1, 1, 3))}
    arrays = {f"input:{name}": array.astype(np.float32) for name, array in inputs.items()}
    np.savez(tmp_path / "in.npz", allow_pickle=False, **arrays)
    jobs = []
    for name, each in (("before", content), ("after", packed)):
        (tmp_path / name).write_bytes(each)
        files = {"model": name, "inputs": "in.npz", "outputs": f"{name}.npz"}
        jobs.append(json.dumps({key: str(tmp_path / file) for key, file in files.items()}) + "\n")
    script = [sys.executable, "-P", compiled_model.__file__]
    done = subprocess.run(
        script, input="".join(jobs), stdout=subprocess.PIPE, text=True, check=True, timeout=60
    )
    assert done.stdout == "\n\n"  # an empty line: the file ran
    before, after = (np.load(tmp_path / f"{name}.npz")["output:answer"] for name in ("before", "after"))
    np.testing.assert_array_equal(after, before)
    assert before.shape == (3, 1, 1, 3)


def test_packing_again_replaces_metadata_and_files(content: bytes, packed: bytes) -> None:
    again = pack(packed, Description("other"), {"only.json": b"{}"})
    assert unpack(again)[0]["name"] == "other"
    assert unpack(again)[1] == {"only.json": b"{}"}
    assert len(_metadata_buffers(again)) == 1
    assert again == pack(content, Description("other"), {"only.json": b"{}"})
    assert b"words.txt" not in again


def test_sizes_without_and_with_metadata(content: bytes, packed: bytes) -> None:
    both = sizes(packed)
    assert both.with_metadata == len(packed)
    assert both.without == len(strip(packed)) == len(strip(content))
    assert both.with_metadata - both.without > sum(map(len, FILES.values()))
    assert unpack(strip(packed)) == ({}, {}) == unpack(content)


def test_packing_does_not_depend_on_the_order_of_files(content: bytes, packed: bytes) -> None:
    assert pack(content, DESCRIPTION, dict(reversed(FILES.items()))) == packed


def test_weights_are_aligned(packed: bytes) -> None:
    model = schema.Model.GetRootAs(packed)
    buffers = [model.Buffers(i) for i in range(model.BuffersLength())]
    starts = [buffer._tab.Vector(buffer._tab.Offset(4)) for buffer in buffers if buffer.DataLength()]
    assert len(starts) >= 3
    assert {start % 16 for start in starts} == {0}


def test_a_file_of_another_subgraphs_tensor_is_attached_to_the_model(content: bytes) -> None:
    model = schema.Model.GetRootAs(content)
    signatures = [model.SignatureDefs(i) for i in range(model.SignatureDefsLength())]
    (other,) = (each for each in signatures if each.SubgraphIndex() != 0)
    labels = {other.Outputs(0).Name().decode(): "labels.txt"}
    metadata, _ = unpack(pack(content, Description("tiny", labels=labels), FILES))
    assert {"name": "labels.txt", "type": "TENSOR_AXIS_LABELS"} in metadata["files"]
    assert [tensor["files"] for tensor in metadata["outputs"]] == [[]]


def test_files_with_unsafe_names_are_refused(content: bytes) -> None:
    with pytest.raises(UserError, match="files: expected plain file names"):
        pack(content, Description("tiny"), {"../up": b""})


def test_unknown_files_and_outputs_are_refused(content: bytes) -> None:
    with pytest.raises(UserError, match=r"expected a name among the files \[\], got 'labels.txt'"):
        pack(content, Description("tiny", labels={"answer": "labels.txt"}), {})
    with pytest.raises(UserError, match=r"among the outputs \['answer', 'doubled'\], got 'anser'"):
        pack(content, Description("tiny", labels={"anser": "labels.txt"}), FILES)


@given(kept=st.floats(0.0, 0.9999))
@settings(max_examples=60, deadline=None)
def test_a_file_that_is_cut_short_is_refused(packed: bytes, kept: float) -> None:
    with pytest.raises(UserError):
        unpack(packed[: int(kept * len(packed))])


def test_damaged_metadata_is_refused(packed: bytes) -> None:
    at = packed.index(b"M001")
    with pytest.raises(UserError, match="TFLITE_METADATA: expected a ModelMetadata"):
        unpack(packed[:at] + b"M999" + packed[at + 4 :])
    with pytest.raises(UserError, match=r"not a \.tflite file"):
        unpack(b"PK" + packed[2:4] + b"none" + packed[8:])


def test_weights_behind_the_flatbuffer_are_refused(content: bytes) -> None:
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    model.buffers[-1].offset, model.buffers[-1].size = 4096, 16
    with pytest.raises(UserError, match="expected weights in the flatbuffer"):
        pack(flatbuffer.pack(model), Description("tiny"), {})


def test_it_reads_without_tensorflow(packed: bytes, tmp_path: Path) -> None:
    (tmp_path / "model.tflite").write_bytes(packed)
    code = (
        "import sys; sys.modules.update(tensorflow=None, keras=None)\n"
        "import json; from pathlib import Path; from pipelines.export.tflite.metadata import unpack\n"
        "print(json.dumps(sorted(unpack(Path(sys.argv[1]).read_bytes())[1])))"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "model.tflite")]
    root = Path(__file__).parents[4]
    done = subprocess.run(command, check=True, capture_output=True, cwd=root, timeout=60)
    assert json.loads(done.stdout) == sorted(FILES)
