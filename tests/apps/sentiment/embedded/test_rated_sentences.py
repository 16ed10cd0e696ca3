"""The rated sentences: read from an archive in memory, in splits that share no document."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections import Counter
from pathlib import Path

import pytest

from apps.sentiment.embedded import rated_sentences
from apps.sentiment.embedded.grammar import normalize
from apps.sentiment.embedded.rated_sentences import ARCHIVE, SOURCES, Rated, sentences
from pipelines.errors import UserError

needs_archive = pytest.mark.skipif(not ARCHIVE.exists(), reason="the rated sentences were not downloaded")


def packed(files: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return stream.getvalue()


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A source distribution with a few sentences a source."""
    rows = {
        "products": "".join(f"{n // 3}_{n}\t{n % 9 - 4}\tProduct text {n}\r\n" for n in range(300)),
        "films": "1_1\t-0.4\tIt isn&#39;t long\r\n1_2\t0.9\tIt isn't LONG!\r\n",
        "news": "7_1\t0.6\tThe ''plan'' passed\n8_1\t1.5\t...\n",
        "tweets": "1\t-3.1\tnope :(\n",
    }
    inner = packed({f"hutto_ICWSM_2014/{SOURCES[s]}_GroundTruth.txt": t.encode() for s, t in rows.items()})
    content = packed({rated_sentences._INNER: inner})
    monkeypatch.setattr(rated_sentences, "SHA256", hashlib.sha256(content).hexdigest())
    path = tmp_path / "source.tar.gz"
    path.write_bytes(content)
    return path


def test_texts_are_read_as_people_wrote_them_and_once(archive: Path) -> None:
    found = {each.source: each for each in sentences(archive) if each.source != "products"}
    assert {source: (each.text, each.rating) for source, each in found.items()} == {
        "films": ("It isn't long", -0.4),  # the second has the same words
        "news": ('The "plan" passed', 0.6),  # the other one has no word
        "tweets": ("nope :(", -3.1),
    }
    assert sum(each.source == "products" for each in sentences(archive)) == 300


def test_a_document_is_in_one_split(archive: Path) -> None:
    splits: dict[int, set[str]] = {}
    for each in sentences(archive):
        if each.source == "products":
            splits.setdefault(int(each.text.split()[-1]) // 3, set()).add(each.split)
    assert all(len(of_document) == 1 for of_document in splits.values())
    shares = Counter(split for of_document in splits.values() for split in of_document)
    assert 10 <= shares["test"] <= 30  # a fifth of 100 documents
    assert 3 <= shares["validation"] <= 20  # a tenth
    assert shares["train"] > 55


@pytest.mark.parametrize(
    ("rating", "label", "labels"),
    [
        (-4.0, "negative", {"negative"}),
        (-0.79, "negative", {"negative", "neutral"}),
        (-0.51, "negative", {"negative", "neutral"}),
        (-0.5, "neutral", {"negative", "neutral"}),
        (0.1, "neutral", {"neutral"}),
        (0.45, "neutral", {"neutral", "positive"}),
        (0.85, "positive", {"positive"}),
    ],
)
def test_labels_are_those_of_the_mean_rating(rating: float, label: str, labels: set[str]) -> None:
    rated = Rated("films", "train", "so so", rating)
    assert rated.label == label
    assert set(rated.labels) == labels
    assert len(rated.labels) == len(labels)


def test_another_file_is_refused(archive: Path) -> None:
    archive.write_bytes(archive.read_bytes()[:-1])
    with pytest.raises(UserError, match=r"source\.tar\.gz: expected the file with SHA-256 .*make setup"):
        list(sentences(archive))


def test_a_missing_file_names_what_to_do_without_it(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"not found; .*`make setup`.*compositional_reviews") as told:
        list(sentences(tmp_path / "none.tar.gz"))
    assert "\n" not in str(told.value)


@needs_archive
def test_the_sentences_that_everybody_gets() -> None:
    found = list(sentences())
    counts = Counter((each.source, each.split) for each in found)
    assert sum(counts.values()) == 23_446
    assert len({normalize(each.text) for each in found}) == len(found)
    assert {source: counts[source, "test"] for source in SOURCES} == {
        "products": 743,
        "films": 2209,
        "news": 970,
        "tweets": 810,
    }
