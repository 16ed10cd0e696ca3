"""What a run shows of a training; a record says which data and settings it had, and not where they lie."""

import logging
from pathlib import Path
from types import SimpleNamespace

from pipelines.config import Config
from pipelines.evaluation import plots
from pipelines.evaluation.outcome import Outcome, Progress
from pipelines.training.experiment import _log_outcome, _portable, _teller


def test_a_record_keeps_the_names_of_files_and_not_their_folders(tmp_path):
    (tmp_path / "reviews.csv").touch()
    of_file = _portable(Config(dataset=str(tmp_path / "reviews.csv"), data_dir=tmp_path))
    assert (of_file["dataset"], of_file["data_dir"]) == ("reviews.csv", None)
    of_tfds = _portable(Config(dataset="glue/sst2", data_dir=Path("anywhere")))
    assert (of_tfds["dataset"], of_tfds["data_dir"]) == ("glue/sst2", None)


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
        _teller(run)(3, EPOCH | {"clipped_steps": 4.0})
    assert run.logged == {(name, 3): value for name, value in (EPOCH | {"clipped_steps": 4.0}).items()}
    assert caplog.messages == ["epoch 3: loss 0.5, validation.accuracy 0.75, clipped_steps 4"]


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
