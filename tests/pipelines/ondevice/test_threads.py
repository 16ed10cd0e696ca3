"""Threads that share a model or a stream take turns."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from reference import device_models
from reference.device_models import FEATURES

from pipelines.ondevice.model import Model, Stream

THREADS, CALLS = 8, 100_000


def in_threads(call: Callable[[int], None], calls: int) -> None:
    def calls_of(thread: int) -> None:
        for number in range(thread, calls, THREADS):
            call(number)

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(calls_of, range(THREADS)))


def test_each_thread_gets_the_answer_to_its_own_question(tiny) -> None:
    model = Model(tiny.exported.bundle.variant_path())
    expected = model.predict(tiny.inputs[:50])

    def call(number: int) -> None:
        row = number % 50
        answer = model(tokens=tiny.inputs[row : row + 1])["probabilities"]
        np.testing.assert_array_equal(answer, expected[row : row + 1])

    in_threads(call, CALLS // 20)


@pytest.fixture
def stream(tmp_path) -> Stream:
    return Stream(device_models.step(tmp_path))


def test_a_stream_counts_every_step_of_every_thread(stream: Stream) -> None:
    x = np.zeros((1, 1, FEATURES), np.float32)
    in_threads(lambda number: stream(features=x) and None, CALLS)
    assert stream.state["clock_count"] == CALLS


def test_a_stream_may_be_reset_and_read_while_it_runs(stream: Stream) -> None:
    x = np.ones((1, 1, FEATURES), np.float32)

    def call(number: int) -> None:
        if number % 7 == 0:
            stream.reset()
        elif number % 7 == 1:
            stream.state = stream.state
        else:
            stream(features=x)

    in_threads(call, CALLS // 20)
    assert 0 <= stream.state["clock_count"] <= CALLS
