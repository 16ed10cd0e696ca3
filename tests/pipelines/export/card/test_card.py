"""The card of a bundle: what it says, and that no value in it can become markup, a path or broken YAML."""

from __future__ import annotations

import copy
import json
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import markdown
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from reference.bundles import head, record

from pipelines.export.bundle_writing import write_bundle
from pipelines.export.card.about import About
from pipelines.export.card.card import CARD, card, write_card
from pipelines.export.card.markdown import code, table, text, without_folders
from pipelines.export.card.markdown import yaml as as_yaml
from pipelines.ondevice.bundle import Bundle

ABOUT = About("Tells good from bad.", ("It knows little.",), "text-classification", ("opinions",))
APP = SimpleNamespace(about=ABOUT, example=("not bad",), page=None)
SIGNATURE = {
    "inputs": {"words": {"shape": [1, 4], "dtype": "int32"}},
    "outputs": {"probabilities": {"shape": [1, 2], "dtype": "float32"}},
}
RECORD = {
    "scores": {"test": {"accuracy": 0.9, "f1": 0.8}, "hard": {"accuracy": 0.5, "f1": None}},
    "baselines": {"majority": {"test": 0.4, "hard": 0.5}, "bag_of_words": {"test": 0.7, "hard": 0.6}},
    "intervals": {"test": [0.85, 0.95], "hard": [0.4, 0.6]},
    "over_seeds": {
        "seeds": [1, 2, 3],
        "best_seed": 2,
        "scores": {"test": {"accuracy": 0.88}, "hard": {"accuracy": 0.52}},
        "spread": {split: {"accuracy": {"std": 0.02, "min": 0.86, "max": 0.9}} for split in ("test", "hard")},
    },
    "examples": {"train": 1000, "test": 200, "hard": 50},
    "figures": {"stream.delay": 1.5, "stream.missed": None},
    "epochs": 9,
    "best_epoch": 7,
    "training_minutes": 1.5,
    "made_with": {
        "version.keras": "3.15.1",
        "hardware.cpu": "A CPU",
        "hardware.cores": "2",
        "git.commit": "abc",
        "git.dirty": "true",
    },
    "date": "2026-11-30",
    "data_sha256": "f" * 64,
    "network": "gru 8",
    "command": "python -m apps tiny train --seeds 3",
    "origins": [{"name": "embedded", "description": "Made up.", "licence": "Apache-2.0"}],
}


def files() -> list[tuple[dict[str, Any], bytes]]:
    stream = record("int8", "step", signatures={"step": SIGNATURE}, runs_on=["interpreter"])
    whole = record(signatures={"serve": SIGNATURE}, interval=[0.8, 0.95], runs_on=["compiled_model"])
    return [({**whole}, b"whole" * 9), ({**stream}, b"stream")]


def written(folder: Path, **changes: Any) -> Bundle:
    left_out = [{"file": "int16x8_loop.tflite", "reason": "too | far; plot: /home/me/plots/a b.png"}]
    return write_bundle(
        folder, head(left_out=left_out, record=copy.deepcopy(RECORD), **changes), files(), {"words": b"w"}
    )


@pytest.fixture
def manifest(tmp_path: Path) -> dict[str, Any]:
    return dict(written(tmp_path).manifest)


def front_of(text: str) -> dict[str, Any]:
    start, front, _ = text.split("---\n", 2)
    assert start == ""
    return yaml.safe_load(front)


def body_of(text: str) -> str:
    return text.split("\n---\n", 1)[1]


