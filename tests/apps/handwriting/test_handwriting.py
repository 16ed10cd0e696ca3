"""The handwriting app: rows, augmentation, networks, what is written and read, and wrong inputs."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

import layers
from apps.handwriting import APP
from apps.handwriting.augment import Augment
from apps.handwriting.config import PRESETS, HandwritingConfig
from apps.handwriting.data import load
from apps.handwriting.features import make_features
from apps.handwriting.metrics import baselines, metrics_of, texts_of
from apps.handwriting.model import Text, build_model, make_loss
from apps.handwriting.predict import Options, describe, predict
from apps.handwriting.rows import Rows
from pipelines.data.examples import Data, Examples
from pipelines.data.stroke_arrays import save_npz
from pipelines.data.strokes import Drawing
from pipelines.errors import UserError
from pipelines.ondevice.bundle import Bundle
from pipelines.ondevice.pen_mixture import PADDING

SMOKE = dataclasses.replace(PRESETS["smoke"], max_points=30)
ROWS = Rows((2.0, 4.0), steps=4, characters=3, alphabet="ab", labels=(), ahead=True)
LINE = Drawing(np.array([[0, 0, 0], [2, 4, 0], [6, 4, 1]], np.float32), label="ba")


def drawings(count: int, length: int = 9) -> list[Drawing]:
    """Return zigzags, two strokes each, labelled by turns."""
    rng = np.random.default_rng(0)
    made = []
    for number in range(count):
        points = np.zeros((length - number % 3, 3), np.float32)
        points[:, :2] = np.cumsum(rng.normal(size=(len(points), 2)), axis=0)
        points[[3, -1], 2] = 1
        made.append(Drawing(points, label="ab"[number % 2], writer=f"w{number % 4}", where=str(number)))
    return made


def data(config: HandwritingConfig) -> Data:
    of_classes = "label" in (config.answer, config.given)
    splits = {}
    for name, count in (("train", 12), ("validation", 4), ("test", 5)):
        made = drawings(count)
        texts = np.empty(count, object)
        texts[:] = [each.label for each in made]
        targets = np.array(["ab".index(each.label) for each in made]) if of_classes else texts
        splits[name] = Examples(made, targets)
    return Data(splits, ("a", "b") if of_classes else (), "zigzags")


def test_rows_by_hand() -> None:
    np.testing.assert_allclose(
        ROWS.inputs(LINE),
        [[0, 0, 0, 2, 1, 0], [1, 1, 0, 2, 1, 0], [0, 0, 0, 2, 1, 0], [1, 1, 0, 2, 1, 0]],
    )
    padding = [0, 0, PADDING, 0]
    np.testing.assert_allclose(ROWS.targets(LINE), [[1, 1, 0, 0], [2, 0, 1, 1], padding, padding])
    cut = dataclasses.replace(ROWS, steps=1)
    np.testing.assert_allclose(cut.targets(LINE), [[1, 1, 0, 0]])
    reading = dataclasses.replace(ROWS, ahead=False, characters=0)
    np.testing.assert_allclose(reading.inputs(LINE), [[1, 1, 0], [2, 0, 1], [0, 0, 0], [0, 0, 0]])
    assert Rows.of(ROWS.settings) == ROWS


def test_a_label_that_is_not_known_is_refused() -> None:
    rows = dataclasses.replace(ROWS, characters=1, labels=("one", "two"))
    assert rows.told("two").tolist() == [2]
    assert rows.told(None).tolist() == [0]
    with pytest.raises(UserError, match="expected one of the labels one, two, got 'three'"):
        rows.told("three")


@pytest.mark.parametrize("answer", ["strokes", "label"])
def test_augmentation_maps_inputs_and_targets_alike_and_keeps_pens(answer: str) -> None:
    given = "nothing"
    config = dataclasses.replace(SMOKE, answer=answer, given=given, slant=0.3, scale=0.3, rotation=20.0)
    inputs = np.random.default_rng(1).normal(size=(5, 7, 3)).astype(np.float32)
    change = Augment(config, (2.0, 3.0))
    targets = inputs.copy() if answer == "strokes" else np.arange(5)
    changed, told = change(inputs, targets, np.random.default_rng(0))
    np.testing.assert_array_equal(changed[..., 2], inputs[..., 2])
    assert np.abs(changed[..., :2] - inputs[..., :2]).max() > 0.05
    np.testing.assert_array_equal(told, changed if answer == "strokes" else targets)
    plain = Augment(dataclasses.replace(config, slant=0.0, scale=0.0, rotation=0.0), (2.0, 3.0))
    np.testing.assert_allclose(plain(inputs, targets, np.random.default_rng(0))[0], inputs, atol=1e-6)
    turned = Augment(dataclasses.replace(config, slant=0.0, scale=0.0), (1.0, 1.0))
    after = turned(inputs, targets, np.random.default_rng(0))[0]
    lengths = [np.linalg.norm(each[..., :2], axis=-1) for each in (inputs, after)]
    np.testing.assert_allclose(*lengths, rtol=1e-4)


def in_steps(model: keras.Model, rows: np.ndarray) -> np.ndarray:
    """Return what a network answers at each step, row by row."""
    step = layers.OneStep(model)
    states, found = step.initial_states(1), []
    for row in rows:
        answer, states = step(row[None, None], states)
        found.append(np.asarray(answer).reshape(-1))
    return np.stack(found)


@pytest.mark.parametrize(
    ("answer", "given", "both"),
    [
        ("strokes", "text", False),
        ("strokes", "label", False),
        ("strokes", "nothing", False),
        ("text", "nothing", False),
        ("text", "nothing", True),
        ("label", "nothing", False),
        ("label", "nothing", True),
    ],
)
def test_every_kind_of_network_learns_and_is_scored(answer: str, given: str, both: bool) -> None:
    keras.utils.set_random_seed(0)
    config = dataclasses.replace(SMOKE, answer=answer, given=given, bidirectional=both)
    some = data(config)
    features = make_features(config, some)
    model = build_model(config, features)
    model.compile(keras.optimizers.Adam(0.02), make_loss(config), run_eagerly=True)
    inputs, targets = features.inputs["train"], features.targets["train"]
    losses = model.fit(inputs, targets, epochs=5, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    outputs = model.predict(features.inputs["test"], verbose=0)
    if not both:
        steps = len(some.splits["test"].inputs[0].points) - 1
        streamed = in_steps(model, features.inputs["test"][0, :steps])
        whole = outputs[:1] if answer == "label" else outputs[0, :steps]
        np.testing.assert_allclose(streamed[-len(whole) :], whole, atol=1e-4)
    metrics = {name: metric(outputs, features.targets["test"]) for name, metric in metrics_of(config).items()}
    assert all(np.isfinite(value) for value in metrics.values())
    assert ("end_nll" in metrics) == (answer == "strokes" and given != "text")
    found = baselines(config, some, features, model)
    assert all(np.isfinite(each["test"]) for each in found.values())
    app = APP.of(config)
    assert next(iter(app.metrics)) == next(iter(metrics))
    assert app.higher_is_better == (answer == "label")
    assert ("step" in app.executions(config)) == (not both)


def test_a_text_with_more_characters_than_points_is_refused() -> None:
    config = dataclasses.replace(SMOKE, answer="text", given="nothing")
    some = data(config)
    some.splits["train"].inputs[0] = drawings(1)[0]._replace(label="a" * 20)
    with pytest.raises(UserError, match="expected more points than characters, got 9"):
        make_features(config, some)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"answer": "text"}, "--given: expected nothing with --answer text"),
        ({"depth": 1}, "--depth: expected 2 or more with --given text"),
        ({"bidirectional": True}, "--bidirectional: expected False with --answer strokes"),
        ({"mixtures": 0}, "--mixtures"),
        ({"step": 0.0}, "--step: expected above 0"),
        ({"scale": 1.0}, "--scale"),
        ({"max_points": 2}, "--max-points"),
    ],
)
def test_settings_out_of_range_are_refused(changes: dict, message: str) -> None:
    with pytest.raises(UserError, match=message):
        dataclasses.replace(PRESETS["default"], **changes)


@pytest.mark.parametrize("changes", [{"bias": -1.0}, {"steps": 0}, {"beams": 0}, {"seed": -1}])
def test_options_out_of_range_are_refused(changes: dict) -> None:
    with pytest.raises(UserError, match=f"--{next(iter(changes))}"):
        Options(**changes)
    with pytest.raises(UserError, match="--out"):
        Options(out=Path("drawing.txt"))


def test_the_users_drawings_are_split_by_writer(tmp_path: Path) -> None:
    save_npz(tmp_path / "mine.npz", [e._replace(writer=f"w{n % 10}") for n, e in enumerate(drawings(60))])
    config = dataclasses.replace(SMOKE, dataset=str(tmp_path / "mine.npz"), answer="label", given="nothing")
    read = load(config)
    writers = {name: {each.writer for each in split.inputs} for name, split in read.splits.items()}
    assert not writers["train"] & writers["test"]
    assert read.labels == ("a", "b")
    scored = load(config, as_given=True)
    assert sum(map(len, scored.splits.values())) == 60


@pytest.mark.parametrize("answer", ["strokes", "label"])
def test_a_network_that_writes_keeps_the_points_of_a_pen_that_rests(tmp_path: Path, answer: str) -> None:
    resting = np.array([[0, 0, 0], [2, 4, 0], [2, 4, 0], [6, 4, 1]], np.float32)
    made = [*drawings(20), drawings(1)[0]._replace(points=resting, writer="rests", where="rests")]
    save_npz(tmp_path / "mine.npz", made)
    config = dataclasses.replace(SMOKE, dataset=str(tmp_path / "mine.npz"), answer=answer, given="nothing")
    read = load(config, as_given=True)
    (found,) = (each for split in read.splits.values() for each in split.inputs if each.writer == "rests")
    assert len(found.points) == (4 if answer == "strokes" else 3)
    assert any("repeat the one before: they stay" in note for note in read.notes) == (answer == "strokes")


def test_numbers_become_texts() -> None:
    assert texts_of([[1, 2], []], "ab") == ["ab", ""]


def test_of_drawings_that_are_cut_before_the_pen_is_lifted_no_end_is_scored() -> None:
    metrics = metrics_of(dataclasses.replace(SMOKE, given="nothing", mixtures=1))
    assert metrics["end_nll"](np.zeros((1, 2, 8)), np.zeros((1, 2, 4))) is None


# On the device, with the bundle of the `smoke` preset, which writes.


@pytest.fixture(scope="module")
def bundle(training) -> Bundle:
    return Bundle.open(training("handwriting").bundle)


def test_a_text_is_written_into_each_kind_of_file(
    bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (answer,) = predict(bundle, [], "int8", Options(write="so", steps=20))
    assert [Path(each).suffix for each in answer["files"]] == [".svg", ".png", ".gif", ".npz"]
    assert all(Path(each).stat().st_size > 100 for each in answer["files"])
    assert "\n" not in describe(answer)
    with Image.open(answer["files"][2]) as moving:
        assert moving.n_frames > 1
    (again,) = predict(bundle, [answer["files"][3]], "int8")
    assert again["steps"] == answer["steps"]
    assert np.isfinite(again["nll"])
    with pytest.raises(UserError, match="--out"):
        list(predict(bundle, [], None, Options(write="so", out=tmp_path / "none" / "a.svg")))


def test_a_network_that_writes_is_no_reader_and_odd_inputs_are_refused(
    bundle: Bundle, tmp_path: Path
) -> None:
    for wrong in (np.zeros((0, 3)), np.zeros((4, 2)), np.full((4, 3), np.nan)):
        with pytest.raises(UserError):
            list(predict(bundle, [wrong]))
    (answer,) = predict(bundle, [np.array([[0, 0, 0], [5, 5, 0], [9, 0, 0]])])
    assert answer["steps"] == 2


def test_numbers_of_characters_are_rounded_as_files_of_integers_need_it() -> None:
    rows = np.zeros((1, 2, 6), np.float32)
    rows[:, :, 3:] = 35.999, 12.001, 0.0
    assert Text(3)(rows).numpy().tolist() == [[36, 12, 0]]
