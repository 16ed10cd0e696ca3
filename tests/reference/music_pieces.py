"""Random pieces of music for property tests."""

import numpy as np
from hypothesis import strategies as st


@st.composite
def pieces(draw, voices=None):
    """Any piece: each voice a chain of notes and rests."""
    columns, steps = [], draw(st.integers(1, 24))
    for _ in range(voices or draw(st.integers(1, 4))):
        column = []
        while len(column) < steps:
            pitch, length = draw(st.one_of(st.just(0), st.integers(21, 108))), draw(st.integers(1, 5))
            column += [pitch] + [-pitch] * (length - 1)
        columns.append(column[:steps])
    return np.array(columns, np.int16).T
