"""How the JavaScript of pages cuts words and decodes tags, in Node.js: equal to Python."""

from __future__ import annotations

import numpy as np

from pipelines.ondevice.tag_decoding import chain_of, next_tag, span_probabilities, spans_of, viterbi
from pipelines.ondevice.tagged_words import WordReader, parts
from pipelines.ondevice.tokenizer import RESERVED
from pipelines.ondevice.word_offsets import words_of

_TEXTS = (
    "",
    "  a\tb\u00a0c \x85d\n",
    "Anna Keller's 3rd-floor flat, No. 12,345.6: 10:30!",
    "She didn't; we\u2019re CAN'T won't've rock'n'roll 'tis o'clock n't",
    "see https://example.org/a?b=\u00e9 or www.x.y, @anna_b #tag#tag @ #",
    "caf\u00e9 na\u00efve \U0001f600\U0001f468\u200d\U0001f469",
    "\u4f60\u597d e\u0301t\u00e9 \u0663\u0664,\u0665 a_b__c x-y.z- .q",
    "\u0130stanbul \u03a3\u03a3\u03a3 STRASSE \ufb01ne \u00bd \u00b2",
)


def texts() -> list[dict]:
    """Return the texts above and random ones, with their words and the numbers of these."""
    rng = np.random.default_rng(14)
    characters = [*"abnt'\u2019-._,:@#19 \u00e9A\u0301/\n", "\U0001f600", "https://", "n't", "www."]
    random = ["".join(rng.choice(characters, rng.integers(1, 25))) for _ in range(300)]
    found = []
    for text in (*_TEXTS, *random):
        words = [word.text for word in words_of(text)]
        rows = {name: each.encode(words, 9).ravel().tolist() for name, each in readers().items()}
        found.append({"text": text, "words": words, "rows": rows})
    return found


def readers() -> dict[str, WordReader]:
    """Return a reader of words and characters, and one that reads parts, too."""
    words = [*RESERVED, "anna", "a", "00:00", "caf\u00e9", "t"]
    known = sorted({each for word in ("Anna", "3rd", "can't", "e\u0301") for each in parts(word)})
    return {
        "plain": WordReader(words, "abnt'1A\u00e9", 6),
        "parts": WordReader(words, "abnt'1A\u00e9", 5, known),
    }


def chains() -> list[dict]:
    """Return outputs of networks, and the spans that are found in them."""
    rng, found = np.random.default_rng(15), []
    for learned in (True, False):
        for steps in (1, 2, 7, 7, 12):
            rows, tags = steps + 2, 5
            output = rng.normal(0, 2, (rows + (1 + tags if learned else 0), tags)).astype(np.float32)
            if not learned:
                output = rng.dirichlet(np.full(tags, 0.5), rows).astype(np.float32)
            chosen = np.arange(rows) >= 2
            chain = chain_of(output, chosen)
            best = viterbi(chain)
            last, by_step = 0, []
            for row in output[:rows][chosen]:
                by_step.append(last := next_tag(row, last))
            spans = spans_of(best)
            case = {"output": output.ravel().tolist(), "tags": tags, "rows": rows}
            results = {"best": best.tolist(), "spans": [span._asdict() for span in spans], "by_step": by_step}
            results["probabilities"] = span_probabilities(chain, spans)
            found.append({**case, "chosen": np.flatnonzero(chosen).tolist(), **results})
    return found


def test_words_and_tags_are_those_of_python(node_test):
    files = {name: each.to_json().decode() for name, each in readers().items()}
    node_test("words.test.mjs", {"texts": texts(), "readers": files, "chains": chains()})