class Page(HTMLParser):
    """Collects the tags and the cells of rendered Markdown."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.feed(markdown.markdown(source, extensions=["tables", "fenced_code"]))

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


# What it says


def test_the_front_matter_is_that_of_hugging_face(manifest: dict[str, Any]) -> None:
    front = front_of(card(manifest, APP))
    assert front["license"] == "unknown"
    assert front["library_name"] == "tflite"
    assert front["pipeline_tag"] == "text-classification"
    assert front["tags"] == ["opinions", "streaming", "tflite", "litert", "on-device"]
    assert front["datasets"] == ["embedded"]
    assert front["metrics"] == ["accuracy"]
    (index,) = front["model-index"]
    test, hard = index["results"]
    assert test["task"]["type"] == "text-classification"
    assert test["dataset"] == {"name": "embedded", "type": "embedded", "split": "test"}
    assert [each["value"] for each in test["metrics"]] == [0.9, 0.9, 0.9]
    assert test["metrics"][1]["name"] == "accuracy of float32_loop.tflite"
    assert [each["value"] for each in hard["metrics"]] == [0.5]


def test_scores_stand_beside_baselines_intervals_and_seeds(manifest: dict[str, Any]) -> None:
    said = card(manifest, APP)
    assert "| split | examples | majority | bag of words | this network | over 3 seeds |" in said
    assert (
        "| `test` | 200 | 0.4000 | 0.7000 | **0.9000** (0.850 to 0.950) | "
        "0.8800 ± 0.0200 (0.8600 to 0.9000) |" in said
    )
    assert "This network is that of seed 2" in said
    assert (
        "- On `hard` it is no better than a simple method, bag of words (`accuracy` 0.5000, 0.6000)." in said
    )
    assert "| `f1` | 0.8000 |\n" in said  # not even a column for what is no number
    assert "| `stream.delay` | 1.5000 |" in said


def test_every_file_is_there_with_bytes_latency_and_error_or_its_reason(manifest: dict[str, Any]) -> None:
    said = card(manifest, APP)
    assert "| `float32_loop.tflite` | 45 | 0.9000 (0.800 to 0.950) | 1.00 | 2.00 | 0.0e+00 | yes |" in said
    for each in manifest["variants"]:
        assert f"| `{each['file']}` | `{each['sha256']}` |" in said
    assert "- `int16x8_loop.tflite` was left out: too &#124; far\n" in said


def test_it_says_how_to_run_the_files_and_how_they_were_made(manifest: dict[str, Any]) -> None:
    said = card(manifest, APP, has_page=True)
    assert 'model = Model(bundle.variant_path("float32_loop.tflite"))' in said
    assert "answers = stream(words=np.zeros((1, 4), np.int32))" in said
    assert "unrolled tiny predict --bundle . 'not bad'" in said
    assert "unrolled page . --output page" in said
    assert "unrolled page" not in card(manifest, APP)
    assert 'write_micro(Path("int8_step.tflite").read_bytes(), Path("micro"), "tiny")' in said
    assert "```sh\npython -m apps tiny train --seeds 3\n```" in said
    assert "- commit: `abc`, with changes that are not in it\n" in said
    assert "- versions: keras 3.15.1\n" in said
    assert "- `embedded`: Apache-2.0" in said


def test_a_manifest_without_a_record_has_no_empty_sections(tmp_path: Path) -> None:
    bundle = write_bundle(tmp_path, head(config={}), [(record(), b"x")], {})
    said = card(bundle.manifest, APP)
    assert "\n# Tiny: preset `default`\n" in said
    sections = [line for line in said.splitlines() if line.startswith("##")]
    assert sections == [
        *("## Limits", "## Data", "## Results", "## Files", "## How to run it", "## How it was made"),
    ]
    assert "| the best simple method | 0.4000 |" in said
    assert "None" not in said


def test_an_exported_model_has_a_card_of_what_is_known(tmp_path: Path) -> None:
    known = head(app="export", dataset="random inputs", preset="none", config={}, labels=[])
    said = card(write_bundle(tmp_path, known, files(), {}).manifest)
    assert front_of(said)["tags"] == ["streaming", "tflite", "litert", "on-device"]
    assert "model-index" not in front_of(said)
    assert [line for line in said.splitlines() if line.startswith("## ")] == [
        *("## Files", "## How to run it", "## How it was made"),
    ]
    assert "compared with the model's on random inputs" in said
    assert "predict" not in said


# Writing


def test_a_card_is_written_beside_the_manifest_and_no_file_that_is_checked(tmp_path: Path) -> None:
    bundle = written(tmp_path)
    named = write_card(bundle, APP, facts={"data_licence": "MIT", "licence": "mit"})
    assert named.manifest == json.loads((tmp_path / "new" / "manifest.json").read_text())
    said = (tmp_path / "latest" / CARD).read_text()
    assert front_of(said)["license"] == "mit"
    assert "Licence of the data: MIT." in said
    (tmp_path / "new" / CARD).write_text("by hand")
    assert Bundle.open(tmp_path / "new").variant_path("float32_loop.tflite").is_file()
    write_card(named, APP)
    assert (tmp_path / "new" / CARD).read_text() == said


# Values that anybody chose

quick = settings(deadline=None, max_examples=100)
odd = st.one_of(
    st.text(max_size=40),
    st.text("`|\\<>&*_#[]()!~$\"'-:\n\r\t {}%@,?=+.0aé\u202e\x00\x7f\x85\ufeff\U0001f600", max_size=30),
    st.sampled_from(
        ["---", "no", "~", "<b>x</b>", "a|b", "```", "[x](y)", "http://x.y", "1. x", "- x", "# x"]
    ),
)


@quick
@given(odd)
def test_a_value_stays_a_value_in_text_and_in_a_cell(value: str) -> None:
    shown = text(value)
    page = Page(table(["a", "b"], [[shown or "x", code(value) or "x"]]))
    assert page.tags.count("td") == 2
    assert set(page.tags) <= {"table", "thead", "tbody", "tr", "th", "td", "code"}
    assert set(Page(f"Licence of the data: {shown}.").tags) <= {"p"}


nested = st.recursive(
    st.one_of(odd, st.integers(), st.booleans()),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3), st.dictionaries(odd, inner, min_size=1, max_size=3)
    ),
    max_leaves=8,
)


def cleaned(value: Any) -> Any:
    """Return a value as it is when it has been written: texts on one line."""
    from pipelines.export.card.markdown import one_line

    if isinstance(value, dict):
        return {one_line(key): cleaned(each) for key, each in value.items()}
    if isinstance(value, list):
        return [cleaned(each) for each in value]
    return one_line(value) if isinstance(value, str) else value


@quick
@given(st.dictionaries(odd, nested, min_size=1, max_size=3))
def test_yaml_is_read_as_it_was_meant(values: dict[str, Any]) -> None:
    expected = cleaned(values)
    if json.dumps(values).count(":") == json.dumps(expected).count(":"):  # no two keys became one
        assert yaml.safe_load(as_yaml(expected)) == expected


@quick
@given(odd, odd, odd)
def test_odd_names_break_no_card(label: str, dataset: str, reason: str) -> None:
    known = head(labels=[label, "b"], dataset=dataset, left_out=[{"file": "a.tflite", "reason": reason}])
    described = [{**each, "bytes": len(data), "sha256": "0" * 64} for each, data in files()]
    manifest = {**known, "record": RECORD, "variants": described, "created": "now", "data_licence": reason}
    said = card(manifest, APP)
    front = front_of(said)
    assert front["model-index"][0]["results"][0]["dataset"]["split"] == "test"
    assert [line for line in body_of(said).splitlines() if line.startswith("##")] == [
        *("## Limits", "## Data", "## Results", "## Files", "## How to run it", "## How it was made"),
    ]
    tags = Page(body_of(said)).tags
    assert tags.count("table") == 6
    assert not {"a", "img", "script", "em", "del", "b", "h4"} & set(tags)


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("/home/me/reviews.csv", "reviews.csv"),
        ("~/data/my reviews.csv", "my reviews.csv"),
        ("C:\\Users\\me\\reviews.csv", "reviews.csv"),
        ("can't read /home/me/x.csv: no", "can't read x.csv: no"),
        ("glue/sst2/2.0.0", "glue/sst2/2.0.0"),
        ("mine.csv after imdb_reviews/plain_text", "mine.csv after imdb_reviews/plain_text"),
        ("see https://a.org/b/c", "see https://a.org/b/c"),
        ("and/or", "and/or"),
        (["/home/me/a.csv", "b.csv"], ["a.csv", "b.csv"]),
        (0.5, 0.5),
        (None, None),
    ],
)
def test_no_path_of_the_machine_is_in_a_card(said: Any, kept: Any) -> None:
    assert without_folders(said) == kept
