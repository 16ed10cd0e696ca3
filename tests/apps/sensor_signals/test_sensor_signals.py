"""The sensor signal app: augmentation, networks, streams, and recordings that nobody expects."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from apps.sensor_signals import APP
from apps.sensor_signals.augment import Augment
from apps.sensor_signals.config import SensorConfig
from apps.sensor_signals.data import load
from apps.sensor_signals.features import encode, make_features, stretches_of
from apps.sensor_signals.metrics import baselines
from apps.sensor_signals.predict import Finder, Options, describe, predict
from pipelines.app import SHIPPED, folder_of
from pipelines.data.windows import UNSCORED
from pipelines.errors import UserError
from pipelines.ondevice.bundle import Bundle
from pipelines.ondevice.model import Model, Stream
from pipelines.tasks.events import EventOptions, Listener

CHANNELS = ("ax [g]", "ay [g]", "az [g]", "wx", "wy", "wz", "heat")
PLAIN = SensorConfig(scale=0, jitter=0, warp=0, lead_in=0)
RNG = np.random.default_rng(0)


def windows(count: int = 3, steps: int = 10, packet: int = 2) -> np.ndarray:
    return RNG.standard_normal((count, steps, packet * len(CHANNELS)), np.float32)


def augmented(config: SensorConfig, x: np.ndarray, targets: np.ndarray | None = None) -> np.ndarray:
    change = Augment(config, CHANNELS, np.ones(len(CHANNELS)))
    return change(x, np.arange(len(x)) if targets is None else targets, np.random.default_rng(0))[0]


def test_without_any_augmentation_windows_stay_as_they_are():
    x = windows()
    np.testing.assert_allclose(augmented(PLAIN, x), x, atol=1e-6)


def test_a_turned_sensor_keeps_its_length_and_other_channels_stay():
    x = windows()
    turned = augmented(dataclasses.replace(PLAIN, rotation=90), x)
    before, after = (each.reshape(3, 20, 7) for each in (x, turned))
    assert np.abs(before[..., :6] - after[..., :6]).mean() > 0.1
    for axes in (slice(0, 3), slice(3, 6)):
        np.testing.assert_allclose(
            *(np.linalg.norm(e[..., axes], axis=-1) for e in (before, after)), rtol=1e-4
        )
    np.testing.assert_array_equal(before[..., 6], after[..., 6])


def test_each_window_has_a_filter_of_its_own_which_is_the_same_everywhere_in_it():
    impulses = np.zeros((2, 40, 7), np.float32)
    impulses[:, [10, 30]] = 1
    changed = augmented(dataclasses.replace(PLAIN, coloring=0.5), impulses.reshape(2, 20, 14))
    first, second = changed.reshape(2, 40, 7)
    for each in (first, second):
        np.testing.assert_allclose(each[5:16], each[25:36], atol=1e-6)
        np.testing.assert_allclose(each[10], each[10, :1].repeat(7), atol=1e-6)
        assert not each[[5, 15]].any()
        assert each[6:15].all()
    assert np.abs(first - second).max() > 0.1


def test_a_window_before_leaves_the_window_at_the_end():
    x = windows()
    longer = augmented(dataclasses.replace(PLAIN, lead_in=1.0), x)
    assert longer.shape == (3, 20, 14)
    np.testing.assert_allclose(longer[:, 10:], x, atol=1e-6)
    config = dataclasses.replace(PLAIN, answer="sample", lead_in=1.0)
    np.testing.assert_allclose(augmented(config, x, np.zeros((3, 10), int)), x, atol=1e-6)


def test_targets_of_steps_move_with_what_they_are_for():
    """The signal says at which sample an event is; its target comes two steps later."""
    config = dataclasses.replace(PLAIN, answer="sample", warp=0.3, packet=4)
    steps, event, delay = 60, 20, 2
    signal = np.zeros((50, steps * 4, 1), np.float32)
    signal[:, event * 4 : event * 4 + 4] = 1
    targets = np.zeros((50, steps), np.int64)
    targets[:, event + delay - 1 : event + delay + 2] = 1
    augment = Augment(config, ["x"], np.ones(1), delay)
    moved, changed = augment(signal.reshape(50, steps, 4), targets, np.random.default_rng(0))
    places = moved.reshape(50, -1).argmax(axis=1) / 4
    found = np.array([np.flatnonzero(row == 1).mean() for row in changed])
    assert np.ptp(found) > 3
    assert np.abs(found - delay - places).max() <= 1.5
    assert ((changed == 0) | (changed == 1) | (changed == UNSCORED)).all()
    assert (changed == UNSCORED).any()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"attention": True, "answer": "sample"}, "--attention: expected False unless"),
        ({"delay": 0.6, "answer": "sample"}, "--delay: expected 0 to 0.5, got 0.6"),
        ({"answer": "events"}, "--labels: expected the events to find"),
        ({"answer": "sample", "class_weights": "balanced"}, "--class-weights: expected none unless"),
        ({"window": 0.0}, "--window: expected above 0"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(changes, said):
    with pytest.raises(UserError, match=said):
        SensorConfig(**changes)


def write_folder(folder: Path, people: int = 4, rate: float = 20.0, **changes) -> None:
    """Write three-channel recordings of people who rest and shake."""
    rows = ["file,subject"]
    for n in range(people):
        signal = 0.1 * RNG.standard_normal((200, 3))
        signal[100:] += np.sin(np.arange(100))[:, None]
        arrays = {"signal": signal, "rate": rate, "label": ["rest"] * 100 + ["shake"] * 100}
        np.savez(folder / f"{n}.npz", **(arrays | changes))
        rows.append(f"{n}.npz,p{n}")
    (folder / "recordings.csv").write_text("\n".join(rows))


def test_recordings_of_people_become_windows_by_person_at_the_rate_asked_for(tmp_path):
    write_folder(tmp_path)
    config = SensorConfig(dataset=str(tmp_path), rate=10.0, window=1.0, hop=0.5)
    data = load(config)
    assert data.labels == ("rest", "shake")
    assert data.splits["train"].inputs[0].shape == (10, 3)
    assert f"{tmp_path.name}: 4 recordings resampled from 20 Hz to 10 Hz" in data.notes
    people = [{each.subject for each in data.whole[split]} for split in ("train", "validation", "test")]
    assert sum(map(len, people)) == len(set.union(*people)) == 4
    found = baselines(config, data)
    assert found["majority"]["test"] < 0.5 < found["forest"]["test"]
    assert load(dataclasses.replace(config, labels=("shake", "rest"))).labels == ("shake", "rest")
    scored = load(dataclasses.replace(config, labels=("shake", "rest", "run")), as_given=True)
    assert scored.labels == ("shake", "rest", "run")
    assert scored.counts == {"test": 4 * 18}


@pytest.mark.parametrize("changes", [{}, {"context": 1.9}, {"packet": 1, "window": 0.1, "hop": 1.0}])
def test_simple_methods_answer_at_every_sample_of_windows_of_any_length(tmp_path, changes):
    write_folder(tmp_path)
    config = SensorConfig(dataset=str(tmp_path), answer="sample", **changes)
    found = baselines(config, load(config))
    assert found["majority"]["test"] < 0.5 < found["forest"]["test"]


def test_a_stuck_channel_is_named_and_does_not_break_the_network(tmp_path):
    signal = RNG.standard_normal((200, 3))
    signal[:, 1] = 7
    write_folder(tmp_path, signal=signal)
    config = SensorConfig(dataset=str(tmp_path), window=1.0, units=3)
    data = load(config)
    assert "0.npz: channel_2 never changes: a stuck sensor?" in data.notes
    features = make_features(config, data)
    assert features.preprocessing["deviation"][1] == 1
    outputs = APP.build(config, features)(features.inputs["test"][:2])
    assert np.isfinite(np.asarray(outputs)).all()


def test_data_that_cannot_be_used_is_refused_in_one_line(tmp_path):
    config = SensorConfig(dataset=str(tmp_path), window=1.0)
    write_folder(tmp_path)
    for changes, said in (
        ({"labels": ("rest", "run")}, "--labels: .* has rest, shake; got 'run'"),
        ({"window": 60.0}, "train: no window of 60 s has one of the labels"),
        ({"window": 0.1}, "--window: expected more than one packet"),
        ({"channels": ("heat",)}, "expected a channel 'heat', the channels are channel_1"),
        (
            {"answer": "events", "labels": ("rest",), "delay": 0.4, "packet": 4},
            r"--delay: expected at most 0.5 s together with the rest of a packet \(.* 0.15 s\), got 0.4",
        ),
    ):
        with pytest.raises(UserError, match=said):
            load(dataclasses.replace(config, **changes))
    write_folder(tmp_path, label=[""] * 200)
    with pytest.raises(UserError, match="expected at least two labels, found none"):
        load(config)


# On the device


@pytest.fixture(scope="module")
def bundle(training) -> Bundle:
    return Bundle.open(training("sensor_signals").bundle)


def test_pieces_of_any_size_give_what_the_whole_gives(bundle):
    signal = RNG.standard_normal((101, 6)).astype(np.float32)
    whole = np.array(list(Listener(bundle, None, EventOptions()).posteriors(signal)))
    listener = Listener(bundle, None, EventOptions())
    pieces = [p for sample in signal for p in listener.posteriors(sample[None])]
    np.testing.assert_array_equal(np.array(pieces), whole)
    assert len(whole) == 101 // bundle.preprocessing["packet"]


def test_the_streaming_file_ends_where_the_file_for_whole_windows_does(bundle):
    window = encode(bundle, [RNG.standard_normal((100, 6))])
    whole = Model(bundle.variant_path("float32_loop.tflite")).predict(window)
    streamed = Stream(bundle.variant_path("float32_step.tflite")).predict(window)
    np.testing.assert_allclose(streamed, whole, atol=1e-5)
    sliding = Finder(bundle, "float32_loop.tflite", Options(enter=0.1, leave=0.9))
    assert sliding(*stretches_of(bundle, RNG.standard_normal((300, 6))))


def test_recordings_are_answered_with_segments_and_written_to_a_table(bundle, tmp_path):
    channels = [channel.partition("[")[0].strip() for channel in bundle.preprocessing["channels"]]
    signal = RNG.standard_normal((200, 6))
    np.savez(tmp_path / "a.npz", signal=signal, rate=25.0, channels=channels)
    out, options = tmp_path / "heard.csv", Options(enter=0.1, out=tmp_path / "heard.csv")
    answers = list(predict(bundle, [str(tmp_path / "a.npz"), signal], None, options))
    assert [round(answer["seconds"]) for answer in answers] == [8, 4]
    assert json.loads(json.dumps(answers)) == answers
    assert "times faster than real time" in describe(answers[0])
    lines = out.read_text().splitlines()
    assert lines[0] == "file,start,end,label"
    assert len(lines) == 1 + sum(len(answer["segments"]) for answer in answers)
    with pytest.raises(UserError, match="expected a recording"):
        list(predict(bundle, [], None, Options()))
    with pytest.raises(UserError, match="expected samples of 6 channels"):
        stretches_of(bundle, np.ones((5, 2)))
    np.savez(tmp_path / "b.npz", signal=np.full((9, 6), np.nan), rate=25.0, channels=channels)
    with pytest.raises(UserError, match="expected numbers, found none"):
        stretches_of(bundle, tmp_path / "b.npz")


def test_every_stretch_between_gaps_is_read_from_a_fresh_state_at_its_time(bundle, tmp_path):
    rate = bundle.preprocessing["sample_rate"]
    channels = [channel.partition("[")[0].strip() for channel in bundle.preprocessing["channels"]]
    signal = RNG.standard_normal((400, 6))
    parts = {20: signal[20:150].copy(), 200: signal[200:].copy()}
    signal[:20] = signal[150:200] = np.nan
    np.savez(tmp_path / "gaps.npz", signal=signal, rate=rate, channels=channels)
    options = Options(enter=0.1)
    (answer,) = predict(bundle, [str(tmp_path / "gaps.npz")], None, options)
    wanted = []
    for first, part in parts.items():
        (alone,) = predict(bundle, [part], None, options)
        assert alone["segments"]
        wanted += [
            (s["start"] + first / rate, s["end"] + first / rate, s["label"]) for s in alone["segments"]
        ]
    found = [(s["start"], s["end"], s["label"]) for s in answer["segments"]]
    assert found == [(pytest.approx(start), pytest.approx(end), label) for start, end, label in wanted]
    assert answer["seconds"] == pytest.approx(330 / rate)
    assert f"{330 / rate:.1f} s in 2 stretches, " in describe(answer)


def test_a_file_is_read_in_the_units_that_the_network_was_trained_with(tmp_path):
    bundle = Bundle.open(folder_of(APP.name) / SHIPPED)
    header = "time,ax [g],ay (m/s2),az,wx [deg/s],wy [rad/s],wz"
    (tmp_path / "units.csv").write_text(f"{header}\n0,1,9.80665,1,180,1,1\n.02,1,9.80665,1,180,1,1\n")
    (recording,) = stretches_of(bundle, tmp_path / "units.csv")
    np.testing.assert_allclose(recording.signal, [[1, 1, 1, np.pi, 1, 1]] * 2, rtol=1e-6)
