"""The gallery of captions: what is good, and what is not."""

import numpy as np

from apps.image_captioning.plots import exhibited

CAPTIONS = ["a red circle", "a a circle", "a blue square", "two dots", "a a a a a", ""]


def test_good_captions_beat_a_simple_method_and_say_no_word_twice_in_a_row():
    scores = np.array([2.0, 3.0, 1.0, 0.6, 4.0, 0.0])
    shown = exhibited(CAPTIONS, scores, simple=0.5)
    assert shown == {"good": [0, 2, 3], "middling": [0, 2, 3], "worst": [5, 3, 2]}
    assert exhibited(CAPTIONS, scores, simple=1.0)["good"] == [0]


def test_a_network_without_a_good_caption_has_none_in_its_gallery():
    assert exhibited(CAPTIONS, np.zeros(6), simple=0.0)["good"] == []
