"""Several processes train as one would; if one dies, all end, and the training goes on."""

import time

import numpy as np
import pytest
from reference.teams import CONFIG, PATIENCE, STEPS, TinyApp, ended, features, start_all, train, weights_of

from pipelines.training.batches import count_batches

pytestmark = pytest.mark.long
DONE = [(0, ""), (0, "")]


@pytest.fixture(scope="module")
def together(tmp_path_factory):
    """The weights of two workers that share each batch."""
    folder = tmp_path_factory.mktemp("together")
    assert ended(start_all(2, folder)) == DONE
    return weights_of(folder / "weights.npz")


def killed(folder, dying):
    """Start two workers of which one is killed in its third epoch; return the other's code and words."""
    processes = start_all(2, folder, dies_after={dying: 2})
    processes[dying].wait(PATIENCE)
    died = time.monotonic()
    code, said = ended(processes)[1 - dying]
    assert time.monotonic() - died < 60
    assert said.count("\n") == 1
    assert not (folder / "weights.npz").exists()
    return code, said


def test_two_workers_give_the_weights_of_one_process_after_200_steps(together, tmp_path):
    assert sum(count_batches(features(), CONFIG, epoch) for epoch in range(CONFIG.epochs)) == STEPS
    alone = [variable.numpy() for variable in train(TinyApp(0.0), tmp_path).variables]
    assert len(alone) == len(together)
    for one, two in zip(alone, together, strict=True):
        np.testing.assert_allclose(two, one, atol=1e-4)


def test_a_killed_worker_ends_the_chief_in_a_line_and_the_training_goes_on(together, tmp_path):
    code, said = killed(tmp_path, dying=1)
    assert code == 1
    assert said.startswith("error: worker 1 (127.0.0.1:")
    assert said.endswith("can't train without it: again\n")
    assert ended(start_all(2, tmp_path)) == DONE
    for whole, resumed in zip(together, weights_of(tmp_path / "weights.npz"), strict=True):
        np.testing.assert_array_equal(resumed, whole)


def test_a_killed_chief_ends_the_worker_in_a_line(tmp_path):
    code, said = killed(tmp_path, dying=0)
    assert code == 1
    assert said.startswith("error: the chief (127.0.0.1:")
