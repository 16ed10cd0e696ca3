"""The action recognition app: windows of clips, networks, augmentation, what is reported, wrong inputs."""

from __future__ import annotations

import csv
import dataclasses
from types import SimpleNamespace
from unittest.mock import Mock

import numpy as np
import pytest
from reference.bundles import head, record
from reference.videos import greys, write_video

import layers
from apps.action_recognition import APP
from apps.action_recognition.augment import Augment, warped
from apps.action_recognition.config import PRESETS, ActionConfig, cutting_of
from apps.action_recognition.data import load
from apps.action_recognition.features import encode, make_features, streams_of
from apps.action_recognition.metrics import baselines
from apps.action_recognition.model import normalised_skeleton
from apps.action_recognition.predict import Options, describe, predict
from apps.action_recognition.show import show
from apps.action_recognition.skeleton import normalised
from apps.action_recognition.watch import seen
from pipelines.config import to_dict
from pipelines.data.camera import CameraFrame
from pipelines.data.recordings import Recording, Span
from pipelines.data.video_files import Frames, read_video
from pipelines.data.windows import NOTHING, WindowedData, windowed
from pipelines.errors import UserError
from pipelines.export.any_model import convert
from pipelines.export.bundle_writing import write_bundle
from pipelines.ondevice.bundle import Bundle
from pipelines.training.batches import dataset

RATE = 8.0
VIDEO = dataclasses.replace(
    PRESETS["smoke"], size=16, window=1.5, hop=1.0, units=6, filters=2, lead_in=0.0, batch_size=4
)
JOINTS = dataclasses.replace(VIDEO, kind="joints", filters=4, root=1, torso=(0, 1), turn=30.0)
FRAMES = dataclasses.replace(JOINTS, answer="frame", context=0.5, delay=0.25)


