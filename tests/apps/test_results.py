"""The figures in the READMEs are those of the committed records, and the records are of today's presets."""

import re
from pathlib import Path

import pytest

from pipelines.app import discover
from pipelines.commands.readme import with_results
from pipelines.commands.report import keep_record, markdown_table, overview, summary
from pipelines.config import from_dict, to_dict
from pipelines.ondevice.manifest import USUAL_PRECISIONS
from pipelines.training.record import Result
from pipelines.training.recorded import read_records

ROOT = Path(__file__).parents[2]
APPS = discover()
WHERE = {"dataset", "data_dir"}  # may be given on the command line: where the same data lies


def in_keras(record: dict) -> float:
    """Return the metric of the network that the record's files were made from."""
    return next(row["metric"] for row in record["variants"] if row["variant"] == "Keras")


def tables(readme: Path) -> str:
    text = readme.read_text()
    return text[text.index("<!-- results:") : text.index("<!-- end of results -->")]


@pytest.mark.parametrize("name", APPS)
def test_readme_tables_are_generated_from_the_records(name):
    folder = ROOT / "apps" / name
    records = read_records(folder)
    assert records
    tables_of = {folder / "README.md": markdown_table(records), ROOT / "README.md": overview(ROOT)}
    for readme, table in tables_of.items():
        assert readme.read_text() == with_results(readme.read_text(), "results.json", table)
        for record in records.values():
            assert f"**{record['scores']['test'][record['metric']]:.4f}**" in tables(readme)


@pytest.mark.parametrize("name", APPS)
def test_records_were_made_with_the_presets_as_they_are_from_a_clean_commit(name):
    for preset, record in read_records(ROOT / "apps" / name).items():
        today = APPS[name].presets[preset]
        recorded = to_dict(from_dict(type(today), record["config"]))  # newer settings: their defaults
        assert _settings(recorded) == _settings(to_dict(today))
        assert record["made_with"]["git.dirty"] == "false"
        assert len(record["made_with"]["git.commit"]) == 40


def _settings(config: dict) -> dict:
    return {name: value for name, value in config.items() if name not in WHERE}


TOO_COARSE = {"handwriting": {"int8", "int16x8"}}
"""Precisions that the record of `default` names as left out. The numbers of a mixture of Gaussians, such as
its small sigmas, share one tensor and one scale."""


@pytest.mark.parametrize("name", APPS)
def test_a_precision_costs_a_trained_network_little(name):
    """In points of the metric, as a share of 1; a likelihood may cost twice as much of its own value, and
    CIDEr-D, which goes up to 10 and is a mean of very different captions, three times as much, or 1 %: a
    network that is unsure of its words changes captions by chance, for the better in int8 of one record."""
    allowed = {"float32": 0.0005, "float16": 0.002, "dynamic_int8": 0.005, "int8": 0.01, "int16x8": 0.002}
    allowed |= {"int4": 0.02}
    for record in read_records(ROOT / "apps" / name).values():
        variants = [row for row in record["variants"] if row["variant"].endswith(".tflite")]
        assert variants
        keras = in_keras(record)
        one = 1.5 / record["examples"]["test"]  # of a small split, an example more or less is no evidence
        if record["metric"] == "macro_f1":  # it counts in the recall of its label, and in another's precision
            one *= 2
        whole = 50 if record["metric"] == "bleu" else 1  # BLEU goes to 100; int8 may cost half a point
        for row in variants:
            precision = next(each for each in allowed if row["variant"].startswith(f"{each}_"))
            if record["metric"] == "cider":
                share = max(3 * allowed[precision], 3 * one, 0.01)
                assert row["metric"] >= keras * (1 - share), row["variant"]
            elif record.get("higher_is_better", APPS[name].higher_is_better):
                assert row["metric"] >= keras - whole * max(allowed[precision], one), row["variant"]
            elif record["metric"] == "character_error":  # a share of 1, like an accuracy
                assert row["metric"] <= keras + allowed[precision], row["variant"]
            else:
                assert row["metric"] <= keras + 2 * allowed[precision] * abs(keras), row["variant"]
        if record["preset"] == "default":
            found = {row["variant"].rpartition("_")[0] for row in variants}
            assert found == set(USUAL_PRECISIONS) - TOO_COARSE.get(name, set())


