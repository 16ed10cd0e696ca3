"""Cut text into subwords and join them again. Plain Python, standard library only.

The pieces and their scores are those of a unigram model (T. Kudo, Subword regularization, 2018): a word is
cut so that the sum of its pieces' scores is largest. `pipelines/data/subword_training.py` learns them.

A text is normalised first (`normalized`) and keeps its case. Its words are cut one by one, so that a word has
the same pieces everywhere. The first piece of a word begins with a mark for the space before it, and a piece
of its own ends a line.
"""

from __future__ import annotations

import json
import re
import unicodedata
from array import array
from collections.abc import Iterable, Sequence

from .tokenizer import drop_excess_marks
from .vocabulary import END

FORMAT = 1
UNKNOWN = "<unk>"
"""The piece for characters that no piece has; a run of them in a word is one piece."""
LINE = "\n"
"""The piece between two lines."""
RESERVED = (UNKNOWN, LINE)
"""The first pieces of every model. They have no score: a word never contains them."""
SPACE = "\u2581"
"""The mark for the space before a word. In a text it is read as a space."""
MOST_PIECES = 2**16
LONGEST_PIECE = 64
_MOST_BYTES = 2**23
_UNKNOWN_PENALTY = 10.0  # sentencepiece's: an unknown character scores this much less than the worst piece
_CACHED_WORDS, _CACHED_LENGTH = 20_000, 40
_SURROGATE = re.compile("[\ud800-\udfff]")
_CONTROL = re.compile("[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f]")  # those that are not white space
_SPACES = re.compile(rf"[\s{SPACE}]+")
_LINE_ENDS = re.compile("\r\n?|[\n\v\f\x1c-\x1e\x85\u2028\u2029]")


def normalized(text: str) -> str:
    """Return `text` in NFKC, with single spaces between words and without empty lines.

    Control characters are removed, lone surrogates become U+FFFD, and at most 30 combining marks in a row are
    kept. All other characters keep their case.
    """
    text = _LINE_ENDS.sub(LINE, text)
    if not text.isascii():
        text = drop_excess_marks(_CONTROL.sub("", _SURROGATE.sub("\ufffd", text)))
        text = drop_excess_marks(unicodedata.normalize("NFKC", text))
    lines = (" ".join(_SPACES.split(line)).strip(" ") for line in _CONTROL.sub("", text).split(LINE))
    return LINE.join(line for line in lines if line)


