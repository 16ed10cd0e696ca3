"""Composing: the draws, the device against Keras, what is kept of a melody, and the files it writes."""

import dataclasses
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import mido
import numpy as np
import pytest
import soundfile
from PIL import Image

from apps.music_generation.config import PRESETS, MusicConfig
from apps.music_generation.data import load
from apps.music_generation.features import make_features, representation_of
from apps.music_generation.generate import Composer, key_of, opening
from apps.music_generation.model import build_model
from apps.music_generation.pianoroll import PianoRoll
from apps.music_generation.predict import Options, describe, predict
from apps.music_generation.tokens import HOLD, REST, Tokens
from pipelines.data.examples import Data, Examples
from pipelines.data.midi_files import read_midi, write_midi
from pipelines.data.note_grid import notes, roll
from pipelines.errors import UserError
from pipelines.export.keras.saved_model import write_saved_model
from pipelines.export.tflite.convert import convert
from pipelines.ondevice.model import Stream
from pipelines.ondevice.sampling import Sampler
from pipelines.ondevice.step_network import StreamNetwork
from pipelines.tasks.generation_layers import KerasNetwork
from pipelines.tasks.music_sound import RATE, synthesise, wav

SMALL = MusicConfig(units=16, depth=1, embedding=8, channels=8)
KINDS = {
    "voices": SMALL,
    "frames": dataclasses.replace(SMALL, representation="pianoroll", steps_per_beat=2),
}


class Stateless:
    """A step network without a state."""

    def initial_state(self):
        return {}

    def __call__(self, step, state):
        return {"probabilities": self.probabilities(step)}, state


class Chance(Stateless):
    """Draws each key by itself: frames of independent keys."""

    def __init__(self, on):
        self.on = np.full(88, 0.0)
        self.on[list(on)] = list(on.values())

    def probabilities(self, step):
        return np.stack([1 - self.on, self.on], axis=-1)


def test_keys_are_drawn_one_after_the_other_with_their_own_probabilities():
    frames = roll(
        Composer(Chance({10: 0.5, 50: 0.25, 87: 1.0}), PianoRoll(False, 1), Sampler(), seed=0).compose(3000)
    )
    assert frames.mean(axis=0)[[10, 50, 87]] == pytest.approx([0.5, 0.25, 1.0], abs=0.03)
    assert (frames[:, 10] & frames[:, 50]).mean() == pytest.approx(0.125, abs=0.03)
    assert frames.sum(axis=0)[[0, 11, 86]].tolist() == [0, 0, 0]


@pytest.fixture(scope="module", params=KINDS)
def exported(request, tmp_path_factory):
    """A network of noise, in Keras and as a `step` file."""
    rng = np.random.default_rng(0)
    start = np.array([72, 67, 60, 48])
    walks = [start + np.cumsum(rng.integers(-2, 3, (40, 4)), axis=0) for _ in range(3)]
    splits = {
        name: Examples([walk.astype(np.int16)], np.array([40]))
        for name, walk in zip(("train", "validation", "test"), walks, strict=True)
    }
    config = KINDS[request.param]
    features = make_features(config, Data(splits, (), "walks"))
    model = build_model(config, features)
    for variable in model.weights:  # else it would say the same at every step
        if "bias" not in variable.path:
            variable.assign(2 * variable)
    folder = tmp_path_factory.mktemp(request.param)
    inputs = features.inputs["test"]
    specs = {model.inputs[0].name: (inputs.shape[1:], str(inputs.dtype))}
    write_saved_model(model, folder / "saved", specs, ["probabilities"], execution="step")
    path = folder / "float32_step.tflite"
    path.write_bytes(convert(folder / "saved", "float32", "step"))
    return SimpleNamespace(
        model=model, path=path, preprocessing=dict(features.preprocessing), kind=request.param
    )


@pytest.fixture
def bundle(exported):
    """Just enough of a bundle for composing."""
    variant = {"precision": "float32", "execution": "step", "file": "float32_step.tflite"}
    return SimpleNamespace(
        preprocessing=exported.preprocessing,
        variants=[variant],
        variant=lambda name: variant,
        with_execution=lambda name, execution: variant,
        variant_path=lambda name: exported.path,
        folder=exported.path.parent,
    )


@pytest.mark.parametrize("temperature", [0, 1])
def test_the_device_composes_what_keras_does(exported, temperature):
    """500 and more steps of the network: greedy, and by the same seed."""
    representation = representation_of(exported.preprocessing)
    steps = 130 if isinstance(representation, Tokens) else 200  # of frames, 2.5 or more steps of the network
    made = [
        Composer(network, representation, Sampler(temperature), seed=5).compose(steps)
        for network in (StreamNetwork(Stream(exported.path)), KerasNetwork(exported.model))
    ]
    np.testing.assert_array_equal(*made)
    assert len(notes(made[0])) > 20


def test_a_seed_is_a_piece(bundle, tmp_path):
    def composed(seed, name):
        options = Options(out=tmp_path / name, seconds=10, temperature=1.0, seed=seed, wav=False)
        predict(bundle, [], None, options)
        return (tmp_path / name).read_bytes()

    assert composed(1, "a.mid") == composed(1, "b.mid")
    assert composed(1, "a.mid") != composed(2, "c.mid")


def test_midi_sound_and_picture_are_of_the_length_asked_for(bundle, tmp_path):
    (answer,) = predict(bundle, [], None, Options(out=tmp_path / "it.mid", seconds=6, tempo=120))
    assert json.loads(json.dumps(answer)) == answer
    assert answer["seconds"] == 6
    assert {path.name for path in tmp_path.iterdir()} == {"it.mid", "it.wav", "it.png"}
    assert soundfile.info(tmp_path / "it.wav").duration == pytest.approx(6, abs=0.2)
    file = mido.MidiFile(tmp_path / "it.mid")
    assert mido.tempo2bpm(file.tracks[0][0].tempo) == pytest.approx(120)
    assert file.length <= 6
    with Image.open(tmp_path / "it.png") as picture:
        assert picture.size[0] >= 12
    assert "6.0 s of music" in describe(answer)
    assert "times faster than real time" in describe(answer)


