"""Training repeats itself, stops in time, keeps the best, and goes on where it was interrupted."""

import contextlib
import dataclasses
import signal

import keras
import numpy as np
import pytest

import layers
from pipelines.config import ClassifierConfig, Config
from pipelines.data.examples import Features
from pipelines.evaluation.predictors import KerasPredictor
from pipelines.training import fit as fitting
from pipelines.training import interruption
from pipelines.training.batches import batches, class_weights, dataset
from pipelines.training.checkpoint import Checkpoint
from pipelines.training.fit import _mean_loss, _validate, compile_model, fit, seed_everything

LOSS = "validation.loss"
CONFIG = Config(epochs=4, batch_size=16, learning_rate=0.02, patience=4, seed=3)


def accuracy(outputs, targets):
    return float(np.mean(outputs.argmax(axis=1) == targets))


@pytest.fixture(scope="module")
def features():
    """Sequences of 3 to 12 steps over five tokens; the label is the first token's parity."""
    rng = np.random.default_rng(0)
    inputs, targets, lengths = {}, {}, {}
    for split, count in (("train", 70), ("validation", 30), ("test", 30)):
        lengths[split] = rng.integers(3, 13, count)
        tokens = rng.integers(1, 6, (count, 12)) * (np.arange(12) < lengths[split][:, None])
        inputs[split], targets[split] = tokens.astype(np.int32), (tokens[:, 0] % 2).astype(np.int32)
    return Features(inputs, targets, ("even", "odd"), lengths=lengths)


def make_model(config, features):
    seed_everything(config.seed)
    tokens = keras.Input([None], dtype="int32")
    x = keras.layers.Embedding(6, 4, mask_zero=True)(tokens)
    x = keras.layers.Dropout(0.2)(x)
    x = layers.GRU(5, dropout=0.1, name="recurrent")(x)
    model = keras.Model(tokens, keras.layers.Dense(2, activation="softmax")(x))
    compile_model(model, config, keras.losses.SparseCategoricalCrossentropy(), features)
    return model


def run(config, features, folder, on_epoch=lambda epoch, values: None, metric=accuracy):
    model = make_model(config, features)
    folder.mkdir(exist_ok=True)
    progress = fit(
        model,
        features,
        config,
        metrics={"accuracy": metric},
        checkpoint=Checkpoint(folder),
        on_epoch=on_epoch,
    )
    return model, progress


@pytest.fixture(scope="module")
def whole(features, tmp_path_factory):
    """A training that nothing interrupts: folder, model, progress."""
    folder = tmp_path_factory.mktemp("whole")
    return folder, *run(CONFIG, features, folder)


def test_on_a_plateau_the_learning_rate_is_halved_also_when_resumed(features, tmp_path):
    rates = []

    def stop_once(epoch, values):
        rates.append(values["learning_rate"])
        if len(rates) == 3:
            raise KeyboardInterrupt

    never_better = stop_once, lambda outputs, targets: 0.5
    config = dataclasses.replace(CONFIG, schedule="plateau")
    with pytest.raises(KeyboardInterrupt):
        run(config, features, tmp_path, *never_better)
    run(config, features, tmp_path, *never_better)
    assert rates == pytest.approx([0.02, 0.02, 0.01, 0.01, 0.005])


def test_balanced_weights_let_every_label_count_the_same(features, tmp_path):
    settings = dataclasses.asdict(CONFIG) | {"epochs": 1}
    plain, balanced = (ClassifierConfig(**settings, class_weights=each) for each in ("none", "balanced"))
    rare = np.array([0] * 60 + [1] * 10, np.int32)
    unbalanced = dataclasses.replace(
        features, targets={**features.targets, "train": rare}, labels=("even", "odd", "none")
    )
    assert class_weights(unbalanced, plain, 0) is None
    assert class_weights(unbalanced, balanced, 0) == pytest.approx({0: 70 / 120, 1: 70 / 20, 2: 1.0})
    answers = []
    for config in (plain, balanced):
        model, _ = run(config, unbalanced, tmp_path / config.class_weights)
        answers.append(model.predict(unbalanced.inputs["test"], verbose=0)[:, 1].mean())
    assert answers[1] > answers[0]


