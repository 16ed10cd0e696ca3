"""Say a sentence word by word, with whatever answers one word and has a state to come back to. numpy only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from pipelines.ondevice.bundle import Bundle
from pipelines.ondevice.model import Model, Stream
from pipelines.ondevice.sampling import Sampler

from .captions import END

State = Mapping[str, Any]


class Decoder(Protocol):
    """A decoder that looks at one picture."""

    def initial_state(self) -> State:
        """Return what the first step starts from."""

    def __call__(self, token: int, state: State, /) -> tuple[np.ndarray, np.ndarray, State]:
        """Return log-probabilities (words + 1,) of what follows `token`, attention (places,), new state."""


class OnDevice:
    """The parts `encode` and `decode` of a bundle, of one precision."""

    def __init__(self, bundle: Bundle, precision: str) -> None:
        self._encode = Model(bundle.part_path("encode", precision))
        self._decode = Stream(bundle.part_path("decode", precision))
        self._features = np.empty(0, np.float32)

    def look(self, image: np.ndarray) -> None:
        """Encode a picture (size, size, 3), which every step looks at from now on."""
        self._features = self._encode(image=image[None])["features"]

    def initial_state(self) -> State:
        """See `Decoder`."""
        self._decode.reset()
        return self._decode.state

    def __call__(self, token: int, state: State, /) -> tuple[np.ndarray, np.ndarray, State]:
        """See `Decoder`."""
        self._decode.state = state
        answer = self._decode(tokens=np.array([[token]], np.int32), features=self._features)
        return answer["log_probabilities"][0, 0], answer["attention"][0, 0], self._decode.state


@dataclass(frozen=True)
class Sentence:
    """Words, or the beginning of a sentence."""

    words: tuple[int, ...]
    """Ids, without END."""
    log_probability: float
    """Of all words, and of END once it is finished."""
    attention: tuple[np.ndarray, ...] = field(default=(), repr=False)
    """Where it looked for each word, (places,)."""
    finished: bool = False

    def score(self, length_penalty: float) -> float:
        """Return log-probability / length ** length_penalty, END counted as a word."""
        return self.log_probability / max(1, len(self.words) + self.finished) ** length_penalty


@dataclass(frozen=True)
class _Open:
    sentence: Sentence
    token: int
    state: State
    greedy: bool


def beam_search(
    decoder: Decoder,
    start: int,
    max_words: int,
    beams: int = 3,
    length_penalty: float = 0.0,
    no_repeat_ngram: int = 0,
) -> Sentence:
    """Return the sentence with the best score that was found.

    At each step the `beams` most probable beginnings go on. The greedy one, which always takes the most
    probable word, is kept among them, so that the result never scores below it.

    Args:
        start: the id before the first word.
        max_words: a sentence ends here at the latest.
        beams: 1 is greedy.
        length_penalty: sentences are compared by log-probability / length ** length_penalty. Reference:
            Y. Wu et al., Google's neural machine translation system, 2016, section 7, simplified.
        no_repeat_ngram: no so many words in a row come twice; 0: they may. Reference: R. Paulus, C. Xiong
            and R. Socher, A deep reinforced model for abstractive summarization, ICLR 2018.
    """
    going_on = [_Open(Sentence((), 0.0), start, decoder.initial_state(), True)]
    done: list[Sentence] = []
    for _ in range(max_words):
        found = [each for one in going_on for each in _continued(decoder, one, beams, no_repeat_ngram)]
        found.sort(key=lambda each: -each.sentence.log_probability)
        kept = found[:beams]
        kept += [each for each in found[beams:] if each.greedy]
        done += [each.sentence for each in kept if each.sentence.finished]
        going_on = [each for each in kept if not each.sentence.finished]
        if not going_on:
            break
    done += [each.sentence for each in going_on]
    return max(done, key=lambda sentence: sentence.score(length_penalty))


def _continued(decoder: Decoder, one: _Open, beams: int, no_repeat_ngram: int) -> list[_Open]:
    """Return the most probable continuations by one word."""
    log_probabilities, attention, state = decoder(one.token, one.state)
    allowed = np.array(log_probabilities, np.float64)
    allowed[_repeated(one.sentence.words, no_repeat_ngram)] = -np.inf
    found = []
    for rank, token in enumerate(np.argsort(-allowed, kind="stable")[:beams].tolist()):
        if allowed[token] == -np.inf:
            break
        sentence = _with(one.sentence, token, float(allowed[token]), attention)
        found.append(_Open(sentence, token, state, one.greedy and rank == 0))
    return found


def _with(sentence: Sentence, token: int, log_probability: float, attention: np.ndarray) -> Sentence:
    total = sentence.log_probability + log_probability
    if token == END:
        return Sentence(sentence.words, total, sentence.attention, finished=True)
    return Sentence((*sentence.words, token), total, (*sentence.attention, attention))


def _repeated(words: Sequence[int], n: int) -> list[int]:
    """Return the words that would end a run of `n` words that is there already."""
    if n == 0 or len(words) < n - 1:
        return []
    tail = tuple(words[len(words) - n + 1 :])
    return [words[i + n - 1] for i in range(len(words) - n + 1) if tuple(words[i : i + n - 1]) == tail]


def sample(
    decoder: Decoder, start: int, max_words: int, sampler: Sampler, rng: np.random.Generator
) -> Sentence:
    """Return a sentence whose words are drawn one by one."""
    sentence, token, state = Sentence((), 0.0), start, decoder.initial_state()
    while len(sentence.words) < max_words and not sentence.finished:
        log_probabilities, attention, state = decoder(token, state)
        token = sampler.draw(np.exp(log_probabilities.astype(np.float64)), rng)
        sentence = _with(sentence, token, float(log_probabilities[token]), attention)
    return sentence