class Subwords:
    """The pieces that a network reads and writes, with the ids 1, 2, ...

    Args:
        pieces: distinct pieces besides `RESERVED`, with `SPACE` at the beginning of a word.
        scores: the score of each, a logarithm of its probability.

    Attributes:
        known: all pieces; `known[i]` has the id i + 1.
        unknown: the id of characters that no piece has.
        line: the id of the piece between two lines.
        start: the id before the first piece.

    Raises:
        ValueError: the pieces or scores are not as described. The message is one line.
    """

    def __init__(self, pieces: Sequence[str], scores: Sequence[float]) -> None:
        _check(pieces, scores)
        self.known = (*RESERVED, *pieces)
        self.unknown, self.line, self.start = END + 1, END + 2, len(self.known) + 1
        self._scores = array("f", scores)
        if not all(-1e9 < score < 1e9 for score in self._scores):
            raise ValueError("subwords: expected finite scores")
        self._unknown_score = array("f", [min(self._scores) - _UNKNOWN_PENALTY])[0]
        self._ids = {piece: index for index, piece in enumerate(self.known, start=END + 1)}
        # Of every beginning of a piece, its score; None if it is no piece itself.
        self._beginnings: dict[str, float | None] = {
            piece[:size]: None for piece in pieces for size in range(1, len(piece))
        }
        self._beginnings |= zip(pieces, self._scores, strict=True)
        self._cache: dict[str, list[str]] = {}

    @property
    def scores(self) -> tuple[float, ...]:
        """The scores of the pieces after `RESERVED`."""
        return tuple(self._scores)

    def pieces(self, text: str) -> list[str]:
        """Return the pieces of a text as they stand in it; `encode` gives as many ids."""
        found: list[str] = []
        for line in normalized(text).split(LINE):
            if found:
                found.append(LINE)
            for word in line.split():
                found += self._pieces_of(word)
        return found

    def encode(self, text: str, length: int | None = None) -> list[int]:
        """Return the ids of a text, at most `length` of them, without padding."""
        return [self._ids.get(piece, self.unknown) for piece in self.pieces(text)[:length]]

    def decode(self, ids: Iterable[int]) -> str:
        """Return the text of the ids before the first END; U+FFFD stands for unknown characters.

        Raises:
            ValueError: there is no piece with such an id.
        """
        found = []
        for index in ids:
            if index == END:
                break
            if not END < index < self.start:
                raise ValueError(f"subwords: expected ids from 0 to {self.start - 1}, got {index}")
            found.append("\ufffd" if index == self.unknown else self.known[index - 1])
        lines = "".join(found).replace(SPACE, " ").split(LINE)
        return LINE.join(line.strip(" ") for line in lines).strip(LINE)

    def _pieces_of(self, word: str) -> list[str]:
        found = self._cache.get(word)
        if found is None:
            found = self._best(SPACE + word)
            if len(word) <= _CACHED_LENGTH and len(self._cache) < _CACHED_WORDS:
                self._cache[word] = found
        return found

    def _best(self, word: str) -> list[str]:
        """Return the pieces with the largest sum of scores (Viterbi).

        Sums are kept in float32 and the first of equal ones wins, as in sentencepiece, so that both cut every
        word alike.
        """
        size = len(word)
        best, begin = array("f", bytes(4 * (size + 1))), array("l", [-1]) * (size + 1)
        rounded = array("f", [0])
        beginnings = self._beginnings
        for start in range(size):
            so_far, single = best[start], False
            for end in range(start + 1, size + 1):
                part = word[start:end]
                if part not in beginnings:
                    break
                score = beginnings[part]
                if score is not None:
                    single |= end == start + 1
                    rounded[0] = so_far + score
                    if begin[end] < 0 or rounded[0] > best[end]:
                        best[end], begin[end] = rounded[0], start
            if not single:
                rounded[0] = so_far + self._unknown_score
                if begin[start + 1] < 0 or rounded[0] > best[start + 1]:
                    best[start + 1], begin[start + 1] = rounded[0], start
        return self._walk_back(word, begin)

    def _walk_back(self, word: str, begin: Sequence[int]) -> list[str]:
        """Return the pieces that end at the end of the word; unknown ones in a row are joined."""
        cuts = [len(word)]
        while cuts[-1]:
            cuts.append(begin[cuts[-1]])
        found: list[str] = []
        after_unknown = False
        run = 0  # where the unknown characters begin
        for start, end in zip(cuts[:0:-1], cuts[-2::-1], strict=True):
            is_unknown = word[start:end] not in self._ids
            if is_unknown and after_unknown:
                found[-1] = word[run:end]
            else:
                run = start
                found.append(word[start:end])
            after_unknown = is_unknown
        return found

    def to_json(self) -> bytes:
        """Return the model as JSON in ASCII. Equal models give equal bytes."""
        content = {
            "format": FORMAT,
            "pieces": self.known[len(RESERVED) :],
            "scores": [_shortest(score) for score in self._scores],
        }
        return json.dumps(content, separators=(",", ":"), sort_keys=True).encode("ascii") + b"\n"

    @classmethod
    def from_json(cls, content: bytes) -> Subwords:
        """Return the model that `to_json` wrote.

        Raises:
            ValueError: the content is not a model. The message is one line.
        """
        if len(content) > _MOST_BYTES:
            raise ValueError(f"subwords: expected at most {_MOST_BYTES:,} bytes, got {len(content):,}")
        try:
            read = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"subwords: not JSON: {error}") from None
        keys = {"format", "pieces", "scores"}
        if not isinstance(read, dict) or set(read) != keys:
            raise ValueError(f"subwords: expected a JSON object with the keys {sorted(keys)}")
        if type(read["format"]) is not int or read["format"] != FORMAT:
            raise ValueError(f"subwords: expected format {FORMAT}, got {read['format']!r:.40}")
        return cls(read["pieces"], read["scores"])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Subwords) and self.to_json() == other.to_json()

    def __hash__(self) -> int:
        return hash(self.known)


def _shortest(score: float) -> float:
    """Return the number with the fewest digits that is `score` in float32."""
    digits = (float(f"{score:.{count}g}") for count in range(1, 10))
    return next(each for each in digits if array("f", [each])[0] == score)


def _check(pieces: object, scores: object) -> None:
    if not isinstance(pieces, list | tuple) or not isinstance(scores, list | tuple):
        raise ValueError("subwords: expected a list of pieces and a list of scores")
    if not 1 <= len(pieces) <= MOST_PIECES or len(pieces) != len(scores):
        raise ValueError(
            f"subwords: expected 1 to {MOST_PIECES:,} pieces with a score each, "
            f"got {len(pieces):,} and {len(scores):,}"
        )
    seen = set(RESERVED)
    for index, (piece, score) in enumerate(zip(pieces, scores, strict=True)):
        if not isinstance(piece, str) or not _is_piece(piece) or piece in seen:
            raise ValueError(f"subwords: pieces[{index}]: expected a new part of a word, got {piece!r:.80}")
        if type(score) not in (int, float) or not -1e9 < score < 1e9:
            raise ValueError(f"subwords: scores[{index}]: expected a number, got {score!r:.40}")
        seen.add(piece)


def _is_piece(piece: str) -> bool:
    rest = piece.removeprefix(SPACE)
    as_word = normalized(rest) == rest and not re.search(rf"[\s{SPACE}]", rest)
    return 0 < len(piece) <= LONGEST_PIECE and as_word