def clips(config: ActionConfig) -> list[Recording]:
    """Return clips and streams of 6 to 20 frames by five actors, with two labels and nothing."""
    rng = np.random.default_rng(0)
    made = []
    for number in range(15):
        actor, length = f"p{number % 5}", 6 + number
        if config.kind == "video":
            signal = rng.integers(0, 256, (length, config.size, config.size, 1), dtype=np.uint8)
        else:
            signal = rng.normal(size=(length, 3, 3)).astype(np.float32)
        label = ("run", "nothing", "jump")[number // 5]
        spans = (Span(0.0, length / RATE, label),)
        if config.answer == "frame":
            spans = (Span(0.25, 0.5, label), Span(0.5, length / RATE, "rest"))
        split = ("train", "train", "train", "validation", "test")[number % 5]
        made.append(Recording(f"{number}", signal, RATE, (), spans, actor, split))
    return made


def data(config: ActionConfig) -> WindowedData:
    found = {span.label for each in clips(config) for span in each.spans}
    labels = (*sorted(found - {"nothing"}), NOTHING)
    named = [
        dataclasses.replace(
            each,
            spans=tuple(s._replace(label=NOTHING) if s.label == "nothing" else s for s in each.spans),
        )
        for each in clips(config)
    ]
    return windowed(named, cutting_of(config, RATE, labels), "made", [])


def bundle_of(config: ActionConfig, folder) -> Bundle:
    """Return a bundle with an untrained network, as a whole and step by step."""
    features = make_features(config, data(config))
    model = APP.build(config, features)
    inputs = features.inputs["train"][:2]
    variants = [
        (record("float32", execution), convert(model, "float32", execution, inputs))
        for execution in APP.executions(config)
    ]
    manifest = head(
        app="action_recognition",
        config=to_dict(config),
        labels=list(features.labels),
        preprocessing=features.preprocessing,
    )
    return write_bundle(folder, manifest, variants, {})


def test_a_short_clip_is_preceded_by_copies_of_its_first_frame_and_of_a_long_one_each_window_counts():
    made = data(VIDEO)
    lengths = {each.name: len(each.signal) for each in made.whole["train"]}
    assert min(lengths.values()) == 6
    assert all(len(each) == 12 for each in made.splits["train"].inputs)
    first, window = made.whole["train"][0].signal, made.splits["train"].inputs[0]
    np.testing.assert_array_equal(window[:7], np.repeat(first[:1], 7, axis=0))
    np.testing.assert_array_equal(window[-6:], first)
    of_the_longest = made.owners["train"] == int(np.argmax([len(e.signal) for e in made.whole["train"]]))
    assert of_the_longest.sum() == 1


@pytest.mark.parametrize(
    "config",
    [
        VIDEO,
        dataclasses.replace(VIDEO, temporal=3, cell="lstm", depth=2),
        JOINTS,
        FRAMES,
        dataclasses.replace(FRAMES, filters=0, root=None, torso=()),
    ],
    ids=["video", "(2+1)-D", "joints", "frames of joints", "places as they are"],
)
def test_a_network_answers_frame_by_frame_what_it_answers_to_the_whole(config):
    features = make_features(config, data(config))
    model = APP.build(config, features)
    inputs = features.inputs["test"][:1]
    whole = np.asarray(model(inputs))
    steps = inputs.shape[1]
    assert whole.shape == (1, *([steps] if config.answer == "frame" else []), len(features.labels))
    step, outputs = layers.OneStep(model), []
    states = step.initial_states(1)
    for frame in range(steps):
        answer, states = step(inputs[:, frame : frame + 1], states)
        outputs.append(np.asarray(answer).reshape(1, -1))
    wanted = whole.reshape(-1, len(features.labels))
    np.testing.assert_allclose(np.concatenate(outputs)[-len(wanted) :], wanted, atol=1e-5)
    assert np.isfinite(float(APP.loss(config)(features.targets["test"][:1], whole)))


def test_joints_are_measured_from_the_root_in_lengths_of_the_torso():
    joints = np.float32([[[0, 4, 0], [0, 1, 0], [3, 1, 0]]])[None]
    wanted = [[[[0, 1, 0], [0, 0, 0], [1, 0, 0]]]]
    np.testing.assert_allclose(normalised(joints, JOINTS), wanted)
    np.testing.assert_allclose(normalised_skeleton(JOINTS, joints), wanted)
    moved = normalised(2 * joints + np.float32([5, 6, 7]), JOINTS)
    np.testing.assert_allclose(moved, wanted, atol=1e-6)


def test_training_clips_are_moved_lit_and_played_at_another_tempo():
    config = dataclasses.replace(VIDEO, warp=0.3, shift=2, light=0.2, jitter=0.05)
    features = make_features(config, data(config))
    inputs, targets = features.inputs["train"][:4], features.targets["train"][:4]
    rng = np.random.default_rng(0)
    changed, same = Augment(config, features.inputs["train"])(inputs, targets, rng)
    assert (changed.dtype, changed.shape) == (np.uint8, inputs.shape)
    assert (changed != inputs).any()
    np.testing.assert_array_equal(same, targets)
    config = dataclasses.replace(config, lead_in=1.0)
    longer, _ = Augment(config, features.inputs["train"])(inputs, targets, rng)
    assert longer.shape[1] == 2 * inputs.shape[1]
    off = dataclasses.replace(VIDEO, warp=0, shift=0, light=0, jitter=0)
    unchanged, _ = Augment(off, features.inputs["train"])(inputs, targets, rng)
    np.testing.assert_array_equal(unchanged, inputs)


@pytest.mark.parametrize("config", [VIDEO, JOINTS], ids=["video", "joints"])
def test_batches_may_hold_another_clip_before_each(config):
    config = dataclasses.replace(config, lead_in=1.0)
    inputs, _ = next(iter(dataset(make_features(config, data(config)), config, 0)))
    assert inputs.shape[1] == 24


def test_a_warped_clip_ends_as_it_did():
    steps = np.arange(20, dtype=np.float32)[None, :, None].repeat(50, axis=0)
    faster = warped(steps, 0.5, np.random.default_rng(0))
    assert (faster[:, -1, 0] == 19).all()
    assert (np.diff(faster[..., 0]) >= 0).all()
    assert faster[:, 0, 0].max() > 3


def test_turned_joints_keep_their_heights_and_distances():
    config = dataclasses.replace(JOINTS, warp=0, scale=0, jitter=0, posture=0, turn=90.0)
    features = make_features(config, data(config))
    inputs = features.inputs["train"]
    changed, _ = Augment(config, inputs)(inputs, features.targets["train"], np.random.default_rng(0))
    np.testing.assert_allclose(changed[..., 1], inputs[..., 1], atol=1e-5)
    distances = [np.linalg.norm(np.diff(each, axis=2), axis=-1) for each in (changed, inputs)]
    np.testing.assert_allclose(*distances, rtol=1e-3)
    assert not np.allclose(changed, inputs)


def test_predict_reports_segments_of_arrays_and_files_and_writes_them_to_a_table(tmp_path):
    bundle = bundle_of(JOINTS, tmp_path / "bundle")
    stream = np.random.default_rng(0).normal(size=(40, 3, 3)).astype(np.float32)
    np.savez(tmp_path / "stream.npz", joints=stream, rate=RATE)
    options = Options(enter=0.1, leave=1.0, smoothing_ms=100, out=tmp_path / "found.csv")
    of_array, of_file = predict(bundle, [stream, tmp_path / "stream.npz"], None, options)
    assert of_array["segments"] == of_file["segments"]
    assert of_array["seconds"] == 5
    assert "s" in describe(of_array)
    rows = list(csv.DictReader((tmp_path / "found.csv").read_text().splitlines()))
    assert len(rows) == 2 * len(of_array["segments"])
    np.testing.assert_array_equal(encode(bundle, [stream])[0], stream[-12:])


def test_a_video_network_reads_frames_and_a_stream_of_them(tmp_path):
    bundle = bundle_of(VIDEO, tmp_path / "bundle")
    frames = np.random.default_rng(0).integers(0, 256, (30, 16, 16, 1), dtype=np.uint8)
    for variant in ("float32_loop.tflite", "float32_step.tflite"):
        (answer,) = predict(bundle, [frames], variant, Options())
        assert answer["seconds"] == 30 / RATE
    assert encode(bundle, [frames[:3]]).shape == (1, 12, 16, 16, 1)
    with pytest.raises(UserError, match=r"expected frames of the shape \(16, 16, 1\), got"):
        streams_of(bundle, frames[..., 0])


def test_a_camera_is_watched_until_the_window_closes_and_segments_are_told(tmp_path):
    bundle = bundle_of(VIDEO, tmp_path / "bundle")
    pictures = np.random.default_rng(0).integers(0, 256, (30, 16, 16, 1), dtype=np.uint8)
    large = np.zeros((20, 30, 3), np.uint8)
    frames = [CameraFrame(small, large, n / RATE) for n, small in enumerate(pictures)]
    window = Mock(show=Mock(side_effect=[False] * 20 + [True]))
    options = Options(smoothing_ms=100, enter=0.01, leave=1.0)
    told = list(seen(bundle, None, options, frames=frames, window=window))
    assert window.show.call_count == 21
    shown = {call.args[1] for call in window.show.call_args_list}
    assert shown <= {*bundle.labels, ""} - {NOTHING}
    assert {each["segments"][0]["label"] for each in told} == shown - {""}
    assert all("factor" not in describe(each) and "real time" not in describe(each) for each in told)


def test_a_video_is_written_again_with_its_labels(tmp_path):
    bundle = bundle_of(VIDEO, tmp_path / "bundle")
    write_video(tmp_path / "clip.mp4", greys(range(0, 250, 5)))
    options = Options(smoothing_ms=100, enter=0.01, out=tmp_path / "out.mp4")
    (answer,) = predict(bundle, [tmp_path / "clip.mp4"], None, options)
    assert answer["seconds"] == pytest.approx(2, abs=0.2)
    old, new = (read_video(tmp_path / name, Frames(64)).frames for name in ("clip.mp4", "out.mp4"))
    assert abs(len(old) - len(new)) <= 1
    with pytest.raises(UserError, match="expected the file of a video"):
        list(predict(bundle, [np.zeros((5, 16, 16, 1), np.uint8)], None, options))


def test_the_streams_of_the_test_actors_are_drawn_and_counted(tmp_path):
    bundle = bundle_of(VIDEO, tmp_path / "bundle")
    figures = show(VIDEO, SimpleNamespace(data=data(VIDEO)), bundle, tmp_path)
    assert set(figures) == {"stream.segment_f1", "stream.onset_delay", "stream.false_alarms_per_hour"}
    assert (tmp_path / "segments.png").stat().st_size > 1000


@pytest.mark.parametrize("config", [VIDEO, FRAMES], ids=["clips", "frames"])
def test_simple_methods_see_one_frame_all_frames_and_their_order(config):
    found = baselines(config, data(config))
    assert set(found) == {"majority", "middle_frame", "bag_of_frames", "ordered_frames"}
    assert all(0 <= value <= 1 for splits in found.values() for value in splits.values())


def test_files_of_joints_become_windows_and_nothing_is_the_last_label(tmp_path):
    for each in clips(JOINTS):
        label = each.spans[0].label
        (tmp_path / label).mkdir(exist_ok=True)
        subject = np.array(each.subject)
        np.savez(tmp_path / label / f"{each.name}.npz", joints=each.signal, rate=RATE, subject=subject)
    made = load(dataclasses.replace(JOINTS, dataset=str(tmp_path)))
    assert made.labels == ("jump", "run", NOTHING)
    people = {split: {each.subject for each in made.whole[split]} for split in made.whole}
    assert not people["train"] & people["test"]
    with pytest.raises(UserError, match=r"--labels: .* has jump, nothing, run|--labels: "):
        load(dataclasses.replace(JOINTS, dataset=str(tmp_path), labels=("fly",)))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"size": 20}, r"--size: expected a multiple of 8, got 20"),
        ({"colours": 2}, r"--colours: expected 1 or 3"),
        ({"torso": (1,)}, r"--torso: expected two joints"),
        ({"filters": 0}, r"--filters: expected 1 or more"),
        ({"delay": 0.5}, r"--delay: expected 0 with one label a clip"),
        ({"answer": "frame", "attention": True}, r"--attention: expected False"),
        ({"answer": "frame", "class_weights": "balanced"}, r"--class-weights"),
        ({"context": 9.0}, r"--context: expected less than --window"),
        ({"rate": 0.0}, r"--rate: expected above 0"),
    ],
)
def test_settings_that_do_not_fit_are_refused(settings, message):
    with pytest.raises(UserError, match=message):
        dataclasses.replace(VIDEO, **settings)


def test_predict_needs_an_input_and_one_video_to_draw_on(tmp_path):
    bundle = Mock(preprocessing={"delay": 0})
    with pytest.raises(UserError, match="expected a video, a folder of pictures"):
        list(predict(bundle, [], None, Options()))
    with pytest.raises(UserError, match=r"expected one video, got 2; \.csv takes many"):
        list(predict(bundle, ["a.mp4", "b.mp4"], None, Options(out=tmp_path / "c.mp4")))
