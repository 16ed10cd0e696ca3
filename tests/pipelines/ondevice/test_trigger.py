"""Events from constructed posteriors, and packets from pieces of any size."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.ondevice.trigger import Event, Packets, Trigger

LABELS = ["yes", "no", "_silence_"]
QUIET = [0.0, 0.0, 1.0]


def events(trigger, posteriors):
    return [event for posterior in posteriors if (event := trigger(np.array(posterior)))]


def trigger(threshold=0.6, smoothing=1, suppression=0):
    return Trigger(
        LABELS, threshold=threshold, smoothing=smoothing, suppression=suppression, ignored=("_silence_",)
    )


def test_a_word_fires_once_when_it_reaches_the_threshold():
    heard = [QUIET, [0.5, 0, 0.5], [0.6, 0, 0.4], [0.9, 0, 0.1], [0.9, 0, 0.1], QUIET]
    assert events(trigger(), heard) == [Event(2, "yes", 0.6)]


def test_smoothing_averages_over_the_last_steps_and_over_those_there_are():
    heard = [[1, 0, 0], QUIET, [1, 0, 0], [1, 0, 0]]
    assert [e.step for e in events(trigger(0.6, smoothing=2), heard)] == [0, 3]
    assert events(trigger(0.7, smoothing=3), [QUIET, [1, 0, 0], [1, 0, 0], [1, 0, 0]]) == [
        Event(3, "yes", 1.0)
    ]


def test_one_step_of_noise_does_not_fire_a_smoothed_trigger():
    assert events(trigger(0.6, smoothing=3), [QUIET, QUIET, [1, 0, 0], QUIET, QUIET]) == []


def test_a_word_that_stays_fires_again_only_after_it_was_gone():
    assert len(events(trigger(), [[1, 0, 0]] * 50)) == 1
    assert [e.step for e in events(trigger(), [[1, 0, 0], QUIET, [1, 0, 0]])] == [0, 2]


@pytest.mark.parametrize(("suppression", "steps"), [(0, [0, 2]), (1, [0, 2]), (2, [0, 3]), (5, [0])])
def test_nothing_fires_while_it_is_suppressed(suppression, steps):
    heard = [[1, 0, 0], QUIET, [0, 1, 0], [0, 1, 0]]
    assert [e.step for e in events(trigger(suppression=suppression), heard)] == steps


def test_ignored_labels_never_fire_and_take_part_in_nothing():
    assert events(trigger(0.1), [QUIET] * 5) == []
    assert [e.label for e in events(trigger(0.3), [[0.1, 0.4, 0.5]])] == ["no"]


def test_reset_forgets_the_stream():
    one = trigger(suppression=9)
    assert events(one, [[1, 0, 0]])
    one.reset()
    assert events(one, [[1, 0, 0]]) == [Event(0, "yes", 1.0)]


@given(st.lists(st.integers(0, 50), max_size=30), st.integers(1, 16))
def test_packets_hold_the_stream_in_order_whatever_the_pieces(sizes, packet):
    stream = np.arange(sum(sizes), dtype=np.float32)
    cut = Packets(packet)
    packets = [each for piece in np.split(stream, np.cumsum(sizes)) for each in cut(piece)]
    assert all(each.shape == (packet,) for each in packets)
    assert len(packets) == len(stream) // packet
    np.testing.assert_array_equal(np.concatenate([*packets, []]), stream[: len(packets) * packet])
