"""What is logged and shown after each epoch."""

import logging

import pytest

from pipelines.training.epoch_log import EpochLog, SeedNumber, log_diagnostics

EPOCH = {"loss": 0.5, "diagnostics.recurrent.spectral_radius": 1.5, "validation.accuracy": 0.75}


class Run:
    """Keeps what it is given to log."""

    def __init__(self):
        self.metrics_logged, self.curves_logged, self.files = {}, [], {}

    def metrics(self, values, step=None):
        self.metrics_logged.update({(name, step): value for name, value in values.items()})

    def curves(self, epochs):
        self.curves_logged += epochs

    def folder(self, path, name):
        self.files[name] = {file.name: file.read_text() for file in path.iterdir()}


@pytest.fixture(autouse=True)
def _messages(caplog):
    caplog.set_level(logging.INFO, "pipelines.training.epoch_log")


def test_metrics_of_an_epoch_are_logged_and_shown_in_their_order_and_diagnostics_come_later(caplog):
    run, values = Run(), EPOCH | {"clipped_steps": 4.0}
    EpochLog(run, epochs=9)(3, values)
    logged = {("loss", 3): 0.5, ("validation.accuracy", 3): 0.75, ("clipped_steps", 3): 4.0}
    assert list(run.metrics_logged.items()) == list(logged.items())
    log_diagnostics(run, [values, {"loss": 0.25}])
    assert run.curves_logged == [{"diagnostics.recurrent.spectral_radius": 1.5}, {}]
    shown = "epoch 3: loss 0.5, validation.accuracy 0.75, clipped_steps 4; up to 10 s of training left"
    assert caplog.messages == [shown]


def test_the_last_epoch_leaves_no_time(caplog):
    EpochLog(Run(), epochs=3)(3, {"loss": 0.5})
    assert caplog.messages == ["epoch 3: loss 0.5"]


def test_with_several_seeds_each_epoch_shows_which_one_and_the_time_left(caplog, monkeypatch):
    clock = iter((0.0, 60.0, 120.0))
    monkeypatch.setattr("pipelines.training.epoch_log.time.monotonic", lambda: next(clock))
    epoch_log = EpochLog(Run(), epochs=10, seed=SeedNumber(2, 3))
    epoch_log(1, {"loss": 0.5})
    epoch_log(2, {"loss": 0.25})
    assert caplog.messages == [
        "seed 2 of 3, epoch 1: loss 0.5; up to 19 min of training left",
        "seed 2 of 3, epoch 2: loss 0.25; up to 18 min of training left",
    ]


def test_the_run_keeps_a_sample_of_each_epoch():
    run = Run()
    EpochLog(run, epochs=9, sample=lambda epoch, folder: (folder / "text").write_text(f"of {epoch}"))(
        7, EPOCH
    )
    assert run.files == {"samples/epoch_007": {"text": "of 7"}}
