"""The networks of the sensor signal app, hardly trained: what they answer, as streams and as files."""

import csv
import dataclasses
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import Mock

import numpy as np
import pytest
from reference.bundles import head, record

import layers
from apps.sensor_signals import APP
from apps.sensor_signals.config import PRESETS, SensorConfig, cutting_of
from apps.sensor_signals.data import load
from apps.sensor_signals.embedded.heartbeats import person
from apps.sensor_signals.features import make_features
from apps.sensor_signals.metrics import baselines
from apps.sensor_signals.predict import Finder, Options
from apps.sensor_signals.show import show
from pipelines.config import to_dict
from pipelines.data.recordings import Recording, Span
from pipelines.data.windows import NOTHING, Cutting, WindowedData, windowed
from pipelines.errors import UserError
from pipelines.export.any_model import convert
from pipelines.export.bundle_writing import write_bundle
from pipelines.export.micro.write import write_micro
from pipelines.ondevice.bundle import Bundle
from pipelines.ondevice.model import Model

RNG = np.random.default_rng(0)
SMALL = SensorConfig(window=2.0, hop=1.0, units=4, filters=3)


def shaken(config: SensorConfig, rate: int = 20, labels: str = "ab", channels: int = 3) -> WindowedData:
    """Return recordings of four seconds for each label, one for training and one for the test."""
    signal = RNG.standard_normal((4 * rate * len(labels), channels)).astype(np.float32)
    names = tuple(f"channel {n}" for n in range(channels))
    spans = tuple(Span(4.0 * n, 4.0 * (n + 1), label) for n, label in enumerate(labels))
    both = [Recording(split, signal, rate, names, spans, split, split) for split in ("train", "test")]
    delay, length = round(config.delay * rate), round(config.window * rate)
    cutting = Cutting(config.answer, tuple(labels), length, rate, config.packet, delay)
    return windowed(both, cutting, "shaken", [])


def beating(config: SensorConfig) -> WindowedData:
    people = [person(n, 12.0, split, np.random.default_rng(n)) for n, split in enumerate(("train", "test"))]
    cutting = Cutting("events", (*config.labels, NOTHING), 480, 240, config.packet, delay=48, context=120)
    return windowed(people, cutting, "ecg", [])


HEARTBEATS = dataclasses.replace(
    PRESETS["heartbeats"], labels=("N", "V"), window=4.0, context=1.0, units=4, filters=3
)


@pytest.mark.parametrize(
    ("config", "make"),
    [
        (HEARTBEATS, beating),
        (dataclasses.replace(SMALL, answer="sample", delay=0.25), shaken),
        (dataclasses.replace(SMALL, answer="sample", packet=1, filters=0), shaken),
        (dataclasses.replace(SMALL, packet=1), shaken),
        (dataclasses.replace(SMALL, answer="sample", cell="tcn+gru"), shaken),
        (dataclasses.replace(SMALL, cell="gru+transformer"), shaken),
    ],
    ids=["events", "sample", "sample by sample", "one sample a packet", "tcn+gru", "gru+transformer"],
)
def test_a_network_streams_what_the_whole_gives(config, make):
    data = make(config)
    features = make_features(config, data)
    model = APP.build(config, features)
    inputs = features.inputs["test"][:1]
    steps, whole = inputs.shape[1], np.asarray(model(inputs))
    assert steps == len(data.splits["test"].inputs[0]) // config.packet
    assert whole.shape == (1, *([] if config.answer == "window" else [steps]), len(data.labels))
    step, outputs = layers.OneStep(model), []
    states = step.initial_states(1)
    for packet in range(steps):
        answer, states = step(inputs[:, packet : packet + 1], states)
        outputs.append(np.asarray(answer).reshape(1, -1))
    wanted = whole.reshape(-1, len(data.labels))
    np.testing.assert_allclose(np.concatenate(outputs)[-len(wanted) :], wanted, atol=1e-5)
    assert np.isfinite(float(APP.loss(config)(features.targets["test"][:1], whole)))


def test_of_events_simple_methods_answer_too():
    found = baselines(dataclasses.replace(HEARTBEATS, rate=120.0), beating(HEARTBEATS))
    assert set(found) == {"majority", "forest"}


def test_a_network_that_attends_is_exported_for_whole_windows():
    config = dataclasses.replace(PRESETS["attention"], units=4, filters=3)
    features = make_features(config, shaken(config))
    model = APP.build(config, features)
    inputs = features.inputs["test"][:1]
    content = convert(model, "float32", "loop", features.inputs["train"])
    np.testing.assert_allclose(Model(content).predict(inputs), model(inputs), atol=1e-5)
    assert APP.executions(config) == ("loop",)


