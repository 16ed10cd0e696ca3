"""Learn subwords from texts with sentencepiece."""

from __future__ import annotations

import io
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator

from ..errors import UserError
from ..ondevice.subwords import LINE, LONGEST_PIECE, MOST_PIECES, RESERVED, SPACE, Subwords, normalized

SMALLEST = 16
"""The smallest number of pieces that can be asked for."""
WORDS = 0.1
"""The share of the pieces that are whole words besides those of sentencepiece."""
_LONGEST_LINE = 4000  # characters; longer lines are cut between words
_LONGEST_WORD = 200  # longer words, which are addresses or data, are not learnt from
_LONGEST_LEARNT = 16  # characters of a piece, sentencepiece's default
_RESERVED = "\u2585"  # sentencepiece leaves out lines with this character
_WORD = re.compile(rf"(?:^|(?<= ))\w{{1,{_LONGEST_LEARNT - 1}}}(?!\w)")


def train_subwords(texts: Iterable[str], size: int) -> Subwords:
    """Return a unigram model learnt from texts. The same texts give the same model.

    Args:
        texts: the training texts, in any languages; all of them share the pieces.
        size: the number of pieces, those reserved included. There are fewer if the texts hold fewer. At most
            half of them are single characters, the most frequent ones; others are unknown.

    Raises:
        UserError: the texts are empty, or the size is out of range.
    """
    if not SMALLEST <= size <= MOST_PIECES:
        raise UserError(f"subwords: expected {SMALLEST} to {MOST_PIECES:,} pieces, got {size}")
    import sentencepiece

    lines = _without_rare(list(_lines(texts)), size // 2)
    if not lines:
        raise UserError("subwords: expected texts to learn from, got none")
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines),
        model_writer=model,
        model_type="unigram",
        vocab_size=size - 1 - int(size * WORDS),  # it counts its unknown piece, not the one between lines
        hard_vocab_limit=False,
        character_coverage=1.0,
        normalization_rule_name="identity",  # the lines are normalised already
        max_sentencepiece_length=min(_LONGEST_LEARNT, LONGEST_PIECE),
        max_sentence_length=8 * _LONGEST_LINE,
        unk_id=0,
        bos_id=-1,
        eos_id=-1,
        pad_id=-1,
        num_threads=1,
        minloglevel=2,
    )
    return _with_words(of_model(model.getvalue()), lines, size)


def of_model(content: bytes) -> Subwords:
    """Return the pieces and scores of a unigram model of sentencepiece, whose first piece is unknown."""
    import sentencepiece

    trained = sentencepiece.SentencePieceProcessor(model_proto=content)
    ids = range(1, trained.get_piece_size())
    return Subwords(
        [trained.id_to_piece(index) for index in ids], [trained.get_score(index) for index in ids]
    )


def _lines(texts: Iterable[str]) -> Iterator[str]:
    """Yield the normalised lines of texts, cut where they are too long for sentencepiece."""
    for text in texts:
        for line in filter(None, normalized(text).split(LINE)):
            words, size = list[str](), 0
            for word in line.split():
                if len(word) > _LONGEST_WORD:
                    continue
                if size + len(word) > _LONGEST_LINE:
                    yield " ".join(words)
                    words, size = [], 0
                words.append(word)
                size += len(word) + 1
            if words:
                yield " ".join(words)


def _without_rare(lines: list[str], most: int) -> list[str]:
    """Return the lines with only the `most` frequent characters, without empty ones."""
    counts: Counter[str] = Counter(SPACE)
    for line in lines:
        counts.update(line)
    counts[" "] = counts[_RESERVED] = 0
    rare = [character for character, _ in counts.most_common()[most:]]
    removed = str.maketrans("", "", "".join(rare).replace(" ", "") + _RESERVED)
    return [kept for line in lines if (kept := line.translate(removed).strip(" "))]


def _with_words(trained: Subwords, lines: list[str], size: int) -> Subwords:
    """Return the model with whole words as further pieces, up to `size`: those that save the most pieces.

    sentencepiece takes no piece that is a part of one word only, however frequent: "einem" would be "eine"
    and "m", and few different words, such as those of a simple task, would be spelt.
    """
    known = set(trained.known)
    counts: Counter[str] = Counter()
    for line in lines:
        counts.update(_WORD.findall(line))
    saved = {
        word: count * (len(trained.pieces(word)) - 1)
        for word, count in counts.items()
        if count > 1 and SPACE + word not in known
    }
    ranked = sorted((-count, word) for word, count in saved.items() if count)
    added = [word for _, word in ranked[: size - len(trained.known)]]
    total = counts.total()
    return Subwords(
        [*trained.known[len(RESERVED) :], *(SPACE + word for word in added)],
        [*trained.scores, *(math.log(counts[word] / total) for word in added)],
    )
