"""What a run shows of a trained network."""

from types import SimpleNamespace

from pipelines.config import Config
from pipelines.data.examples import Data
from pipelines.evaluation.outcome import Outcome, Progress
from pipelines.evaluation.score import FromCounts
from pipelines.training.scoring import log_outcome

EPOCH = {"loss": 0.5, "validation.accuracy": 0.75}
CURVES = {"recurrent.h": [[1.0, 0.1, 0.01], [2.0, 0.0, 0.2]]}


class Run:
    """Keeps what it is given to log."""

    def __init__(self):
        self.metrics_logged, self.figures, self.tables, self.tags_set = {}, {}, {}, {}

    def metrics(self, values):
        self.metrics_logged.update(values)

    def tags(self, values):
        self.tags_set.update(values)

    def headline(self, figure):
        self.name = figure

    def describe(self, text):
        self.description = text

    def figure(self, name, figure):
        self.figures[name] = figure

    def table(self, name, rows):
        self.tables[name] = rows


def logged(gradients, accuracy=0.75, metric=None):
    run = Run()
    plots = {"confusion": [{"label": "a"}], "nothing": []}
    app = SimpleNamespace(
        name="counting",
        presets={},
        metrics={"accuracy": metric},
        higher_is_better=True,
        plots=lambda config, outcome: plots,
    )
    outcome = Outcome(
        data=Data({}, (), "reviews.csv"),
        features=None,
        model=None,
        deployed=None,
        progress=Progress([EPOCH, EPOCH], best_epoch=1, gradients=gradients),
        outputs={},
        scores={"test": {"accuracy": accuracy}},
        intervals={"test": (0.7, 0.8)},
        baselines={"majority": {"test": 0.5}},
    )
    setup = SimpleNamespace(app=app, preset="default", config=Config(epochs=7), run=run, minutes=lambda: 1.5)
    log_outcome(setup, outcome)
    return run


def test_a_run_has_the_scores_their_intervals_and_the_baselines():
    assert logged([]).metrics_logged == {
        "test.accuracy": 0.75,
        "test.interval_low": 0.7,
        "test.interval_high": 0.8,
        "baseline.majority.test": 0.5,
        "best_epoch": 1,
    }


def test_a_run_has_its_figure_in_its_name_and_a_description():
    run = logged([])
    assert run.name == "0.750"
    first, _, command, *_ = run.description.splitlines()
    assert first == "accuracy: test **0.750**; simple methods on test: majority 0.500"
    assert command == "`python -m apps counting train --epochs 7`"


def test_a_run_shows_gradients_by_lag_where_there_are_recurrent_layers():
    assert list(logged([CURVES, CURVES]).figures) == ["learning_curves", "gradient_by_lag"]
    assert list(logged([{}, {}]).figures) == ["learning_curves"]


def test_a_table_without_rows_is_not_shown():
    assert list(logged([]).tables) == ["confusion"]


def test_a_run_that_is_no_better_than_a_simple_method_has_a_tag():
    assert logged([]).tags_set == {}
    assert logged([], accuracy=0.5).tags_set == {"no_better_than": "majority on test"}


def test_a_run_tells_how_exactly_a_metric_is_computed():
    exact = FromCounts(None, None, lambda: "case:mixed|version:1")
    assert logged([], metric=exact).tags_set["signature.accuracy"] == "case:mixed|version:1"
    assert not [name for name in logged([]).tags_set if name.startswith("signature")]