@pytest.mark.parametrize(("preset", "least"), [("gru_small", 0.85), ("attention", 0.90)])
def test_speech_commands_reach_what_they_claim_on_real_speech(preset, least):
    record = read_records(ROOT / "apps" / "speech_commands")[preset]
    accuracy = record["scores"]["test"]["accuracy"]
    assert record["examples"]["test"] >= 400
    assert accuracy >= least
    for row in record["variants"]:
        if row["variant"].startswith("int8") or row["variant"].endswith("_step.tflite"):
            assert row["metric"] >= in_keras(record) - 0.01, row["variant"]


@pytest.mark.parametrize(("preset", "most"), [("jsb_nade", 5.56), ("jsb_independent", 8.10)])
def test_music_reaches_what_it_claims_in_nats_a_frame(preset, most):
    record = read_records(ROOT / "apps" / "music_generation")[preset]
    assert record["examples"] == {"train": 229, "validation": 76, "test": 77}
    value = record["scores"]["test"]["nll"]
    assert value <= most
    assert record["baselines"]["independent"]["test"] == pytest.approx(11.06, abs=0.01)
    for row in record["variants"]:
        if row["variant"].startswith("int8"):
            assert row["metric"] <= 1.02 * in_keras(record), row["variant"]


@pytest.mark.parametrize(
    ("preset", "test", "novel"), [("default", 0.70, 0.65), ("medium", 0.75, 0.65), ("full", 0.95, 0.80)]
)
def test_captions_of_drawn_scenes_hold_on_combinations_never_seen(preset, test, novel):
    scores = read_records(ROOT / "apps" / "image_captioning")[preset]["scores"]
    assert scores["test"]["facts"] >= test
    assert scores["novel"]["facts"] >= novel


def test_captions_of_pictures_from_above_reach_what_they_claim():
    record = read_records(ROOT / "apps" / "image_captioning")["aerial"]
    assert record["examples"] == {"train": 1512, "validation": 168, "test": 210}
    scores = record["scores"]["test"]
    assert scores["cider"] >= 2.6
    assert scores["bleu_4"] >= 0.52
    assert record["training_minutes"] <= 40
    assert record["scores"]["test"]["cider"] > max(of["test"] for of in record["baselines"].values())
    for row in record["variants"]:
        if row["variant"].startswith("int8"):
            assert row["metric"] >= 0.97 * in_keras(record)
        if row["variant"].startswith("float32"):
            assert row["max_abs_error"] <= 0.01  # of the images have another caption than from Keras
    figures = record["figures"]
    assert figures["beam_search.log_probability"] > figures["greedy.log_probability"]


def test_forecasts_of_the_weather_reach_what_they_claim():
    record = read_records(ROOT / "apps" / "forecasting")["default"]
    scores, figures = record["scores"]["whole"], record["figures"]
    assert scores["mse"] < min(values["whole"] for values in record["baselines"].values())
    assert 0.75 <= scores["coverage_80"] <= 0.85
    assert figures["mae.temp_max.network"] < 2.84  # in degrees, seven days ahead: ridge's figure
    for name in ("precipitation", "wind"):  # of both temperatures ridge knows as much
        others = [figures[f"mae.{name}.{method}"] for method in record["baselines"]]
        assert figures[f"mae.{name}.network"] < min(others)


@pytest.mark.parametrize(("preset", "least"), [("default", 0.66), ("imdb", 0.88), ("sst2", 0.82)])
def test_sentiment_reaches_what_it_claims(preset, least):
    record = read_records(ROOT / "apps" / "sentiment")[preset]
    value = record["scores"]["test"]["accuracy"]
    assert value >= least
    assert value > max(values["test"] for values in record["baselines"].values())


def test_sentiment_beats_the_simple_methods_and_vader_where_people_rated():
    record = read_records(ROOT / "apps" / "sentiment")["default"]
    for source in ("products", "films", "news"):
        others = [values[source] for values in record["baselines"].values()]
        assert record["scores"][source]["accuracy"] > max(others)
    assert record["scores"]["everyday"]["accuracy"] >= 76 / 90
    assert record["training_minutes"] <= 3


def test_word_order_is_worth_25_points_over_the_bag_of_words():
    record = read_records(ROOT / "apps" / "sentiment")["default"]
    bag = record["baselines"]["bag_of_words"]["order"]
    assert bag <= 0.55
    assert record["scores"]["order"]["accuracy"] >= bag + 0.25


