"""The JavaScript of pages, in Node.js: equal to the Python that it was written after."""

import json

import numpy as np

from apps.music_generation.generate import opening
from apps.music_generation.tokens import HOLD, REST, Tokens
from pipelines.data.midi_files import read_midi
from pipelines.data.note_grid import notes
from pipelines.ondevice.sampling import Sampler
from pipelines.ondevice.tokenizer import Tokenizer, normalize, tokenize
from pipelines.ondevice.trigger import Trigger

TEXTS = [
    "",
    " ",
    "Not bad at all!",
    "isn't it? ISN'T IT? n't don't can'ts 'tis rock'n'roll",
    "<b>caf\u00e9</b> <br/> a <b and c> d <a href='x y'>link</a> <A  HREF = \"q\" >",
    "3\u00bd \u2460 \u00b2 \u216b",
    "It\u2019s \u2018so\u2019 \u00b4quoted\u00b4",
    "\u0130stanbul \u0130\u0327",
    "stra\u00dfe \u03a3\u03a3\u03a3",
    "\U0001f600 ok \U0001f468\u200d\U0001f469",
    "e" + "\u0301" * 40 + " x",
    "\uff76\uff9e\uff9f",
    "\x1c\x1f\x85\xa0\u2003\u3000tab\tnew\nline",
    "\ufeffbom",
    "\u4f60\u597d \u0928\u092e\u0938\u094d\u0924\u0947 \u0645\u0631\u062d\u0628\u0627",
    "a_b-c/d\\e $5.00 50% #tag @you",
    "x" * 300 + "n't",
    "\ufb01ne \u212b \uff21",
]


def texts() -> list[str]:
    """Return the texts above and random ones of characters that are likely to differ."""
    rng = np.random.default_rng(5)
    characters = [
        *"abn't'<>/=\"' \u0301\u0130\u03a3\u00bd\u2019\uff9e\x85\xa0.!",
        "\U0001f600",
        "\u0e33",
        "\u01c5",
    ]
    return TEXTS + ["".join(rng.choice(characters, rng.integers(1, 30))) for _ in range(300)]


def streams() -> list[dict]:
    """Return streams of posteriors, and what the trigger makes of them."""
    rng, found = np.random.default_rng(6), []
    for smoothing, suppression, threshold in ((1, 0, 0.5), (3, 4, 0.6), (10, 35, 0.7)):
        labels = ["yes", "no", "_silence_"]
        posteriors = rng.dirichlet([0.3, 0.3, 0.3], 40).repeat(rng.integers(1, 12, 40), axis=0)
        options = {"threshold": threshold, "smoothing": smoothing, "suppression": suppression}
        trigger = Trigger(labels, **options, ignored=["_silence_"])
        events = [event._asdict() for p in posteriors if (event := trigger(p))]
        assert events
        options["ignored"] = ["_silence_"]
        found.append(
            {"labels": labels, "options": options, "posteriors": posteriors.tolist(), "events": events}
        )
    return found


def draws() -> list[dict]:
    """Return distributions, settings of the sampler, and what it draws with given numbers."""
    rng, found = np.random.default_rng(7), []
    for temperature, top_k, top_p in (
        (1, None, 1),
        (0.9, None, 0.98),
        (0.5, 4, 0.7),
        (1.3, 2, 1),
        (0, None, 1),
    ):
        sampler = Sampler(temperature=temperature, top_k=top_k, top_p=top_p)
        for p in rng.dirichlet(np.full(9, 0.4), 20).astype(np.float32):
            shares = sampler.distribution(p)
            drawn, number = sampler.draw(p, np.random.default_rng(3)), np.random.default_rng(3).random()
            options = {"temperature": temperature, "topP": top_p} | ({"topK": top_k} if top_k else {})
            case = {"p": p.tolist(), "options": options, "number": number}
            found.append({**case, "shares": shares.tolist(), "drawn": drawn})
    return found


def pieces() -> list[dict]:
    """Return tokens of four voices, and the grid and the notes that they stand for."""
    rng, found = np.random.default_rng(8), []
    for _ in range(5):
        tokens = rng.choice([30, 40, 41, 50, HOLD, HOLD, HOLD, REST], (20, 4))
        piece = Tokens(4, 4).piece_of(tokens)
        notes_of = [note._asdict() for note in notes(piece)]
        found.append({"tokens": tokens.tolist(), "piece": piece.tolist(), "notes": notes_of})
    keys = {key: (opening(key, Tokens(4, 4))[0] - 21).tolist() for key in ("C", "f#", "Bb", "g", "A")}
    return [*found, {"openings": keys}]


def cases() -> dict:
    every = texts()
    tokenizer = Tokenizer.fit(every, 40, max_length=8)
    return {
        "texts": [{"text": text, "normal": normalize(text), "tokens": tokenize(text)} for text in every],
        "tokenizer": json.loads(tokenizer.to_json()),
        "ids": [(ids := tokenizer.encode(text)) + [0] * (8 - len(ids)) for text in every],
        "streams": streams(),
        "draws": draws(),
        "pieces": pieces()[:-1],
        **pieces()[-1],
    }


def test_the_modules_answer_as_python_does(node_test, tmp_path):
    given = cases()
    node_test("modules.test.mjs", given, MIDI=str(tmp_path / "piece.mid"))
    score = read_midi(tmp_path / "piece.mid", 4)
    written = given["pieces"][0]["notes"]
    assert {(each.pitch, each.length) for each in notes(score.piece)} <= {
        (each["pitch"], each["length"]) for each in written
    }
    assert len(notes(score.piece)) == len(written)