def tune(path, steps_per_beat):
    piece = np.array([[72], [-72], [74], [76], [0], [77], [-77], [72]], np.int16)
    path.write_bytes(write_midi(piece, steps_per_beat, 90, ["tune"]))
    return piece


def test_harmonising_keeps_the_melody(bundle, tmp_path):
    piece = tune(tmp_path / "tune.mid", bundle.preprocessing["steps_per_beat"])
    options = Options(out=tmp_path / "it.mid", harmonise=tmp_path / "tune.mid", wav=False)
    if bundle.preprocessing["kind"] != "voices":
        with pytest.raises(
            UserError, match="--harmonise: needs a network trained on voices, got one trained on pianoroll"
        ):
            predict(bundle, [], None, options)
        return
    (answer,) = predict(bundle, [], None, options)
    assert answer["notes"] > len(notes(piece))
    file = mido.MidiFile(tmp_path / "it.mid")
    assert [track.name for track in file.tracks[1:]] == ["Soprano", "Alto", "Tenor", "Bass"]
    soprano = mido.MidiFile(ticks_per_beat=file.ticks_per_beat)
    soprano.tracks.append(file.tracks[1])
    soprano.save(tmp_path / "soprano.mid")
    kept = read_midi(tmp_path / "soprano.mid", bundle.preprocessing["steps_per_beat"]).piece
    np.testing.assert_array_equal(kept, piece)


def test_a_primer_is_gone_on_from_however_long(exported):
    representation = representation_of(exported.preprocessing)
    rng = np.random.default_rng(0)
    primer = rng.integers(50, 80, (60, 4)).astype(np.int16)
    composer = Composer(StreamNetwork(Stream(exported.path)), representation, Sampler(), seed=0)
    made = composer.compose(70, primer=primer)
    np.testing.assert_array_equal(roll(made[:60]), roll(primer))
    assert made[60:].any()
    cut = composer.compose(50, primer=primer)
    np.testing.assert_array_equal(roll(cut), roll(primer[:50]))


def test_silence_is_never_held():
    class Holds(Stateless):
        def probabilities(self, step):
            p = np.zeros(90)
            p[[HOLD, REST]] = 0.9, 0.1
            return p

    assert not Composer(Holds(), Tokens(1, 4), Sampler(0), seed=0).compose(5).any()


@pytest.mark.parametrize("voices", [1, 4])
def test_composing_shows_a_network_what_it_was_trained_on(voices):
    rng = np.random.default_rng(3)
    piece = rng.integers(40, 60, (9, voices)).astype(np.int16)
    piece[4] = -piece[3]
    piece[6, 0] = 0
    seen = []

    class Notes(Stateless):
        def probabilities(self, step):
            seen.append(step)
            return np.full(90, 1 / 90)

    representation = Tokens(voices, 4)
    made = Composer(Notes(), representation, Sampler(), seed=0).compose(len(piece), primer=piece)
    assert made.tolist() == piece.tolist()
    assert np.array(seen).tolist() == representation.encode(piece)[0].tolist()


@pytest.mark.parametrize(
    ("key", "chord"), [("C", [72, 67, 64, 48]), ("a", [69, 64, 60, 45]), ("Bb", [70, 65, 62, 46])]
)
def test_a_piece_in_a_key_begins_with_its_tonic_chord(key, chord):
    assert opening(key, Tokens(4, 4)).tolist() == [chord]
    assert opening(key, Tokens(1, 4)).tolist() == [chord[:1]]
    assert key_of(np.array([chord] * 3 + [[chord[0], chord[1], chord[2], chord[1]]])) == key
    with pytest.raises(UserError, match="--key: expected a key such as C"):
        opening("H", Tokens(4, 4))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"seconds": 0}, "--seconds: expected above 0"),
        ({"tempo": 0}, "--tempo: expected 10 to 400"),
        ({"temperature": -1}, "--temperature"),
        ({"temperature": float("nan")}, "--temperature"),
        ({"top_k": 0}, "--top-k: expected at least 1"),
        ({"top_p": 0}, "--top-p: expected above 0"),
        ({"seed": -1}, "--seed: expected 0 or more"),
        ({"out": Path("piece.wav")}, "--out: expected a name that ends in .mid, got 'piece.wav'"),
        ({"key": "C", "primer": "x.mid"}, "only one of --primer, --key, --harmonise, got --primer and --key"),
    ],
)
def test_options_out_of_range(given, said):
    with pytest.raises(UserError, match=said):
        Options(**given)


def test_without_mido_training_and_composing_fail_at_the_start(monkeypatch):
    monkeypatch.setitem(sys.modules, "mido", None)
    with pytest.raises(ModuleNotFoundError, match="mido"):
        load(PRESETS["smoke"])
    with pytest.raises(ModuleNotFoundError, match="mido"):
        predict(None, [])


def test_a_note_sounds_at_its_pitch():
    sound = synthesise(np.array([[69], *[[-69]] * 9], np.int16), 0.1)
    strengths = np.abs(np.fft.rfft(sound[:RATE]))
    assert np.argmax(strengths) == pytest.approx(440, abs=1)
    assert 0.5 < np.abs(sound).max() <= 1
    assert not synthesise(np.zeros((4, 1), np.int16), 0.1).any()
    assert wav(sound)[:4] == b"RIFF"
