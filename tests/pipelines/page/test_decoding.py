"""What the JavaScript of pages makes of a network's numbers, in Node.js: equal to Python."""

from __future__ import annotations

import numpy as np

from pipelines.ondevice.beam_search import Limits, Search, n_best

_STATES, _TOKENS = 7, 5


def searches() -> list[dict]:
    """Return networks as tables, and what beam search finds in them."""
    rng, found = np.random.default_rng(9), []
    for beams, length_penalty, count in ((1, 0.0, 1), (3, 0.7, 1), (4, 1.0, 3), (3, 0.7, 2)):
        for _ in range(4):
            table = np.log(rng.dirichlet(np.full(_TOKENS, 0.5), _STATES)).astype(np.float32)

            class Network:
                scores = table

                def initial_state(self):
                    return {"at": 0}

                def __call__(self, token, state, /):
                    at = (3 * state["at"] + int(token) + 1) % _STATES
                    return {"log_probabilities": self.scores[at], "seen": np.array([at])}, {"at": at}

            best = n_best(Network(), Limits(4, 0, 9), Search(beams, length_penalty), count)
            results = [
                {
                    "tokens": list(each.tokens),
                    "logProbability": each.log_probability,
                    "outputs": [outputs["seen"].tolist() for outputs in each.outputs],
                    "finished": each.finished,
                }
                for each in best
            ]
            options = {"beams": beams, "lengthPenalty": length_penalty}
            found.append({"table": table.tolist(), "options": options, "count": count, "results": results})
    return found


def test_what_is_decoded_is_that_of_python(node_test):
    node_test("decoding.test.mjs", {"searches": searches()})
