"""The description of a run in MLflow."""

from pipelines.training.description import description, headline

RECORD = {
    "metric": "accuracy",
    "data": "reviews.csv",
    "scores": {"test": {"accuracy": 0.8949, "f1": 0.7}, "order": {"accuracy": 0.6}},
    "baselines": {"majority": {"test": 0.5, "order": 0.5}, "bag_of_words": {"test": 0.75, "order": 0.5}},
    "training_minutes": 1.5,
}
VARIANTS = [
    {"variant": "Keras", "bytes": 10, "metric": 0.8949},
    {"variant": "float32_loop.tflite", "bytes": 305_723, "metric": 0.8949},
    {"variant": "int8_loop.tflite", "bytes": 105_419, "metric": 0.8911},
]


def test_it_holds_the_figures_and_the_command_before_the_fold():
    assert headline(RECORD) == "0.895"
    assert description(RECORD, "train it").splitlines() == [
        "accuracy: test **0.895**, order **0.600**; "
        "simple methods on test: majority 0.500, bag of words 0.750",
        "",
        "`train it`",
        "",
        "- data: reviews.csv",
        "- 1.5 minutes of training",
    ]


def test_it_names_the_smallest_file_and_what_was_left_out():
    left_out = {"int16x8_loop.tflite": "error 0.3, at most 0.1"}
    lines = description(RECORD | {"variants": VARIANTS, "left_out": left_out}, "").splitlines()
    assert lines[4:6] == [
        "- smallest file: int8_loop.tflite, 105 KB, test 0.891",
        "- left out: int16x8_loop.tflite: error 0.3, at most 0.1",
    ]


def test_with_several_seeds_it_has_means_and_spreads():
    spread = {"scores": {"test": {"accuracy": {"std": 0.0202}}, "order": {"accuracy": {"std": 0.1}}}}
    record = RECORD | {"spread": spread, "runs": [{}, {}, {}]}
    assert headline(record) == "0.895 ± 0.020"
    text = description(record, "")
    assert text.startswith("accuracy: test **0.895 ± 0.020**, order **0.600 ± 0.100**; simple methods")
    assert text.endswith("- 1.5 minutes of training on average; means over 3 seeds")
