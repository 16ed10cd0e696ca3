"""What a run shows of a training."""

import logging
from types import SimpleNamespace

from pipelines.config import Config
from pipelines.evaluation import plots
from pipelines.evaluation.outcome import Outcome, Progress
from pipelines.training.experiment import _EpochLog, _log_outcome


class Run:
    """Takes down what it is given to log."""

    def __init__(self):
        self.logged, self.figures = {}, {}

    def metrics(self, values, step=None):
        self.logged.update({(name, step): value for name, value in values.items()})

    def figure(self, name, figure):
        self.figures[name] = figure


EPOCH = {"loss": 0.5, "diagnostics.recurrent.spectral_radius": 1.5, "validation.accuracy": 0.75}
CURVES = {"recurrent.h": [[1.0, 0.1, 0.01], [2.0, 0.0, 0.2]]}


def test_every_number_of_an_epoch_is_logged_and_the_main_ones_are_said(caplog):
    run = Run()
    with caplog.at_level(logging.INFO, "pipelines.training.experiment"):
        _EpochLog(run)(3, EPOCH | {"clipped_steps": 4.0})
    assert run.logged == {(name, 3): value for name, value in (EPOCH | {"clipped_steps": 4.0}).items()}
    assert caplog.messages == ["epoch 3: loss 0.5, validation.accuracy 0.75, clipped_steps 4"]


def test_of_several_seeds_each_epoch_says_which_one_and_the_time_left(caplog, monkeypatch):
    clock = iter((0.0, 60.0, 120.0))
    monkeypatch.setattr("pipelines.training.experiment.time.monotonic", lambda: next(clock))
    epoch_log = _EpochLog(Run(), number=2, seeds=3, epochs=10)
    with caplog.at_level(logging.INFO, "pipelines.training.experiment"):
        epoch_log(1, {"loss": 0.5})
        epoch_log(2, {"loss": 0.25})
    assert caplog.messages == [
        "seed 2 of 3, epoch 1: loss 0.5; up to 19 min of training left",
        "seed 2 of 3, epoch 2: loss 0.25; up to 18 min of training left",
    ]


def logged(gradients):
    run = Run()
    app = SimpleNamespace(plots=lambda config, outcome: {})
    progress = Progress([EPOCH, EPOCH], best_epoch=1, gradients=gradients)
    _log_outcome(app, Config(), Outcome(None, None, None, None, progress, {}, {}, {}, {}), run)
    return run


def test_a_run_shows_gradients_by_lag_where_there_are_recurrent_layers():
    assert list(logged([CURVES, CURVES]).figures) == ["learning_curves", "gradient_by_lag"]
    assert list(logged([{}, {}]).figures) == ["learning_curves"]


def test_the_picture_of_gradients_has_a_line_an_epoch_on_a_logarithmic_scale():
    of_loss, of_output, *_ = plots.gradient_by_lag([CURVES, CURVES, CURVES]).axes
    for axes, curve in ((of_loss, [1.0, 0.1, 0.01]), (of_output, [2.0, None, 0.2])):
        assert axes.get_yscale() == "log"
        assert len(axes.lines) == 3
        drawn = axes.lines[0].get_ydata()
        assert [None if value != value else value for value in drawn.tolist()] == curve
        assert tuple(axes.lines[0].get_color()) != tuple(axes.lines[2].get_color())


def test_learning_curves_leave_diagnostics_out():
    titles = [axes.get_title() for axes in plots.learning_curves([EPOCH, EPOCH], best_epoch=1).axes]
    assert titles == ["loss", "validation.accuracy"]
