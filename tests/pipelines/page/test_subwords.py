"""How the JavaScript of pages cuts subwords and writes answers, in Node.js: equal to Python."""

from __future__ import annotations

import unicodedata
from types import SimpleNamespace

import numpy as np

from apps.translation.predict import Options, Translator
from pipelines.data.subword_training import train_subwords
from pipelines.ondevice.beam_search import Limits
from pipelines.ondevice.subwords import LINE, SPACE, Subwords, normalized
from pipelines.ondevice.vocabulary import END

_TRAINED = (
    "In the beginning God created the heaven and the earth.",
    "Ein M\u00e4dchen l\u00e4uft \u00fcber die Stra\u00dfe, und der Hund l\u00e4uft ihr nach!",
    "aaa aab aba abb baa bab bba bbb aaaa 2024 2048 1,024.5 no. 7 1000 2000 5000 10,000",
    "\u0627\u0644\u0648\u0644\u062f \u064a\u062c\u0631\u064a \u5c11\u5973\u304c e\u0301 \U0001f600",
)
_TEXTS = (
    "",
    " \t\u3000 ",
    "one\r\ntwo\rthree\n\n \nfour\vfive\x1csix\u2028seven\x85eight\x1fnine",
    "\x00a\x07b\x7f \x9d\u200b\ufeff",
    "a\ud83d b\udc00c \ud800",
    f"{SPACE} {SPACE}a{SPACE}b <unk> {SPACE}<unk>",
    "e\u0301" * 40 + "\u0301" * 100 + "x" + "\u0300" * 31,
    "\u0344" * 20,
    "\ufb01ne \u00bd \u212b \uff21\uff76\uff9e \ufdfa \u1100\u1161\u11a8 \u0958 \u00a8a",
    "\u05e6\u05d9\u05d5\u05df \u05e9\u05c1\u05b8\u05dc\u05d5\u05b9\u05dd \u202e\u0645\u0631\u062d",
    "\U0001f600\U0001f468\u200d\U0001f469 \U0001f1e9\U0001f1ea \U00020000",
    "\u0130stanbul \u03a3\u03a3\u03a3 STRASSE \u01c5",
    "000 0000 00000 ab aba abab bbaab 000,000",
    "thebeginning2048l\u00e4uft" * 300,
    "\u6f22\u5b57 and \u304b\u306a of",
    "The LORD\nis my \u6f22\u5b57\nshepherd",
)


def texts() -> list[str]:
    """Return the texts above and random ones: of few characters, and of all that were in Unicode long ago."""
    rng = np.random.default_rng(16)
    old = unicodedata.ucd_3_2_0
    every = [chr(point) for point in range(0x2FA20) if old.category(chr(point)) not in ("Cn", "Cs", "Co")]
    few = [
        *"ab0,. <>\n\r\x0b\x01e\u0301\u0323\u09be\u09c7\uff9e\u0130\u03a3\u2581",
        "\udc00",
        "\U0001f600",
        "the ",
    ]
    random = [
        "".join(characters[i] for i in rng.integers(len(characters), size=rng.integers(1, most)))
        for characters, most in ((few, 30), (every, 12), ([*"ab0", "aa", "000"], 40))
        for _ in range(150)
    ]
    return [*_TEXTS, *random]


def models() -> list[Subwords]:
    """Return one that was learned, and one with sums that are equal but for rounding."""
    pieces = [
        "a",
        "b",
        "ab",
        "aba",
        "0",
        "00",
        "000",
        f"{SPACE}a",
        "\U0001f600",
        "\U0001f600\U0001f468",
        "the",
    ]
    scores = [-1.1, -1.2, -2.3, -3.4, -3.3, -6.6, -9.9, -2.2, -4.0, -5.0, -0.1]
    return [train_subwords(_TRAINED * 3, 150), Subwords(pieces, scores)]