def test_the_preset_for_microcontrollers_fits_there(tmp_path):
    config = PRESETS["tiny"]
    features = make_features(config, shaken(config, rate=50, labels="abcdefg", channels=6))
    model = APP.build(config, features)
    assert model.count_params() <= 10_000
    content = convert(model, "int8", "step", features.inputs["train"])
    micro = write_micro(content, tmp_path, "signal")
    assert len(micro.content) < 40_000
    assert micro.arena_bytes is None or micro.arena_bytes < 24_000  # None: tflite-micro isn't installed


def test_events_may_see_half_a_second_ahead_in_all():
    assert cutting_of(PRESETS["mitbih"], 120.0, ("N", NOTHING)).delay == 48
    assert cutting_of(dataclasses.replace(PRESETS["mitbih"], packet=13), 120.0, ("N", NOTHING)).packet == 13
    with pytest.raises(UserError, match=r"--delay: expected at most 0\.5 s"):
        cutting_of(dataclasses.replace(PRESETS["mitbih"], packet=14), 120.0, ("N", NOTHING))


@pytest.mark.parametrize(("labels", "false"), [("ab", 0), (("a", "b", NOTHING), 1)])
def test_what_is_heard_where_nothing_should_be_is_a_false_alarm_if_nothing_is_a_label(
    tmp_path, monkeypatch, labels, false
):
    data = shaken(SMALL)
    streams = [dataclasses.replace(each, spans=(Span(0, 4, "a"),)) for each in data.whole["test"]]
    data = dataclasses.replace(data, whole={"test": streams}, labels=tuple(labels))
    finder = Mock(return_value=[Span(0, 4, "a"), Span(5, 7, "b")], marks_events=False)
    monkeypatch.setattr("apps.sensor_signals.show.Finder", lambda *_: finder)
    bundle = SimpleNamespace(variants=[{"precision": "float32"}])
    figures = show(SMALL, SimpleNamespace(data=data), bundle, tmp_path)
    assert figures["stream.false_alarms_per_hour"] == pytest.approx(false * 3600 / streams[0].seconds)
    assert (tmp_path / "segments.png").exists()


# As a file


def streaming(folder: Path, config: SensorConfig, data: WindowedData) -> Bundle:
    """Return a bundle with the streaming file of a network that is never in doubt, though untrained."""
    features = make_features(config, data)
    model = APP.build(config, features)
    kernel = model.get_layer("probabilities").kernel
    kernel.assign(30 * kernel)
    content = convert(model, "float32", "step", features.inputs["test"][:1])
    about = {"labels": list(data.labels), "preprocessing": features.preprocessing}
    manifest = head(app="sensor_signals", config=to_dict(config), **about)
    return write_bundle(folder, manifest, [(record("float32", "step"), content)], {})


def of_delay(bundle: Bundle, delay: float) -> Bundle:
    settings = {**bundle.preprocessing, "delay": delay}
    return dataclasses.replace(bundle, manifest={**bundle.manifest, "preprocessing": settings})


def test_segments_are_at_the_time_that_the_network_answers_for(tmp_path):
    config = dataclasses.replace(SMALL, answer="sample", packet=1)
    data = shaken(config)
    bundle = streaming(tmp_path, config, data)
    (stream,) = data.whole["test"]
    options = Options(smoothing_ms=50)
    at_once, later = (Finder(of_delay(bundle, delay), None, options)(stream) for delay in (0, 0.5))
    assert len(at_once) > 2
    wanted = [(max(0, s.start - 0.5), s.end - 0.5, s.label) for s in at_once if s.end > 0.5]
    assert later == [(pytest.approx(start), pytest.approx(end), label) for start, end, label in wanted]


def test_of_a_stream_of_heartbeats_events_are_found_counted_and_drawn(tmp_path):
    small = {"dataset": "embedded/heartbeats_small", "window": 10.0, "context": 2.0, "hop": 10.0}
    config = dataclasses.replace(
        PRESETS["heartbeats"], units=4, filters=3, data_dir=tmp_path / "data", **small
    )
    data = load(config)
    assert data.labels == ("N", "S", "V", NOTHING)
    bundle = streaming(tmp_path / "bundle", config, data)
    (stream,) = data.whole["test"]
    at_once, later = (Finder(of_delay(bundle, delay), None, Options())(stream) for delay in (0, 0.4))
    assert len(later) > 2
    assert {span.label for span in later} <= {"N", "S", "V"}
    wanted = [span.start - 0.4 for span in at_once if span.start >= 0.4]
    assert [span.start for span in later] == pytest.approx(wanted)
    figures = show(config, SimpleNamespace(data=data), bundle, tmp_path)
    assert {"stream.macro_f1", "stream.V.sensitivity"} <= set(figures)
    assert (tmp_path / "events.png").read_bytes().startswith(b"\x89PNG")
    with (tmp_path / "events.csv").open() as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["true", "N", "S", "V", "none"]
    assert sum(map(int, rows[1][1:])) == [span.label for span in stream.spans].count("N")
