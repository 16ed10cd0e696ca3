"""Captions of a bundle: word by word against the whole graph, and what `predict` writes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from apps.image_captioning.features import encode
from apps.image_captioning.predict import Captioner, Options, attention_of, describe, predict
from pipelines.errors import UserError
from pipelines.ondevice.bundle import Bundle
from pipelines.ondevice.model import Model
from pipelines.ondevice.vocabulary import END
from pipelines.tasks.generation_attention import panels


def test_the_picture_has_a_panel_for_each_word_bright_where_it_looked() -> None:
    image = np.full((8, 8, 3), 200, np.uint8)
    corner, everywhere = np.array([1.0, 0, 0, 0]), np.full(4, 0.25)
    sheet = np.asarray(panels(image, ["a", "dog"], [corner, everywhere], across=2)).astype(int)
    side = sheet.shape[1] // 2
    plain, first, second = sheet[:side, :side], sheet[:side, side:], sheet[side + 22 : 2 * side + 22, :side]
    assert (plain == 200).all()
    assert (second == 200).all()
    assert first[5, 5].min() > 190
    assert first[-5, -5].max() < 60


# On the device, with the bundle of the `smoke` preset.


@pytest.fixture(scope="module")
def bundle(training) -> Bundle:
    return Bundle.open(training("image_captioning").bundle)


@pytest.fixture(scope="module")
def images(bundle: Bundle) -> np.ndarray:
    size = bundle.preprocessing["image_size"]
    return np.random.default_rng(0).integers(0, 256, (5, size, size, 3), np.uint8)


@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_word_by_word_says_what_the_whole_graph_says(
    bundle: Bundle, images: np.ndarray, precision: str
) -> None:
    whole = Model(bundle.variant_path(precision)).predict(images)
    captioner = Captioner(bundle, precision, Options(beams=1))
    for image, expected in zip(images, whole, strict=True):
        caption = captioner(image)
        if precision == "float32":  # the integer graphs have ranges of their own
            assert list(caption.tokens) == [word for word in expected if word != END]
            assert all(weights.sum() == pytest.approx(1, abs=1e-4) for weights in attention_of(caption))
        assert np.isfinite(caption.log_probability)
        assert len(attention_of(caption)) == len(caption.tokens) > 0


def test_a_file_gets_a_caption_and_a_picture(bundle: Bundle, images: np.ndarray, tmp_path: Path) -> None:
    file = tmp_path / "photo.png"
    Image.fromarray(images[0]).resize((90, 60)).save(file)
    (answer,) = predict(bundle, [str(file)], "int8", Options(out=tmp_path))
    assert json.loads(json.dumps(answer)) == answer
    assert answer["picture"] == str(tmp_path / "photo_caption.png")
    with Image.open(answer["picture"]) as picture:
        assert picture.width % 160 == 0
    assert describe(answer).startswith(f"{file}: ")
    (plain,) = predict(bundle, [file], None, Options(out=tmp_path, picture=False))
    assert "picture" not in plain
    drawn = [next(predict(bundle, [images[0]], None, Options(temperature=1.0, seed=4))) for _ in range(2)]
    assert drawn[0] == drawn[1]


def test_pictures_that_cannot_be_read_are_refused(bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("no picture")
    for name in ("text.png", "missing.png"):
        with pytest.raises(UserError, match=name):
            list(predict(bundle, [tmp_path / name], None, Options(picture=False)))
    with pytest.raises(UserError, match="expected an image file"):
        list(predict(bundle, [], None, Options()))
    with pytest.raises(ValueError, match=r"expected a file, or uint8"):
        encode(bundle, [np.zeros((2, 2, 3))])


@pytest.mark.parametrize("option", ["beams", "length_penalty", "top_k", "top_p", "temperature", "seed"])
def test_options_out_of_range_are_refused(option: str) -> None:
    with pytest.raises(UserError, match=f"--{option.replace('_', '-')}: expected"):
        Options(**{option: -1})


def test_parts_are_in_the_bundle_in_every_precision(bundle: Bundle) -> None:
    precisions = {variant["precision"] for variant in bundle.variants}
    assert {(part["part"], part["precision"]) for part in bundle.parts} == {
        (name, precision) for name in ("encode", "decode") for precision in precisions
    }
    assert bundle.part_path("encode", "int8").name == "int8_encode.tflite"
    with pytest.raises(UserError, match=r"no part 'listen' in int8: expected one of float32_encode\.tflite"):
        bundle.part_path("listen", "int8")
    total = sum(
        record["bytes"] for record in (*bundle.variants, *bundle.parts) if record["precision"] == "int8"
    )
    assert total < 5_000_000
