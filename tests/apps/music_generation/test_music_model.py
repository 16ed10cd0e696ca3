"""The networks of the music app: what they may see, what their loss is, how they stream."""

import dataclasses

import keras
import numpy as np
import pytest

import layers
from apps.music_generation.config import PRESETS, MusicConfig
from apps.music_generation.features import PADDING, Transpose, make_features
from apps.music_generation.key_convolution import KeyConvolution
from apps.music_generation.metrics import baselines
from apps.music_generation.model import build_model
from apps.music_generation.pianoroll import PianoRoll
from pipelines.data.examples import Data, Examples
from pipelines.errors import UserError
from pipelines.tasks.generation import nll
from pipelines.tasks.generation_layers import Columns, RecentAttention
from pipelines.tasks.generation_losses import NegativeLogLikelihood

SMALL = MusicConfig(units=6, depth=2, embedding=4, channels=3, attention=3)
KINDS = {
    "voices": dataclasses.replace(SMALL, representation="voices"),
    "melody": dataclasses.replace(SMALL, representation="melody"),
    "independent": dataclasses.replace(SMALL, representation="pianoroll", keys="independent"),
    "autoregressive": dataclasses.replace(SMALL, representation="pianoroll", keys="autoregressive"),
}


def split(seed, lengths):
    rng = np.random.default_rng(seed)
    return Examples(
        [rng.integers(50, 80, (steps, 4)).astype(np.int16) for steps in lengths], np.array(lengths, np.int64)
    )


@pytest.fixture(scope="module")
def data():
    splits = {"train": split(0, [9, 40]), "validation": split(1, [5]), "test": split(2, [12, 7])}
    return Data(splits, (), "noise")


@pytest.mark.parametrize("kind", KINDS)
def test_the_loss_is_the_metric_of_a_batch(data, kind):
    features = make_features(KINDS[kind], data)
    model = build_model(KINDS[kind], features)
    inputs, targets = features.inputs["test"], features.targets["test"]
    outputs = model(inputs)
    np.testing.assert_allclose(outputs.numpy().sum(axis=-1), 1, rtol=1e-5)
    assert float(NegativeLogLikelihood()(targets, outputs)) == pytest.approx(
        nll(outputs.numpy(), targets), rel=1e-5
    )


def test_features_are_padded_cut_and_counted(data):
    features = make_features(dataclasses.replace(KINDS["voices"], max_steps=32), data)
    assert features.inputs["train"].shape == (2, 32, 15)
    assert features.inputs["train"].dtype == np.int32
    assert features.counts["cut.train"] == 2  # 36 and 160 tokens
    assert features.counts["cut.test"] == 1  # 48 tokens, and 28
    assert (features.targets["test"][1] == PADDING).sum() == 4
    assert features.lengths["train"].tolist() == [32, 32]
    whole = make_features(KINDS["autoregressive"], data)
    assert whole.inputs["train"].shape == (2, 40, 176)
    assert (whole.targets["train"][0, 9:] == PADDING).all()


def test_voices_wants_four_voices(data):
    two = dataclasses.replace(data, splits=data.splits | {"test": Examples([np.ones((3, 2))], np.zeros(1))})
    with pytest.raises(UserError, match="a piece: expected 4 voices, each one note at a time, got 2"):
        make_features(KINDS["voices"], two)


def test_augmentation_moves_by_at_most_so_much_and_never_off_the_keyboard():
    representation = PianoRoll(False, 1)
    piece = np.array([[105, 30], [108, 40]], np.int16)
    inputs, targets = (part[None] for part in representation.encode(piece))
    seen = set()
    for seed in range(60):
        _, moved = Transpose(representation, 6)(inputs, targets, np.random.default_rng(seed))
        assert moved.sum() == targets.sum()
        seen.add(int(np.flatnonzero(moved[0, 0])[0]) - 9)
    assert seen == set(range(-6, 1))
    assert targets[0, 0].tolist() == representation.encode(piece)[1][0].tolist()


def test_simple_models_by_hand():
    """One key sounds in 2 of 4 training frames, and in all of the test: (2 + 1) / (4 + 2), others 1/6."""
    pieces = [np.array([[60], [60], [0], [0]], np.int16)], [np.array([[60], [-60]], np.int16)]
    train, test = (Examples(some, np.zeros(len(some))) for some in pieces)
    data = Data({"train": train, "validation": test, "test": test}, (), "tiny")
    found = baselines(KINDS["independent"], data, None, None)
    assert found["uniform"]["test"] == pytest.approx(88 * np.log(2))
    assert found["independent"]["test"] == pytest.approx(np.log(2) + 87 * np.log(6 / 5), rel=1e-3)
    assert found["repeat"]["test"] < found["uniform"]["test"]


