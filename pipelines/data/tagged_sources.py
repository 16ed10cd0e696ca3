"""Load sentences of tagged words from files or a TFDS set, with the splits that every app needs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import UserError
from . import span_files
from .conll_files import read_conll
from .examples import Data, Examples
from .splits import complete
from .tables import Form, bare, read_text, table_rows
from .tag_schemes import Sentence, in_iob2, recognised, spans_of
from .text_files import find_splits
from .tfds_sets import choose_feature, open_split


def tagged_from_files(
    path: Path,
    *,
    word_column: str | None = None,
    tag_column: str | None = None,
    sentence_column: str = "sentence",
    encoding: str = "utf-8",
    seed: int | None = 0,
) -> Data:
    """Return the sentences of the user's files: words as inputs, tags in IOB2 as targets.

    Args:
        path: a file, or a folder with a train file; JSON with spans, CSV with a word a row, or columns.
        word_column, tag_column: the names of the columns of a CSV, or their numbers, from 1, in columns.
        sentence_column: the column of a CSV that tells the sentence of a word; it may be empty but in the
            first row of a sentence.
        encoding: the text encoding.
        seed: selects the examples of a split that the files lack; None if the splits stay as they are given.

    Raises:
        UserError: a file is malformed. The message is one line with file and line number.
    """
    files, notes = find_splits(path.expanduser(), for_training=seed is not None)
    read: dict[str, list[Sentence]] = {}
    for name, file in files.items():
        suffix = bare(file).suffix.lower()
        if suffix in span_files.SUFFIXES:
            read[name], more = span_files.read_spans(file, encoding)
        elif suffix == ".csv":
            columns = (sentence_column, word_column or "word", tag_column or "tag")
            read[name], more = _of_csv(file, columns, encoding), []
        else:
            word, tag = _number("word", word_column), _number("tag", tag_column)
            read[name], more = read_conll(file, word, tag, encoding)
        notes += more
    return tagged(read, path.name, notes, seed)


def tagged(read: dict[str, list[Sentence]], source: str, notes: list[str], seed: int | None) -> Data:
    """Return sentences as data: their tags' scheme is recognised, and what breaks it is counted.

    Args:
        read: the sentences by split.
        source: the name of the data.
        notes: messages so far.
        seed: as for `splits.complete`.
    """
    scheme = recognised(sentence.tags for split in read.values() for sentence in split)
    notes = [
        *notes,
        f"{source}: tags in {scheme}" if scheme != "labels" else f"{source}: a label for each word",
    ]
    splits = {}
    for name, sentences in read.items():
        targets = np.empty(len(sentences), object)
        broken = 0
        for i, sentence in enumerate(sentences):
            spans, more = spans_of(sentence.tags, scheme)
            targets[i], broken = in_iob2(spans, len(sentence.words)), broken + more
        if broken:
            notes.append(
                f"{source}: {broken:,} tags of {name} break {scheme}: each begins or ends a span there"
            )
        splits[name] = Examples([sentence.words for sentence in sentences], targets)
    return complete(Data(splits, (), source, tuple(notes)), seed, "sentences")


def _number(option: str, column: str | None) -> int | None:
    if column is None:
        return None
    try:
        number = int(column)
    except ValueError:
        number = 0
    if number == 0:
        raise UserError(f"--{option}-column: expected the number of a column, from 1, got {column!r}")
    return number


def _of_csv(path: Path, columns: Sequence[str], encoding: str) -> list[Sentence]:
    """Return the sentences of a CSV with a word a row."""
    options = ("--sentence-column", "--word-column", "--tag-column")
    named = dict(zip(options, columns, strict=True))
    found: list[tuple[list[str], list[str], int]] = []
    current = ""
    for line, (sentence, word, tag) in table_rows(path, read_text(path, encoding), named, Form(encoding)):
        if not word.strip() or not tag.strip():
            raise UserError(f"{path}:{line}: expected a word and its tag, got {word!r} and {tag!r}")
        if not found or (sentence.strip() and sentence != current):
            current = sentence
            found.append(([], [], line))
        found[-1][0].append(word)
        found[-1][1].append(tag)
    if not found:
        raise UserError(f"{path}: expected rows with a word and its tag, found none")
    return [Sentence(tuple(words), tuple(tags), line) for words, tags, line in found]


def tagged_from_builder(
    builder: Any, word_feature: str | None, tag_feature: str | None, *, seed: int | None = 0
) -> Data:
    """Return the sentences of a prepared TFDS builder with a sequence of texts and one of tags.

    Args:
        builder: a builder from `tfds_sets.prepare`.
        word_feature: the name of the feature with the words. Default: the only sequence of texts, or tokens.
        tag_feature: the name of the feature with the tags. Default: the only sequence of labels.
        seed: as for `splits.complete`.

    Raises:
        UserError: the set has no such features, or several and none is named.
    """
    import tensorflow_datasets as tfds

    source = builder.info.full_name
    features: dict[str, Any] = {
        name: feature.feature if isinstance(feature, tfds.features.Sequence) else None
        for name, feature in builder.info.features.items()
    }
    texts = [name for name, feature in features.items() if isinstance(feature, tfds.features.Text)]
    wanted = word_feature or ("tokens" if len(texts) > 1 and "tokens" in texts else None)
    words = choose_feature(source, features, tfds.features.Text, what="word", wanted=wanted)
    tags = choose_feature(source, features, tfds.features.ClassLabel, what="tag", wanted=tag_feature)
    read = {}
    for name in [each for each in ("train", "validation", "test") if each in builder.info.splits]:
        read[name] = [
            Sentence(
                tuple(word.decode("utf-8", errors="replace") for word in example[words]),
                tuple(features[tags].int2str(int(tag)) for tag in example[tags]),
                0,
            )
            for example in tfds.as_numpy(open_split(builder, name))
            if len(example[words])
        ]
    return tagged(read, source, [], seed)
