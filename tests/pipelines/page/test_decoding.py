"""What the JavaScript of pages makes of a network's numbers, in Node.js: equal to Python."""

from __future__ import annotations

import numpy as np

from apps.handwriting.page import PenNumbers, ReplayingPen
from apps.text_generation.generate import Writer
from pipelines.data.strokes import to_points
from pipelines.ondevice.alphabet import Alphabet
from pipelines.ondevice.beam_search import Limits, Search, n_best
from pipelines.ondevice.pen_sampling import DrawingLimits, draw
from pipelines.page.replay import Numbers, Replaying

_STATES, _TOKENS = 7, 5


def searches() -> list[dict]:
    """Return networks as tables, and what beam search finds in them."""
    rng, found = np.random.default_rng(9), []
    for beams, length_penalty, count, no_repeat in (
        (1, 0.0, 1, 0),
        (3, 0.7, 1, 0),
        (4, 1.0, 3, 0),
        (3, 0.7, 2, 0),
        (3, 0.7, 2, 1),
        (3, 0.7, 1, 2),
        (4, 0.0, 2, 3),
    ):
        for _ in range(4):
            shares = rng.dirichlet(np.full(_TOKENS, 0.5), _STATES)
            shares[shares < (0.05 if no_repeat else 0)] = 0  # then some sequences can't go on
            with np.errstate(divide="ignore"):
                table = np.log(shares).astype(np.float32)

            class Network:
                scores = table

                def initial_state(self):
                    return {"at": 0}

                def __call__(self, token, state, /):
                    at = (3 * state["at"] + int(token) + 1) % _STATES
                    return {"log_probabilities": self.scores[at], "seen": np.array([at])}, {"at": at}

            search = Search(beams, length_penalty, no_repeat_ngram=no_repeat)
            best = n_best(Network(), Limits(4, 0, 9), search, count)
            results = [
                {
                    "tokens": list(each.tokens),
                    "logProbability": each.log_probability,
                    "outputs": [outputs["seen"].tolist() for outputs in each.outputs],
                    "finished": each.finished,
                }
                for each in best
            ]
            options = {"beams": beams, "lengthPenalty": length_penalty, "noRepeatNgram": no_repeat}
            rows = [[None if score == -np.inf else score for score in row] for row in table.tolist()]
            found.append({"table": rows, "options": options, "count": count, "results": results})
    return found


class _Table:
    """A network of symbols whose answers stand in a table."""

    def __init__(self, table: np.ndarray) -> None:
        self._table = table

    def initial_state(self):
        return {"at": 0}

    def __call__(self, symbol, state, /):
        at = (3 * state["at"] + int(symbol) + 1) % len(self._table)
        return {"probabilities": self._table[at]}, {"at": at}


_TEXTS = ("ab\u2019c d", "a", "", "caf\u00e9 \U0001f600", "\U0001f600b", "b a")


def writings() -> list[dict]:
    """Return alphabets, and what a network writes and completes with them."""
    rng, found = np.random.default_rng(10), []
    for characters in (" abcd\u00e9\u2019", "\n!ab", None):
        alphabet = Alphabet(characters)
        table = rng.dirichlet(np.full(len(alphabet), 0.3), _STATES).astype(np.float32)
        writer, draws = Writer(_Table(table), alphabet), rng.random(12)
        texts = [
            {
                "text": text,
                "numbers": alphabet.encode(text).tolist(),
                "unknown": list(dict.fromkeys(alphabet.unknown(text))),
                "written": writer.write(12, Replaying(0.7, numbers=Numbers(draws)), 0, primer=text),
                "words": [each._asdict() for each in writer.complete(text)],
            }
            for text in _TEXTS
        ]
        found.append(
            {"characters": characters, "table": table.tolist(), "draws": draws.tolist(), "texts": texts}
        )
    return found


def pens() -> list[dict]:
    """Return networks as tables of mixtures and windows, and what a pen writes with given numbers."""
    rng, found = np.random.default_rng(13), []
    gaussians, told = 3, [4, 1, 2, 0, 0]
    for bias, steps in ((0.0, 50), (0.5, 50), (3.0, 20), (0.5, 8)):
        table = rng.normal(size=(40, 6 * gaussians + 1 + len(told)))
        table[:, 5 * gaussians : 6 * gaussians] = rng.uniform(-0.9, 0.9, (40, gaussians))
        windows = np.linspace(-0.5, 3.4, 40)[:, None] - np.arange(len(told))
        table[:, -len(told) :] = np.exp(-4 * windows**2) * (bias != 0.5 or np.arange(len(told)) < 3)
        table = table.astype(np.float32)
        numbers = np.concatenate([rng.random((steps, 2)), rng.normal(size=(steps, 2))], axis=1)

        class Network:
            rows = table

            def initial_state(self):
                return {"at": 0}

            def __call__(self, step, state, /):
                row = self.rows[state["at"] % 40]
                size = len(row) - len(told)
                return {"mixture": row[:size], "window": row[size:]}, {"at": state["at"] + 1}

        sampler = ReplayingPen(bias, PenNumbers(numbers.tolist()))
        drawn = draw(Network(), DrawingLimits(steps, 3), sampler, np.random.default_rng(0))
        points = to_points(drawn.offsets * np.array([2.0, 3.0, 1.0]))
        case = {"table": table.tolist(), "told": told, "settings": {"bias": bias, "steps": steps}}
        results = {
            "offsets": drawn.offsets.tolist(),
            "finished": bool(drawn.finished),
            "points": points.tolist(),
        }
        found.append({**case, "numbers": numbers.tolist(), "results": results})
    return found


def test_what_is_decoded_is_that_of_python(node_test):
    node_test("decoding.test.mjs", {"searches": searches(), "writings": writings(), "pens": pens()})
