"""Finding a sentence: beam search against every sentence there is, the draws, and what `predict` writes."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from apps.image_captioning.captions import END
from apps.image_captioning.decoding import OnDevice, Sentence, beam_search, sample
from apps.image_captioning.features import encode, load_vocabulary
from apps.image_captioning.picture import panels
from apps.image_captioning.predict import Options, describe, predict
from pipelines.errors import UserError
from pipelines.ondevice.bundle import Bundle
from pipelines.ondevice.model import Model
from pipelines.ondevice.sampling import Sampler

WORDS, START, LONGEST = 3, 5, 4


class Table:
    """A decoder whose words depend on all words before, by lot."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def initial_state(self) -> dict:
        return {"before": ()}

    def __call__(self, token: int, state: dict) -> tuple:
        before = (*state["before"], token)
        scores = np.random.default_rng([self._seed, *before]).normal(0, 2, WORDS + 1)
        return scores - np.log(np.exp(scores).sum()), np.full(4, 0.25), {"before": before}


def every_sentence(decoder: Table) -> dict[tuple[int, ...], float]:
    """Return the log-probability of each sentence of up to LONGEST words."""
    found = {}
    for length in range(LONGEST + 1):
        for said in itertools.product(range(1, WORDS + 1), repeat=length):
            total, state, token = 0.0, decoder.initial_state(), START
            for word in (*said, END)[:LONGEST]:
                log_probabilities, _, state = decoder(token, state)
                total, token = total + log_probabilities[word], word
            found[said] = total
    return found


def greedily(decoder: Table) -> Sentence:
    words, total, token, state = [], 0.0, START, decoder.initial_state()
    for _ in range(LONGEST):
        log_probabilities, _, state = decoder(token, state)
        token = int(np.argmax(log_probabilities))
        total += log_probabilities[token]
        if token == END:
            return Sentence(tuple(words), total, finished=True)
        words.append(token)
    return Sentence(tuple(words), total)


seeds = st.integers(0, 10**6)


@given(seeds)
@settings(max_examples=30, deadline=None)
def test_a_wide_beam_finds_the_most_probable_sentence(seed: int) -> None:
    decoder = Table(seed)
    sentences = every_sentence(decoder)
    found = beam_search(decoder, START, LONGEST, beams=(WORDS + 1) ** LONGEST)
    assert found.words == max(sentences, key=lambda words: sentences[words])
    assert found.log_probability == pytest.approx(max(sentences.values()))
    assert len(found.attention) == len(found.words)


@given(seeds, st.integers(1, 4), st.sampled_from([0.0, 0.7, 1.0, 2.0]))
@settings(max_examples=100, deadline=None)
def test_beam_search_never_scores_below_greedy(seed: int, beams: int, length_penalty: float) -> None:
    decoder = Table(seed)
    greedy = greedily(decoder)
    found = beam_search(decoder, START, LONGEST, beams, length_penalty)
    assert found.score(length_penalty) >= greedy.score(length_penalty) - 1e-9
    if beams == 1:
        assert found.words == greedy.words
        assert found.log_probability == pytest.approx(greedy.log_probability)


def test_a_length_penalty_favours_longer_sentences() -> None:
    short, long = Sentence((1,), -2.0, finished=True), Sentence((1, 2, 3), -3.0, finished=True)
    assert short.score(0.0) > long.score(0.0)
    assert long.score(1.0) == -0.75
    assert short.score(1.0) == -1.0


@given(seeds, st.integers(1, 3), st.integers(1, 3))
@settings(max_examples=60, deadline=None)
def test_no_run_of_words_comes_twice_where_none_may(seed: int, beams: int, n: int) -> None:
    words = beam_search(Table(seed), START, 12, beams, no_repeat_ngram=n).words
    runs = [words[i : i + n] for i in range(len(words) - n + 1)]
    assert len(set(runs)) == len(runs)


def test_draws_repeat_by_seed_and_follow_the_probabilities() -> None:
    decoder = Table(7)
    sentences = every_sentence(decoder)
    rng = np.random.default_rng(0)
    drawn = [sample(decoder, START, LONGEST, Sampler(), rng) for _ in range(2000)]
    commonest = max(sentences, key=lambda words: sentences[words])
    share = np.mean([sentence.words == commonest for sentence in drawn])
    assert share == pytest.approx(np.exp(sentences[commonest]), abs=0.03)
    assert all(s.log_probability == pytest.approx(sentences[s.words]) for s in drawn[:50])
    again = sample(decoder, START, LONGEST, Sampler(), np.random.default_rng(0))
    assert again.words == drawn[0].words
    coldest = sample(decoder, START, LONGEST, Sampler(temperature=0), np.random.default_rng(3))
    assert coldest.words == greedily(decoder).words


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
    decoder, vocabulary = OnDevice(bundle, precision), load_vocabulary(bundle)
    for image, expected in zip(images, whole, strict=True):
        decoder.look(image)
        sentence = beam_search(decoder, vocabulary.start, bundle.preprocessing["max_words"], beams=1)
        if precision == "float32":  # the integer graphs have ranges of their own
            assert list(sentence.words) == [word for word in expected if word != END]
            assert all(weights.sum() == pytest.approx(1, abs=1e-4) for weights in sentence.attention)
        assert np.isfinite(sentence.log_probability)
        assert len(sentence.attention) == len(sentence.words) > 0


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
    with pytest.raises(UserError, match="expected a picture"):
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