def test_a_uniform_network_scores_as_the_uniform_baseline(data):
    features = make_features(KINDS["independent"], data)
    outputs = np.full((*features.targets["test"].shape, 2), 0.5)
    expected = baselines(KINDS["independent"], data, None, None)["uniform"]["test"]
    assert nll(outputs, features.targets["test"]) == pytest.approx(expected)


def test_keys_are_given_the_lower_keys_of_their_frame_and_the_frames_before(data):
    config = dataclasses.replace(KINDS["autoregressive"], channels=16)
    features = make_features(config, data)
    model = build_model(config, features)
    for variable in model.weights:
        variable.assign(np.random.default_rng(1).normal(0, 0.3, variable.shape))
    inputs = features.inputs["test"][:1, :8].copy()
    before = model(inputs).numpy()
    inputs[0, 3, 88 + 40] = 1 - inputs[0, 3, 88 + 40]
    changed = np.abs(model(inputs).numpy() - before).max(axis=(0, 3)) > 1e-7
    assert not changed[3, :41].any()
    assert changed[3, 41:].mean() > 0.9  # of a few keys all hidden units may be off
    assert not np.delete(changed, 3, axis=0).any()
    inputs = features.inputs["test"][:1, :8].copy()
    inputs[0, 3, 40] = 1 - inputs[0, 3, 40]  # the frame before the fourth
    changed = np.abs(model(inputs).numpy() - before).max(axis=(0, 2, 3)) > 1e-7
    assert changed.tolist() == [False] * 3 + [True] * 5


@pytest.mark.parametrize("below", [False, True])
def test_key_convolution_by_its_equation(below):
    rng = np.random.default_rng(0)
    layer, frames = KeyConvolution(3, 4, below), rng.normal(size=(2, 5, 10)).astype(np.float32)
    layer.build(frames.shape)
    layer.bias.assign([1, 2, 3])
    found = layer(frames).numpy()
    kernel = layer.kernel.numpy()[0, :, 0]
    offsets = range(-4, 0) if below else range(-4, 5)
    expected = np.tile([1.0, 2.0, 3.0], (2, 5, 10, 1))
    for key in range(10):
        for offset, weights in zip(offsets, kernel, strict=True):
            if 0 <= key + offset < 10:
                expected[:, :, key] += frames[:, :, key + offset, None] * weights
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert layer.compute_output_shape(frames.shape) == found.shape


@pytest.mark.parametrize("kind", KINDS)
def test_step_by_step_is_the_whole_sequence(data, kind):
    features = make_features(KINDS[kind], data)
    model = build_model(KINDS[kind], features)
    inputs = features.inputs["test"][:, :12]
    whole = model(inputs).numpy()
    one_step = layers.OneStep(model)
    assert any(name.startswith("attention") for name in one_step.states)
    states = one_step.initial_states(len(inputs))
    for t in range(inputs.shape[1]):
        outputs, states = one_step(inputs[:, t : t + 1], states)
        np.testing.assert_allclose(outputs[:, 0], whole[:, t], atol=1e-5)


@pytest.mark.parametrize("kind", ["voices", "autoregressive"])
def test_a_network_is_stored_and_loaded(data, kind, tmp_path):
    features = make_features(KINDS[kind], data)
    model = build_model(KINDS[kind], features)
    model.save(tmp_path / "it.keras")
    loaded = keras.models.load_model(tmp_path / "it.keras")
    some = features.inputs["test"][:, :9]
    np.testing.assert_allclose(loaded(some), model(some), atol=1e-6)
    for layer in (Columns(1, 2, True), KeyConvolution(2, 3, True), RecentAttention(2, 3)):
        assert type(layer).from_config(layer.get_config()).get_config() == layer.get_config()


@pytest.mark.parametrize("cell", ["simple_rnn", "lstm", "gru"])
def test_every_cell_learns_a_little(data, cell):
    config = dataclasses.replace(KINDS["independent"], cell=cell, depth=1, attention=0, dropout=0.0)
    features = make_features(config, data)
    model = build_model(config, features)
    model.compile(keras.optimizers.Adam(1e-2), NegativeLogLikelihood())
    inputs, targets = features.inputs["train"], features.targets["train"]
    with layers.execution("loop"):  # the fast ones are compiled first
        losses = [float(model.train_on_batch(inputs, targets)) for _ in range(6)]
    assert losses[-1] < losses[0]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("transpose", 13),
        ("steps_per_beat", 7),
        ("attention", -1),
        ("max_steps", 0),
        ("units", 0),
        ("dropout", 1.0),
    ],
)
def test_settings_out_of_range(name, value):
    with pytest.raises(UserError, match=f"--{name.replace('_', '-')}: expected .*, got {value}"):
        dataclasses.replace(PRESETS["default"], **{name: value})
