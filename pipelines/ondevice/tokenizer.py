"""Turn text into token ids. Training and the device run this same file, which is plain Python.

A text is normalised (NFKC, lower case, straight apostrophes, spaces for HTML tags) and cut into tokens:

* a word or a number: letters, digits and their combining marks, in any script;
* the end of an English contraction: "isn't" -> "is" "n't", "she'll" -> "she" "'ll" (text that is already
  split, "is n't", gives the same tokens);
* any other character that is not a space, with its combining marks.

Every `str` can be tokenised, even with lone surrogates, in time proportional to its length.
"""

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Literal, get_args

Keep = Literal["head", "tail", "both"]

FORMAT = 1
PADDING = "[PAD]"
UNKNOWN = "[UNK]"
RESERVED = (PADDING, UNKNOWN)
"""The tokens with ids 0 and 1. They never occur in a text, because brackets are separate tokens there."""
UNKNOWN_ID = RESERVED.index(UNKNOWN)

_APOSTROPHES = dict.fromkeys(map(ord, "\u2018\u2019\u201b\u02bc\u00b4"), "'")
# Attributes of a tag must have a value, so that "if a <b and c> d" keeps its words.
_TAG = re.compile(
    r"""</?[a-z][a-z0-9]*(?:\s+[a-z:-]+\s*=\s*(?:"[^"<>]*"|'[^'<>]*'|[^\s"'<>]+))*\s*/?>""", re.ASCII
)


class _Kinds(dict[int, str]):
    """A table for str.translate that replaces each character by its kind, which keeps the patterns short.

    ASCII is kept. Other letters and digits become "w", combining marks _MARK, spaces " ", the rest ".".
    """

    def __missing__(self, point: int) -> str:
        kind = self._kind(chr(point))
        if len(self) < 10_000:  # enough for any language, and bounded for any text
            self[point] = kind
        return kind

    @staticmethod
    def _kind(character: str) -> str:
        # The halfwidth sound marks have the category of letters, but NFKC turns them into marks.
        if unicodedata.category(character).startswith("M") or character in "\uff9e\uff9f":
            return _MARK
        if character.isspace():
            return " "
        return "w" if character.isalnum() else "."


_MARK = "\u0300"
_KINDS = _Kinds({point: chr(point) for point in range(128)})
_PART = f"[a-z0-9{_MARK}]"
_TOKEN = re.compile(
    rf"n't(?!{_PART})|'(?:s|re|ve|ll|d|m)(?!{_PART})"  # the end of a contraction
    rf"|[a-z0-9]{_PART}*?(?=n't(?!{_PART}))|[a-z0-9]{_PART}*+"  # a word before such an end, any other word
    rf"|\S{_MARK}*+"
)
# The limit of Unicode's Stream-Safe Text Format (UAX 15). NFKC takes quadratic time for a run of marks.
_MARKS_IN_A_ROW = 30
_EXCESS = re.compile(f"{_MARK}{{{_MARKS_IN_A_ROW + 1},}}")


def drop_excess_marks(text: str) -> str:
    """Return `text` with at most 30 combining marks in a row, so that NFKC takes linear time."""
    kept, end = [], 0
    for run in _EXCESS.finditer(text.translate(_KINDS)):
        kept.append(text[end : run.start() + _MARKS_IN_A_ROW])
        end = run.end()
    return "".join(kept) + text[end:]


def normalize(text: str) -> str:
    """Return `text` in NFKC and lower case, with straight apostrophes and a space for each HTML tag."""
    if text.isascii():
        return _TAG.sub(" ", text.lower())
    text = drop_excess_marks(text.translate(_APOSTROPHES))
    # Lower case can undo NFKC (a dotted capital I with a cedilla), so it is applied twice.
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).lower())
    return _TAG.sub(" ", drop_excess_marks(text).translate(_APOSTROPHES))


def tokenize(text: str) -> list[str]:
    """Return the tokens of `text`, which have no spaces; tokenising " ".join(tokens) gives the same again."""
    text = normalize(text)
    if text.isascii():
        return _TOKEN.findall(text)
    return [text[match.start() : match.end()] for match in _TOKEN.finditer(text.translate(_KINDS))]