def test_tables_show_mean_and_spread_of_several_seeds_and_say_where_there_is_one():
    one = RECORD | {"intervals": {"test": [0.7, 0.8]}}
    several = RECORD | {
        "scores": {"test": {"accuracy": 0.75}},
        "spread": {
            "scores": {"test": {"accuracy": {"std": 0.0123, "min": 0.7, "max": 0.8}}},
            "baselines": {"majority": {"test": {"std": 0.0, "min": 0.5, "max": 0.5}}},
        },
        "best_seed": 2,
        "runs": [
            {"seed": seed, "validation": 0.9, "scores": {"test": {"accuracy": 0.7}}} for seed in (1, 2, 3)
        ],
    }
    table = markdown_table({"one": one, "several": several})
    assert "| `one` | somewhere | test | 4 | 0.5000 | **0.7500** (1 seed; 0.700 to 0.800) | 0.1 |" in table
    assert "| `several` | somewhere | test | 4 | 0.5000 | **0.7500** ± 0.0123 (3 seeds) | 0.1 |" in table
    assert "Presets that train for more than 15 minutes are recorded with one seed." in table
    printed = summary(Result("0" * 32, Path("exports/one/best"), "models:/m-1", several), "how to predict")
    assert "no better" not in printed
    assert "next:\n  how to predict\n" in printed
    assert re.search(r"this network +0\.7500 ± 0\.0123\n", printed)
    assert re.search(r"seed 2 \(validation 0\.9000\) +0\.7000\n", printed)
    assert "seed 2, the best on validation:" in printed


def test_tables_of_presets_with_different_metrics_name_them_in_the_rows():
    other = RECORD | {"metric": "nll", "scores": {"test": {"nll": 0.5}}}
    table = markdown_table({"one": RECORD, "other": other})
    assert "| network | minutes |" in table
    assert "| accuracy **0.7500** (1 seed" in table
    assert "| nll **0.5000** (1 seed" in table
    assert "test metric" in table


@pytest.mark.parametrize("page", [None, "http://127.0.0.1:5001/#/experiments/3/runs/1"])
def test_the_last_line_says_where_the_run_is_shown(page):
    result = Result("0" * 32, Path("exports/one/best"), "models:/m-1", RECORD, page)
    last = summary(result, "predict").splitlines()[-1]
    assert re.fullmatch(
        rf"  {re.escape(page or 'make ui')} +the run, its plots and files, in the browser", last
    )


RECORD = {
    "app": "one",
    "preset": "p",
    "metric": "accuracy",
    "higher_is_better": True,
    "data": "somewhere",
    "examples": {"test": 4},
    "scores": {"test": {"accuracy": 0.75}},
    "baselines": {"majority": {"test": 0.5}},
    "training_minutes": 0.1,
    "left_out": {},
    "variants": [
        {"variant": variant, "metric": 0.5, "bytes": 10, "latency_p50_ms": 1.0, "max_abs_error": 0.0}
        for variant in ("Keras", "int8_loop.tflite")
    ],
}


@pytest.mark.parametrize(("accuracy", "higher_is_better"), [(0.5, True), (0.4, True), (0.75, False)])
def test_a_network_that_is_no_better_than_a_simple_method_says_so_under_the_table(accuracy, higher_is_better):
    scores = {"scores": {"test": {"accuracy": accuracy}}, "higher_is_better": higher_is_better}
    printed = summary(Result("0" * 32, Path("exports/one/best"), "models:/m-1", RECORD | scores), "")
    assert re.search(rf"this network \(no better\) +{accuracy:.4f}\n", printed)
    assert "\nthis network is no better than majority on test: it is no model to use\n" in printed


def test_a_record_takes_the_place_of_its_presets_older_one(tmp_path):
    folder = tmp_path / "apps" / "one"
    folder.mkdir(parents=True)
    readme = tmp_path / "README.md"
    begin, end = "<!-- results: generated from results.json, do not edit -->", "<!-- end of results -->"
    readme.write_text(f"before\n{begin}\nold\n{end}\nafter\n")
    keep_record("one", RECORD, tmp_path)
    keep_record("one", RECORD | {"scores": {"test": {"accuracy": 0.5}}}, tmp_path)
    assert list(read_records(folder)) == ["p"]
    text = readme.read_text()
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    network, device = "**0.5000** (1 seed)", "0.5000, 0 KB (int8_loop.tflite)"
    row = f"| one | `p` | somewhere | accuracy | 0.5000 | {network} | {device} |"
    assert row in text
    assert "old" not in text
