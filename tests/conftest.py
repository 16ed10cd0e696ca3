"""What every test starts from."""

import os
import random
import sys

import numpy as np
import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# What is compiled here runs not for long: less work for the compiler. At 0 the trainings take twice as long.
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=1")


@pytest.fixture(autouse=True)
def _same_start() -> None:
    """Seed everything and forget Keras's layer names; tests without Keras don't wait for its import.

    Nor is time spent on improving graphs that run a few times: a seventh of it. Trainings in processes of
    their own, as a user starts them, have it.
    """
    random.seed(20)
    np.random.seed(20)
    if tensorflow := sys.modules.get("tensorflow"):
        tensorflow.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    if keras := sys.modules.get("keras"):
        keras.utils.set_random_seed(20)
        keras.backend.clear_session(free_memory=False)