class Tokenizer:
    """Turn texts into ids with a vocabulary and a maximum length.

    Args:
        vocabulary: the tokens in the order of their ids, starting with "[PAD]" and "[UNK]".
        max_length: the largest number of ids for a text.
        keep: which part of a longer text is used: its "head", its "tail", or "both". "both" takes a quarter
            of `max_length` from the head and the rest from the tail, since reviews start with their subject
            and end with the verdict.

    Raises:
        ValueError: an argument is not as described. The message is one line.
    """

    def __init__(self, vocabulary: Sequence[str], max_length: int, keep: Keep = "both") -> None:
        _check(vocabulary, max_length, keep)
        self.vocabulary = tuple(vocabulary)
        self.max_length = max_length
        self.keep = keep
        self._ids = {token: index for index, token in enumerate(self.vocabulary)}

    @classmethod
    def fit(
        cls,
        texts: Iterable[str],
        vocabulary_size: int,
        *,
        min_count: int = 1,
        max_length: int = 256,
        keep: Keep = "both",
    ) -> "Tokenizer":
        """Learn the vocabulary from texts: the most frequent tokens; among equals, in alphabetical order.

        Args:
            texts: the training texts.
            vocabulary_size: the largest number of ids, including the two reserved ones.
            min_count: how often a token must occur to be in the vocabulary.
            max_length: the largest number of ids for a text.
            keep: which part of a longer text is used: "head", "tail" or "both".

        Raises:
            ValueError: an argument is out of range. The message is one line.
        """
        if vocabulary_size < len(RESERVED):
            raise ValueError(f"vocabulary_size: expected at least {len(RESERVED)}, got {vocabulary_size}")
        counts: Counter[str] = Counter()
        for text in texts:
            counts.update(tokenize(text))
        ranked = sorted((-count, token) for token, count in counts.items() if count >= min_count)
        words = [token for _, token in ranked[: vocabulary_size - len(RESERVED)]]
        return cls([*RESERVED, *words], max_length, keep)

    def tokenize(self, text: str) -> list[str]:
        """Return all tokens of `text`, however many."""
        return tokenize(text)

    def truncate(self, tokens: Sequence[str]) -> list[str]:
        """Return at most `max_length` of the tokens, from the part that `keep` selects."""
        surplus = len(tokens) - self.max_length
        if surplus <= 0:
            return list(tokens)
        head = {"head": self.max_length, "tail": 0, "both": self.max_length // 4}[self.keep]
        return [*tokens[:head], *tokens[head + surplus :]]

    def ids(self, tokens: Iterable[str]) -> list[int]:
        """Return the id of each token; 1 for unknown tokens."""
        return [self._ids.get(token, UNKNOWN_ID) for token in tokens]

    def encode(self, text: str) -> list[int]:
        """Return at most `max_length` ids of `text`, without padding. An empty text has none."""
        return self.ids(self.truncate(tokenize(text)))

    def to_json(self) -> bytes:
        """Return the tokenizer as JSON in ASCII. Equal tokenizers give equal bytes."""
        content = {
            "format": FORMAT,
            "keep": self.keep,
            "max_length": self.max_length,
            "vocabulary": self.vocabulary,
        }
        return json.dumps(content, separators=(",", ":"), sort_keys=True).encode("ascii") + b"\n"

    @classmethod
    def from_json(cls, data: bytes | str) -> "Tokenizer":
        """Read the tokenizer that `to_json` wrote; raise a ValueError of one line for any other content."""
        try:
            content = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"tokenizer: not JSON: {error}") from None
        expected = {"format", "keep", "max_length", "vocabulary"}
        if not isinstance(content, dict) or set(content) != expected:
            raise ValueError(f"tokenizer: expected a JSON object with the keys {sorted(expected)}")
        if type(content["format"]) is not int or content["format"] != FORMAT:
            raise ValueError(f"tokenizer: expected format {FORMAT}, got {content['format']!r}")
        return cls(content["vocabulary"], content["max_length"], content["keep"])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Tokenizer) and self.to_json() == other.to_json()

    def __hash__(self) -> int:
        return hash((self.vocabulary, self.max_length, self.keep))


def _check(vocabulary: object, max_length: object, keep: object) -> None:
    if type(max_length) is not int or max_length < 1:
        raise ValueError(f"tokenizer: max_length: expected an integer of at least 1, got {max_length!r}")
    if keep not in get_args(Keep):
        raise ValueError(f"tokenizer: keep: expected one of {', '.join(get_args(Keep))}, got {keep!r}")
    if not isinstance(vocabulary, (list, tuple)) or tuple(vocabulary[:2]) != RESERVED:
        raise ValueError(f"tokenizer: vocabulary: expected a list that starts with {', '.join(RESERVED)}")
    seen: set[str] = set()
    for index, token in enumerate(vocabulary):
        if not isinstance(token, str) or not token:
            raise ValueError(f"tokenizer: vocabulary[{index}]: expected a non-empty string, got {token!r}")
        if token in seen:
            raise ValueError(f"tokenizer: vocabulary[{index}]: {token!r} occurs twice")
        seen.add(token)
