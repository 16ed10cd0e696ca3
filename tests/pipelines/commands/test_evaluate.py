"""`evaluate` scores what it is given, all of it by default, and says what it left out.

The shipped networks answer, as for a user who has trained none.
"""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from pipelines import app as contract
from pipelines.commands import command_line, console
from pipelines.evaluation.score import FromCounts


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(command_line, "stop_at_signals", lambda: None)
    monkeypatch.setattr(command_line, "_stay_in_the_checkout", lambda: None)


@pytest.fixture
def evaluate(capsys):
    """Return a function that gives the JSON of `evaluate`, or what it says on standard error."""

    def run(app, *options):
        code = console.run_apps([app, "evaluate", "--json", *options])
        out, err = capsys.readouterr()
        return json.loads(out) if code == 0 else err

    return run


ROWS = "good film,positive\nbad film,negative\nnice food,positive\n"


def test_a_file_without_splits_is_scored_whole(evaluate):
    Path("reviews.csv").write_text("text,label\n" + 2 * ROWS + ",positive\n")
    said = evaluate("sentiment", "--dataset", "reviews.csv")
    assert (said["split"], said["examples"], said["not_scored"]) == ("all", 6, {})
    assert said["metrics"].keys() == contract.find("sentiment").metrics.keys()
    assert said["notes"] == ["reviews.csv: 1 empty texts left out (line 8)"]


@pytest.mark.parametrize(
    ("names", "options", "split", "examples", "left_out"),
    [
        (("test",), (), "test", 3, {}),
        (("validation",), (), "all", 3, {}),
        (("train", "test"), (), "test", 3, {"train": 3}),
        (("train", "test"), ("--split", "train"), "train", 3, {"test": 3}),
        (("train", "test"), ("--split", "all"), "all", 6, {}),
    ],
)
def test_a_split_that_the_data_names_is_scored_and_the_rest_is_told(
    evaluate, names, options, split, examples, left_out
):
    Path("data").mkdir()
    for name in names:
        Path(f"data/{name}.csv").write_text("text,label\n" + ROWS)
    said = evaluate("sentiment", "--dataset", "data", *options)
    assert (said["split"], said["examples"], said["not_scored"]) == (split, examples, left_out)
    told = [f"not scored: 3 of {name} (--split all scores everything)" for name in left_out]
    assert said["notes"] == told


def test_it_tells_how_exactly_a_metric_is_computed(evaluate, monkeypatch, capsys):
    Path("reviews.csv").write_text("text,label\n" + ROWS)
    ours = contract.find("sentiment")
    exact = FromCounts(lambda outputs, targets: np.ones([len(targets), 1]), np.sum, lambda: "case:mixed")
    fake = dataclasses.replace(ours, metrics={"accuracy": ours.metrics["accuracy"], "count": exact})
    monkeypatch.setattr(contract, "find", lambda name: fake)
    assert evaluate("sentiment", "--dataset", "reviews.csv")["signatures"] == {"count": "case:mixed"}
    assert console.run_apps(["sentiment", "evaluate", "--dataset", "reviews.csv"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[2] == "  count       3.0000  case:mixed"
    assert said[1] == said[1].rstrip()


def test_mistakes_are_one_line(evaluate):
    Path("reviews.csv").write_text("text,label\n" + ROWS)
    said = evaluate("sentiment", "--dataset", "reviews.csv", "--split", "test")
    assert said == "error: --split: expected one of train, all, got 'test'\n"
    Path("reviews.csv").write_text("text,label\ngood film,joy\n")
    said = evaluate("sentiment", "--dataset", "reviews.csv")
    assert (
        "error: reviews.csv: expected labels among ['negative', 'neutral', 'positive'], got ['joy']" in said
    )


@pytest.fixture
def clips(monkeypatch):
    """Clips of two of the network's twelve labels; its pretraining data can't be made."""
    soundfile = pytest.importorskip("soundfile")
    from apps.speech_commands import data

    for name in data._EMBEDDED:
        monkeypatch.setitem(data._EMBEDDED, name, lambda **_: pytest.fail("pretraining data was loaded"))
    rng = np.random.default_rng(0)
    for label in ("yes", "no"):
        Path("clips", label).mkdir(parents=True)
        for i in range(3):
            soundfile.write(f"clips/{label}/{i}.wav", rng.uniform(-0.1, 0.1, 16_000), 16_000)
    return Path("clips")


def test_clips_without_splits_of_some_labels_are_scored_whole_without_the_pretraining_data(evaluate, clips):
    (clips / "no" / "broken.wav").write_bytes(b"RIFF")
    said = evaluate("speech_commands", "--dataset", "clips")
    assert (said["split"], said["examples"], said["not_scored"]) == ("all", 6, {})
    assert said["notes"][0].startswith("clips: 1 files left out that can't be read: ")


@pytest.mark.parametrize("labels", [("yes", "no"), ("yes",)])
def test_a_csv_with_only_test_rows_is_scored(evaluate, clips, labels):
    rows = "".join(f"{label}/{i}.wav,{label},test\n" for label in labels for i in range(3))
    (clips / "some.csv").write_text("file,label,split\n" + rows)
    said = evaluate("speech_commands", "--dataset", "clips/some.csv")
    assert (said["split"], said["examples"]) == ("test", 3 * len(labels))


def test_captions_with_only_test_rows_are_scored(evaluate):
    image = pytest.importorskip("PIL.Image")
    rows = []
    for i in range(2):
        image.new("RGB", (20, 20), (i, 90, 90)).save(f"{i}.png")
        rows.append({"image": f"{i}.png", "captions": ["a red circle"], "split": "test"})
    Path("captions.jsonl").write_text("\n".join(map(json.dumps, rows)))
    said = evaluate("image_captioning", "--dataset", "captions.jsonl")
    assert (said["split"], said["examples"]) == ("test", 2)


def test_music_with_only_test_pieces_is_scored(evaluate):
    Path("pieces.json").write_text(json.dumps({"test": 2 * [8 * [[60, 55, 52, 48]]]}))
    said = evaluate("music_generation", "--dataset", "pieces.json")
    assert (said["split"], said["examples"]) == ("test", 2)