def test_batches_hold_every_example_once_cut_to_the_longest(features):
    seen = []
    for inputs, targets in batches(features, CONFIG, epoch=0):
        assert len(inputs) == len(targets) <= CONFIG.batch_size
        assert inputs.shape[1] in (8, 12)
        assert inputs.shape[1] == 12 or (features.inputs["train"] != 0).sum(axis=1).min() <= 8
        seen += [tuple(row[row > 0]) for row in inputs]
    expected = [tuple(row[row > 0]) for row in features.inputs["train"]]
    assert sorted(seen) == sorted(expected)


def test_batches_differ_by_epoch_and_repeat_by_seed(features):
    def order(config, epoch):
        return [targets.tolist() for _, targets in batches(features, config, epoch)]

    assert order(CONFIG, 0) == order(CONFIG, 0)
    assert order(CONFIG, 0) != order(CONFIG, 1)
    assert order(CONFIG, 0) != order(dataclasses.replace(CONFIG, seed=4), 0)


def test_the_first_epochs_may_see_another_split(features):
    other = dataclasses.replace(
        features,
        inputs={**features.inputs, "pretraining": features.inputs["test"]},
        targets={**features.targets, "pretraining": features.targets["test"]},
        lengths={**features.lengths, "pretraining": features.lengths["test"]},
    )
    config = dataclasses.replace(CONFIG, pretraining_epochs=2)
    sizes = [sum(len(targets) for _, targets in batches(other, config, epoch)) for epoch in range(4)]
    assert sizes == [30, 30, 70, 70]


def test_same_seed_same_numbers_and_the_loss_falls(whole, features, tmp_path):
    _, first, progress = whole
    second, again = run(CONFIG, features, tmp_path)
    assert progress.history == again.history
    for a, b in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert progress.history[-1]["loss"] < progress.history[0]["loss"]


def test_an_interrupted_training_goes_on_to_the_same_weights(whole, features, tmp_path):
    _, uninterrupted, expected = whole

    def interrupt(epoch, values):
        if epoch == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(CONFIG, features, tmp_path, interrupt)
    stopped = Checkpoint(tmp_path).load()
    assert stopped.epochs == 2
    told = []
    resumed, progress = run(CONFIG, features, tmp_path, lambda epoch, values: told.append(epoch))
    assert told == [3, 4]
    assert progress.seconds > stopped.seconds > 0
    assert progress.history == expected.history
    assert progress.gradients == expected.gradients
    for a, b in zip(uninterrupted.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_signal_whose_exception_is_lost_stops_the_training_at_the_next_batch(
    features, tmp_path, monkeypatch
):
    seen, handler = [], signal.getsignal(signal.SIGHUP)
    monkeypatch.setattr(layers.Diagnostics, "on_epoch_end", lambda *_: pytest.fail("the epoch went on"))

    def lose(batch):
        seen.append(batch)
        with contextlib.suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGHUP)

    monkeypatch.setattr(fitting, "dataset", lambda *args: (lose(1), dataset(*args))[1])
    signal.signal(signal.SIGHUP, interruption.interrupt)
    try:
        with pytest.raises(KeyboardInterrupt):
            run(CONFIG, features, tmp_path)
    finally:
        signal.signal(signal.SIGHUP, handler)
    assert seen == [1]
    assert Checkpoint(tmp_path).load().epochs == 0


def test_signals_stop_unless_the_process_was_told_to_ignore_them():
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in numbers}
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)  # in the background it is ignored
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
        interruption.stop_at_signals()
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
        for number in (signal.SIGINT, signal.SIGTERM):
            with pytest.raises(KeyboardInterrupt):
                signal.raise_signal(number)
        with pytest.raises(KeyboardInterrupt):
            interruption.check()
        interruption.check()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def test_a_finished_training_is_not_trained_again(whole, features):
    folder, _, progress = whole
    model, again = run(CONFIG, features, folder, lambda *_: pytest.fail("trained an epoch"))
    assert again.finished
    assert again.seconds == progress.seconds
    np.testing.assert_array_equal(model.get_weights()[0], progress.best[0])


