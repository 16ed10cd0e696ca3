"""A network that reads forward tags word by word as it tags whole sentences."""

import dataclasses

import numpy as np
import pytest

from apps.tagging.config import PRESETS, TaggingConfig
from apps.tagging.embedded.entities import Writer
from apps.tagging.features import Window, make_features
from apps.tagging.model import build_model
from apps.tagging.predict import Options, predict
from apps.tagging.word_stream import WordStream
from pipelines.data.tag_schemes import Sentence
from pipelines.data.tagged_sources import tagged
from pipelines.errors import UserError
from pipelines.export.trained import RunInfo, TrainedModel, export
from pipelines.ondevice.bundle import Bundle
from pipelines.ondevice.model import Model
from pipelines.tasks.tagging import METRICS, PADDING

CONFIG = TaggingConfig(
    units=5, embedding=4, characters=3, max_length=40, decoder="softmax", bidirectional=False, lookahead=2
)
WORDS = ["Anna", "Keller", "works", "for", "Halden", "in", "Port", "Tessow"]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory) -> Bundle:
    """Return a bundle of a network with large random weights, so that its answers differ."""
    folder = tmp_path_factory.mktemp("streaming")
    writer = Writer("train")
    read = [
        Sentence(tuple(each["words"]), tuple(each["entities"]), 0)
        for each in (writer.sentence() for _ in range(60))
    ]
    features = make_features(CONFIG, tagged({"train": read}, "written", [], 1))
    model = build_model(CONFIG, features)
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(0, 1, each.shape) for each in model.get_weights()])
    inputs = features.inputs["test"]
    trained = TrainedModel(
        model=model,
        input_specs={"words": (inputs.shape[1:], "int32")},
        inputs=inputs,
        targets=features.targets["test"],
        calibration=features.inputs["train"],
        metrics=METRICS,
    )
    info = RunInfo("tagging", "run", "written", "streaming", {}, features.labels, features.preprocessing, 0.0)
    return export(
        trained,
        info,
        assets=features.assets,
        output=folder / "out",
        workspace=folder,
        precisions=["float32"],
        executions=CONFIG.executions,
    ).bundle


def test_each_word_is_tagged_as_soon_as_the_look_ahead_is_known(bundle):
    stream = WordStream(bundle)
    at_once = [stream(word) for word in WORDS]
    assert [each and each.text for each in at_once] == [None, None, *WORDS[:-2]]
    assert [each.text for each in stream.end()] == WORDS[-2:]
    assert [each.text for each in stream.of_all(["One"])] == ["One"]
    assert stream.end() == []


def test_the_stream_answers_as_the_network_on_the_whole_sentence(bundle):
    window = Window.of(bundle)
    stream = WordStream(bundle)
    whole = Model(bundle.variant_path("float32_loop.tflite"))
    for words in (WORDS, WORDS[:1], WORDS * 4):
        expected = whole.predict(window.encode(stream._reader, [words]))[0][window.answers(len(words))]
        found = np.array([each.probabilities for each in stream.of_all(words)])
        np.testing.assert_allclose(found, expected, atol=1e-5)
    assert np.ptp(expected, axis=0).max() > 0.3


def test_texts_of_any_length_are_tagged_word_by_word(bundle):
    text = " ".join(WORDS * 100)
    (answer,) = predict(bundle, [text], "float32_step.tflite", Options())
    assert answer["words"] == 800
    assert answer["spans"]
    for span in answer["spans"]:
        assert text[span["start"] : span["end"]] == span["text"]
    (empty,) = predict(bundle, [""], "float32_step.tflite", Options())
    assert empty["spans"] == []


def test_targets_are_late_by_the_look_ahead():
    window = Window(6, 2)
    targets = window.targets([("B-a", "I-a", "O", "O", "B-a"), ("O",)], ("O", "B-a", "I-a"))
    none = PADDING
    assert targets.tolist() == [
        [none, none, 1, 2, 0, 0],
        [none, none, 1, none, none, none],
        [none, none, 0, none, none, none],
    ]
    assert [window.answers(size).tolist() for size in (1, 4)] == [
        (row >= 0).tolist() for row in targets[[1, 0]]
    ]


def test_only_a_network_that_reads_forward_looks_ahead():
    assert PRESETS["streaming"].executions == ("loop", "step")
    assert PRESETS["default"].executions == ("loop",)
    for change in ({"bidirectional": True}, {"decoder": "crf"}, {"max_length": 2}):
        with pytest.raises(UserError, match="--lookahead: expected "):
            dataclasses.replace(CONFIG, **change)


def test_a_bundle_that_reads_both_directions_does_not_stream(training):
    with pytest.raises(UserError, match="expected a variant of float32 with execution step, found none"):
        WordStream(Bundle.open(training("tagging").bundle))
