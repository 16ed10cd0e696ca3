"""The folder is written completely or not at all, and never over other files."""

from __future__ import annotations

from pathlib import Path

import pytest
import tensorflow as tf
from reference.micro_models import macros

from pipelines.errors import UserError
from pipelines.export.micro.write import write_micro
from pipelines.export.tflite.flatbuffer import pack, parse


@pytest.mark.parametrize("name", ["", "Tiny", "2tiny", "a-b", "../tiny", "a b", "x" * 51])
def test_names_that_are_no_c_names_are_refused(content: bytes, name: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="expected lower-case letters"):
        write_micro(content, tmp_path, name)


def test_the_same_model_gives_the_same_files(content: bytes, tmp_path: Path) -> None:
    first, second = (write_micro(content, tmp_path / each, "tiny") for each in ("a", "b"))
    files = sorted(path.name for path in first.folder.iterdir())
    assert files == ["tiny.c", "tiny.h", "tiny.tflite", "tiny_ops.h", "tiny_ops.txt"]
    for file in files:
        assert (first.folder / file).read_bytes() == (second.folder / file).read_bytes()
    again = write_micro(first.content, tmp_path / "c", "tiny")
    assert again.content == first.content


def test_writing_again_replaces_and_other_files_are_left_alone(
    content: bytes, step: bytes, tmp_path: Path
) -> None:
    write_micro(content, tmp_path, "tiny")
    micro = write_micro(step, tmp_path, "tiny")
    assert (micro.folder / "tiny.tflite").read_bytes() == micro.content
    assert [path.name for path in tmp_path.iterdir()] == ["tiny"]
    (micro.folder / "mine.c").write_text("int x;")
    with pytest.raises(UserError, match=r"found other files: \['mine\.c'\]"):
        write_micro(content, tmp_path, "tiny")
    assert (micro.folder / "tiny.tflite").read_bytes() == micro.content


def test_a_full_disk_leaves_what_was_there(
    content: bytes, step: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = write_micro(step, tmp_path, "tiny").content

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(UserError, match="No space left on device"):
        write_micro(content, tmp_path, "tiny")
    assert (tmp_path / "tiny" / "tiny.tflite").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["tiny"]


class _TwoStates(tf.Module):
    """Two states; the answer is one of them, too."""

    names = ("rnn_h", "other_h")

    @tf.function(
        input_signature=[
            {"x": tf.TensorSpec((1, 3), name="x")} | {n: tf.TensorSpec((1, 3), name=n) for n in names}
        ]
    )
    def one_step(self, given: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        first = tf.tanh(given["x"] + given["rnn_h"])
        return {"y": first, "rnn_h": first, "other_h": first + given["other_h"]}

    @tf.function(input_signature=[])
    def start(self) -> dict[str, tf.Tensor]:
        return {name: tf.fill((1, 3), 0.25) for name in self.names}


def test_states_of_one_name_get_numbers_and_an_answer_may_be_a_state(tmp_path: Path) -> None:
    module = _TwoStates()
    tf.saved_model.save(module, str(tmp_path / "saved"), {"init": module.start, "step": module.one_step})
    converter = tf.lite.TFLiteConverter.from_saved_model(
        str(tmp_path / "saved"), signature_keys=["init", "step"]
    )
    model = parse(converter.convert())
    for signature in model.signatureDefs:
        for each in (*(signature.inputs or ()), *signature.outputs):
            each.name = b"RNN-h" if each.name == b"other_h" else each.name  # the same C identifier
    micro = write_micro(pack(model), tmp_path / "made", "tiny", allow_float=True)
    found = macros(micro)
    for kind in ("INPUT", "OUTPUT"):
        assert {f"{kind}_RNN_H_INDEX", f"{kind}_RNN_H_2_INDEX"} <= found.keys()
    assert "OUTPUT_Y_INDEX" in found
    assert {"RNN_H_COPIES", "RNN_H_2_COPIES"} <= found.keys()
