"""Texts stay with the host: files take tokens, and the bundle says how they are made."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from pipelines.errors import UserError
from pipelines.export.any_model import export_model, load_model
from pipelines.export.keras.texts import without_texts
from pipelines.ondevice.model import Model

L = keras.layers
WORDS = ["good", "bad", "not"]
TEXTS = np.array(["A good film!", "not bad", "bad bad not", "Not GOOD"])


def chain(*layers: Any, text: str = "review", shape: tuple[int, ...] = (1,)) -> keras.Model:
    behind = [L.Embedding(6, 3, mask_zero=True), L.GRU(4), L.Dense(2, name="y")]
    return keras.Sequential([keras.Input(shape, dtype="string", name=text), *layers, *behind])


def test_a_saved_model_of_texts_becomes_files_of_tokens(tmp_path: Path) -> None:
    model = chain(L.TextVectorization(output_sequence_length=5, vocabulary=WORDS))
    model.save(tmp_path / "model.keras")
    loaded = load_model(tmp_path / "model.keras")
    report = export_model(
        loaded, tmp_path, "made", precisions=["float32", "int8"], executions=["loop"], calibration=TEXTS
    )
    bundle = report.bundle
    assert not report.left_out
    assert bundle.preprocessing["texts"] == {
        "review_tokens": {
            "of": "review",
            "layer": "TextVectorization",
            "vocabulary": "review_tokens.json",
            "standardize": "lower_and_strip_punctuation",
            "split": "whitespace",
            "ngrams": None,
            "output_sequence_length": 5,
            "encoding": "utf-8",
        }
    }
    vocabulary = json.loads((bundle.folder / "review_tokens.json").read_text())
    assert vocabulary == ["", "[UNK]", *WORDS]
    device = Model(bundle.variant_path("float32_loop.tflite"))
    tokens = np.array([[vocabulary.index("not"), vocabulary.index("bad"), 0, 0, 0]], np.int32)
    np.testing.assert_allclose(device(review_tokens=tokens)["y"], model(TEXTS[1:2, None]), atol=1e-5)


def of_letters() -> keras.Model:
    return chain(L.StringLookup(vocabulary=list("abcd")), shape=(4,))


def of_two() -> keras.Model:
    letters = keras.Input([4], dtype="string", name="letters")
    text, number = keras.Input([], dtype="string", name="text"), keras.Input([2], name="number")
    both = [
        L.GRU(3)(L.Embedding(9, 2)(L.StringLookup(vocabulary=list("abcd"))(letters))),
        L.LSTM(3)(L.Embedding(9, 2)(L.TextVectorization(vocabulary=WORDS, split="character")(text))),
    ]
    return keras.Model(
        {"l": letters, "t": text, "n": number}, {"y": L.Dense(2)(L.Concatenate()([*both, number]))}
    )


@pytest.mark.filterwarnings("ignore:When providing `inputs` as a dict")
@pytest.mark.parametrize("make", [of_letters, of_two])
def test_tokens_are_answered_as_texts(make: Callable[[], keras.Model]) -> None:
    model = make()
    letters = np.array([list("abca"), list("dxbb")])
    every = {"letters": letters, "text": TEXTS[:2], "number": np.ones([2, 2], np.float32)}
    given = letters if make is of_letters else every
    rest, host = without_texts(model)
    tokens = host.tokens(given)
    wanted = model(letters if make is of_letters else dict(zip("ltn", every.values(), strict=True)))
    got = rest([tokens[each.name] for each in rest.inputs] if isinstance(tokens, dict) else tokens)
    for one, other in zip(keras.tree.flatten(got), keras.tree.flatten(wanted), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)
    assert model.inputs[0].dtype == "string"


def test_a_model_without_texts_stays() -> None:
    model = keras.Sequential([keras.Input([3, 2]), L.GRU(2)])
    assert without_texts(model)[0] is model


def test_texts_that_no_host_could_count_are_refused() -> None:
    model = chain(L.StringLookup(vocabulary=["a"], num_oov_indices=2, name="hashed"), shape=(4,))
    with pytest.raises(UserError, match=r"review: expected texts that go into one .* found hashed$"):
        without_texts(model)
    _, host = without_texts(of_letters())
    with pytest.raises(UserError, match=r"^calibration: review: expected texts for string_lookup"):
        host.tokens({"review": np.array([[None] * 4])})