class Table:
    """A decoder whose answers stand in a table."""

    def __init__(self, log_probabilities: np.ndarray, attention: np.ndarray) -> None:
        self.context: dict = {}
        self._log_probabilities, self._attention = log_probabilities, attention

    def initial_state(self) -> dict:
        return {"at": 0}

    def __call__(self, token: np.ndarray, state: dict, /) -> tuple:
        at = (3 * state["at"] + int(token) + 1) % len(self._attention)
        outputs = {"log_probabilities": self._log_probabilities[at], "attention": self._attention[at]}
        return outputs, {"at": at}


class Tabled(Translator):
    """Answers with a table instead of a network."""

    def __init__(self, subwords: Subwords, preprocessing: dict, table: Table, options: Options) -> None:
        self.subwords, self._options, self._decode = subwords, options, table
        self._bundle = SimpleNamespace(preprocessing=preprocessing, asset=lambda name: subwords.to_json())
        self._limits = Limits(subwords.start, END, preprocessing["max_target"])
        self._encode = lambda source: {"features": source}
        self._allowed = None


def answers(subwords: Subwords) -> list[dict]:
    """Return tables, and what is answered with them."""
    rng, found = np.random.default_rng(17), []
    for number, options in enumerate(
        (
            Options(beams=1),
            Options(alternatives=3),
            Options(alternatives=5, no_repeat_ngram=2),
            Options(beams=4, length_penalty=0, alternatives=2, no_repeat_ngram=1),
        )
    ):
        preprocessing = {"lower_case": number % 2 == 1, "end_of_source": number > 1}
        preprocessing |= {"max_source": 9, "max_target": 5}
        often = rng.dirichlet([0.03, 0.4, 0.3], 30) @ np.eye(3, subwords.start)  # no piece, unknown, line
        shares = often + 2 * rng.dirichlet(np.full(subwords.start, 0.05), 30)
        shares[shares < 1e-4] = 0  # then the logarithm is -inf, and some sequences can't go on
        with np.errstate(divide="ignore"):
            table = np.log(shares / shares.sum(axis=1, keepdims=True)).astype(np.float32)
        attention = rng.dirichlet(np.full(9, 0.3), 30).astype(np.float32)
        translator = Tabled(subwords, preprocessing, Table(table, attention), options)
        told = [{"text": text, **answered(translator, text)} for text in _TEXTS]
        rows = [[None if score == -np.inf else score for score in row] for row in table.tolist()]
        names = ("alternatives", "beams", "length_penalty", "no_repeat_ngram")
        case = {"preprocessing": preprocessing, "search": {name: getattr(options, name) for name in names}}
        found.append({**case, "table": rows, "attention": attention.tolist(), "told": told})
    return found


def answered(translator: Tabled, text: str) -> dict:
    """Return the pieces of a text that are read, and the answers to it."""
    best = translator(text)
    return {
        "read": best[0].source,
        "unread": len(translator.read(text)) - len(best[0].source),
        "answers": [
            {
                "text": each.text,
                "pieces": each.pieces,
                "attention": each.attention.tolist(),
                "logProbability": each.hypothesis.log_probability,
                "finished": each.hypothesis.finished,
            }
            for each in best
        ],
    }


def test_pieces_and_answers_are_those_of_python(node_test):
    made = models()
    given = [{"text": text, "normal": normalized(text)} for text in texts()]
    cut = [
        {
            "file": each.to_json().decode(),
            "pieces": [each.pieces(case["text"]) for case in given],
            "ids": [each.encode(case["text"]) for case in given],
        }
        for each in made
    ]
    told = answers(made[0])
    every = [answer for case in told for one in case["told"] for answer in one["answers"]]
    assert {answer["finished"] for answer in every} == {True, False}
    assert any(LINE in answer["text"] for answer in every)
    assert any("\u6f22\u5b57" in answer["text"] for answer in every)  # an unknown piece of the source
    node_test("subwords.test.mjs", {"texts": given, "models": cut, "answers": told})
