"""Sentences that people wrote and twenty others rated: the data of VADER's paper.

C. Hutto and E. Gilbert, VADER: A parsimonious rule-based model for sentiment analysis of social media text,
2014; MIT licence. They are in VADER's source distribution, which is read in memory: nothing of it is unpacked
or run.
"""

from __future__ import annotations

import hashlib
import html
import io
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pipelines.errors import UserError

from .grammar import normalize

NAME = "vaderSentiment-3.3.2.tar.gz"
SHA256 = "5d7c06e027fc8b99238edb0d53d970cf97066ef97654009890b83703849632f9"
ARCHIVE = Path(sys.prefix, "share", "unrolled", NAME)
"""Where `make` puts the source distribution."""
SOURCES = {
    "products": "amazonReviewSnippets",
    "films": "movieReviewSnippets",
    "news": "nytEditorialSnippets",
    "tweets": "tweets",
}
MARGIN = 0.5
"""Mean ratings go from -4 to 4. Those from -0.5 to 0.5 are neutral."""
UNSURE = 0.3
"""How near to a margin a rating is unsure: other raters could well have put it on the other side."""
_INNER = "vaderSentiment-3.3.2/additional_resources/hutto_ICWSM_2014.tar.gz"
_SPLITS = ("test", "test", "validation", *["train"] * 7)


@dataclass(frozen=True)
class Rated:
    """One sentence: its source (a key of SOURCES), its split, its text and its mean rating."""

    source: str
    split: str
    text: str
    rating: float

    @property
    def label(self) -> str:
        """The label of the mean rating."""
        return "positive" if self.rating > MARGIN else "negative" if self.rating < -MARGIN else "neutral"

    @property
    def labels(self) -> tuple[str, ...]:
        """The label, and also the one across the margin if the rating is near it."""
        polar = "positive" if self.rating > 0 else "negative"
        near = abs(abs(self.rating) - MARGIN) < UNSURE
        return (self.label, "neutral" if self.label == polar else polar) if near else (self.label,)


def sentences(archive: Path | None = None) -> Iterator[Rated]:
    """Yield every sentence once, in the order of the files.

    All sentences of one document (a review, an article; a single tweet or film snippet) are in one split: a
    fifth of the documents in test, a tenth in validation. A text that has been there before is left out.

    Args:
        archive: the source distribution. Default: ARCHIVE.

    Raises:
        UserError: there is no archive, or it is a different file.
    """
    seen: set[str] = set()
    for source, rows in _tables(archive or ARCHIVE).items():
        for row in rows:
            key, rating, text = row.rstrip("\r").split("\t")
            text = html.unescape(text).replace("''", '"').strip()
            if (content := normalize(text)) and content not in seen:
                seen.add(content)
                yield Rated(source, _split(source, key.partition("_")[0]), text, float(rating))


def _split(source: str, document: str) -> str:
    digest = hashlib.sha256(f"{source} {document}".encode()).digest()
    return _SPLITS[int.from_bytes(digest[:4], "big") % len(_SPLITS)]


def _tables(archive: Path) -> dict[str, list[str]]:
    """Return the rows of each source: id, mean rating and text, separated by tabs."""
    inner = _member(_checked(archive), _INNER)
    files = {source: f"hutto_ICWSM_2014/{name}_GroundTruth.txt" for source, name in SOURCES.items()}
    return {s: _member(inner, file).decode("utf-8-sig").strip().split("\n") for s, file in files.items()}


def _member(archive: bytes, name: str) -> bytes:
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        member = files.extractfile(name)
        assert member is not None, name  # the archive's hash is known
        return member.read()


def _checked(archive: Path) -> bytes:
    """Return the content of the archive, after a check of its hash."""
    try:
        content = archive.read_bytes()
    except OSError:
        raise UserError(
            f"{archive}: not found; it has the rated sentences that the default trains on, and `make setup` "
            f"downloads it (or: pip download --no-deps --no-binary :all: vaderSentiment==3.3.2 -d "
            f"{archive.parent}). Without it, use --preset smoke, or --dataset with compositional_reviews "
            "(generated), a TFDS name or a file of your own"
        ) from None
    if hashlib.sha256(content).hexdigest() != SHA256:
        raise UserError(f"{archive}: expected the file with SHA-256 {SHA256}; delete it and run make setup")
    return content