def test_it_stops_after_patience_epochs_and_keeps_the_best(features, tmp_path):
    config = dataclasses.replace(CONFIG, epochs=9, patience=2)
    scores = iter([0.5, 0.7, 0.6, 0.7, 0.9])
    model = make_model(config, features)
    weights = []
    progress = fit(
        model,
        features,
        config,
        metrics={"scripted": lambda outputs, targets: next(scores)},
        checkpoint=Checkpoint(tmp_path),
        on_epoch=lambda epoch, values: weights.append(model.get_weights()),
    )
    assert (progress.epochs, progress.best_epoch, progress.best_value) == (4, 2, 0.7)
    for kept, second in zip(model.get_weights(), weights[1], strict=True):
        np.testing.assert_array_equal(kept, second)


def test_the_loss_on_validation_is_that_of_the_outputs(whole, features):
    _, model, progress = whole
    targets = features.targets["validation"]
    outputs = model.predict(features.inputs["validation"], verbose=0)
    best = progress.history[progress.best_epoch - 1]
    assert best["validation.loss"] == pytest.approx(-np.log(outputs[np.arange(30), targets]).mean(), rel=1e-5)
    assert list(best)[:3] == ["validation.accuracy", "validation.loss", "loss"]


def test_the_loss_of_a_network_that_is_not_deployed_needs_inputs_of_its_own(whole, features, tmp_path):
    _, trained, _ = whole
    inputs, targets = features.inputs["validation"], features.targets["validation"]
    deployed = keras.Model(trained.inputs, keras.layers.Flatten()(trained.outputs[0]))
    for own, names in ((None, ["validation.accuracy"]), ((inputs, targets), ["validation.accuracy", LOSS])):
        validated = dataclasses.replace(features, validation=own)
        values = _validate(
            trained, deployed, validated, {"accuracy": accuracy}, predictor=KerasPredictor(deployed)
        )
        assert list(values) == names
    assert values[LOSS] == pytest.approx(trained.evaluate(inputs, targets, verbose=0), rel=1e-5)


def test_the_mean_loss_is_that_over_examples_whatever_the_batches(features):
    targets, outputs = np.arange(100) % 2, np.random.default_rng(0).dirichlet([1, 1], 100)
    loss = keras.losses.SparseCategoricalCrossentropy()
    expected = -np.log(outputs[np.arange(100), targets]).mean()
    assert _mean_loss(loss, targets, lambda rows: outputs[rows]) == pytest.approx(expected, rel=1e-5)


def test_the_learning_rate_warms_up_and_decays_to_nothing(whole):
    rates = [values["learning_rate"] for values in whole[2].history]
    assert CONFIG.learning_rate > rates[0] > rates[1] > rates[2] > rates[3]
    assert rates[3] == pytest.approx(0, abs=1e-3 * CONFIG.learning_rate)


def test_each_epoch_tells_what_was_clipped_and_how_gradients_fade(whole, features):
    progress = whole[2]
    steps = len(list(batches(features, CONFIG, epoch=0)))
    for values, curves in zip(progress.history, progress.gradients, strict=True):
        assert 0 <= values["clipped_steps"] <= steps
        assert values["gradient_norm"] > 0
        assert values["diagnostics.recurrent.spectral_radius"] > 0
        assert list(curves) == ["recurrent.h"]
        of_loss, of_last_output = curves["recurrent.h"]
        assert len(of_loss) == len(of_last_output) <= 12
        assert of_loss[-1] / of_loss[1] == values["diagnostics.recurrent.h.gradient_ratio"]


@pytest.mark.parametrize(("limit", "share"), [(1e-6, 1), (1e6, 0)])
def test_steps_above_the_norm_are_counted_for_each_epoch(features, tmp_path, limit, share):
    config = dataclasses.replace(CONFIG, epochs=2, clip_norm=limit)
    _, progress = run(config, features, tmp_path)
    steps = len(list(batches(features, config, epoch=0)))
    assert [values["clipped_steps"] for values in progress.history] == [share * steps] * 2


def test_a_resumed_training_has_the_pictures_of_all_epochs(whole):
    folder, _, progress = whole
    assert Checkpoint(folder).load().gradients == progress.gradients
