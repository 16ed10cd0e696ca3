"""Pruned weights: how many are zero, when, that they stay so, and that a resumed training has the same."""

import keras
import numpy as np
import pytest

import layers
from pipelines.config import Config
from pipelines.data.examples import Features
from pipelines.errors import UserError
from pipelines.training.checkpoint import Checkpoint
from pipelines.training.fit import compile_model, fit, seed_everything
from pipelines.training.pruning import Pruning
from pipelines.training.zipped import zipped_sizes

PRUNED = Config(sparsity=0.75, epochs=6, patience=6, batch_size=16, learning_rate=0.02)


@pytest.fixture(scope="module")
def features():
    rng = np.random.default_rng(0)
    inputs = {split: rng.normal(size=(40, 5, 3)).astype(np.float32) for split in ("train", "validation")}
    return Features(
        inputs, {split: (x[:, 0, 0] > 0).astype(np.int32) for split, x in inputs.items()}, ("-", "+")
    )


def run(features, folder, on_epoch=lambda epoch, values: None):
    seed_everything(3)
    model = keras.Sequential(
        [keras.Input((5, 3)), layers.GRU(4), keras.layers.Dense(2, activation="softmax")]
    )
    compile_model(model, PRUNED, keras.losses.SparseCategoricalCrossentropy(), features)
    folder.mkdir(exist_ok=True)
    metrics = {"accuracy": lambda outputs, targets: float(np.mean(outputs.argmax(1) == targets))}
    progress = fit(model, features, PRUNED, metrics=metrics, checkpoint=Checkpoint(folder), on_epoch=on_epoch)
    return model, progress


class StopError(Exception):
    pass


def shares(model):
    """Return the share of zeros of each matrix."""
    return {
        each.path: float(np.mean(each.numpy() == 0)) for each in model.trainable_variables if each.ndim > 1
    }


def test_every_matrix_gets_its_share_of_zeros_by_half_of_the_epochs(features, tmp_path):
    model, progress = run(features, tmp_path / "run")
    for path, share in shares(model).items():
        size = next(each.numpy().size for each in model.variables if each.path == path)
        assert share == round(0.75 * size) / size, path
    assert any(np.any(each.numpy()) for each in model.trainable_variables if each.ndim == 1)  # biases stay
    assert progress.best_epoch > 3  # before that, zeros were missing


def test_zeros_come_fast_at_first():
    seen = []
    model = keras.Sequential([keras.Input((20,)), keras.layers.Dense(30)])
    pruning = Pruning(model, 0.75, 6)
    for weight in model.trainable_variables:
        weight.assign(np.random.default_rng(0).normal(size=weight.shape))
    for epoch in range(4):
        pruning.start_epoch(epoch)
        seen.append(np.mean(list(shares(model).values())))
    wanted = [0.75 * (1 - (2 / 3) ** 3), 0.75 * (1 - (1 / 3) ** 3), 0.75, 0.75]
    np.testing.assert_allclose(seen, wanted, atol=0.02)


def test_a_resumed_training_prunes_the_same_weights(features, tmp_path):
    def stop(epoch, _):
        if epoch == 3:
            raise StopError

    whole, _ = run(features, tmp_path / "whole")
    with pytest.raises(StopError):
        run(features, tmp_path / "resumed", stop)
    resumed, _ = run(features, tmp_path / "resumed")
    for one, other in zip(whole.trainable_variables, resumed.trainable_variables, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())


def test_files_of_zeros_are_small_in_a_zip(tmp_path):
    (tmp_path / "dense.tflite").write_bytes(np.random.default_rng(0).bytes(4000))
    (tmp_path / "sparse.tflite").write_bytes(bytes(4000))
    (tmp_path / "other.txt").write_bytes(b"")
    sizes = zipped_sizes(tmp_path)
    assert set(sizes) == {"zipped_bytes.dense", "zipped_bytes.sparse"}
    assert sizes["zipped_bytes.sparse"] < 100 < 4000 <= sizes["zipped_bytes.dense"]


@pytest.mark.parametrize("sparsity", [-0.1, 1.0, 2.0])
def test_a_share_that_leaves_nothing_is_refused(sparsity):
    with pytest.raises(UserError, match="--sparsity"):
        Config(sparsity=sparsity)
