"""Labelled text from files: every format there and back, and every mistake by file and line."""

import csv
import gzip
import json
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.data import tables
from pipelines.data.text_files import Row, read_labelled_text, read_splits
from pipelines.data.text_sources import text_from_files
from pipelines.errors import UserError

ROWS = [Row("good film", "1", 2), Row('bad, "very"', "0", 3)]
CSV = 'text,label\ngood film,1\n"bad, ""very""",0\n'
JSONL = '{"text": "good film", "label": 1}\n{"text": "bad, \\"very\\"", "label": "0"}\n'
LINES = '1 good film\n0 bad, "very"\n'


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize(
    ("name", "content", "first_line"),
    [
        ("a.csv", CSV, 2),
        (
            "a.tsv",
            CSV.replace("text,label", "text\tlabel").replace("film,", "film\t").replace('",0', '"\t0'),
            2,
        ),
        ("a.jsonl", JSONL, 1),
        ("lines.json", JSONL, 1),
        ("a.txt", LINES, 1),
        ("polarity.all", LINES.replace("\n", "\r\n"), 1),
    ],
)
def test_every_format(
    tmp_path: Path, name: str, content: str, first_line: int, mark: bytes, packed: bool
) -> None:
    data = mark + content.encode()
    path = write(tmp_path / f"{name}.gz", gzip.compress(data)) if packed else write(tmp_path / name, data)
    rows, notes = read_labelled_text(path)
    assert [(row.text, row.label) for row in rows] == [(row.text, row.label) for row in ROWS]
    assert [row.line for row in rows] == [first_line, first_line + 1]
    assert notes == []


def test_columns_can_be_named_and_lines_are_those_of_the_file(tmp_path: Path) -> None:
    content = 'id,stars,review\r\n7,5,"two\r\nlines"\r\n\r\n8,1,"' + "long " * 40_000 + '"\r\n'
    rows, _ = read_labelled_text(write(tmp_path / "a.csv", content), "review", "stars")
    assert rows[0] == Row("two\r\nlines", "5", 2)
    assert rows[1] == Row("long " * 40_000, "1", 5)


def test_another_encoding(tmp_path: Path) -> None:
    path = write(tmp_path / "a.all", "1 fianc\u00e9\u0085s\n0 na\u00efve\n".encode("latin-1"))
    rows, _ = read_labelled_text(path, encoding="latin-1")
    assert rows == [Row("fianc\u00e9\u0085s", "1", 1), Row("na\u00efve", "0", 2)]


def test_empty_texts_are_left_out_and_counted(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "text,label\ngood,1\n  ,1\n,0\n,0\n,0\nbad,0\n")
    rows, notes = read_labelled_text(path)
    assert [row.line for row in rows] == [2, 7]
    assert notes == [f"{path}: 4 empty texts left out (line 3, 4, 5, ...)"]
    path = write(tmp_path / "a.txt", "1 good\n0\n")
    assert read_labelled_text(path)[1] == [f"{path}: 1 empty texts left out (line 2)"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", b"1 fine\n0 na\xefve\n", ":2: byte 0xef is not utf-8: .*--encoding latin-1"),
        (
            "a.csv",
            "review,label\nx,1\n",
            r":1: expected one column 'text' \(--text-column\), .* 'review', 'label'",
        ),
        (
            "a.csv",
            "text,stars\nx,1\n",
            r":1: expected one column 'label' \(--label-column\), .* 'text', 'stars'",
        ),
        ("a.csv", "text,label,text\nx,1,y\n", ":1: expected one column 'text'"),
        ("a.csv", 'text,label\n"two\nlines",1\nx,1,2\n', ":4: expected 2 fields, got 3"),
        ("a.csv", "text,label\nx,1\nalone\n", ":3: expected 2 fields, got 1"),
        ("a.csv", 'text,label\nx,1\n"y"z,0\n', ":3: ',' expected after '\"'"),
        ("a.csv", 'text,label\nx,1\n"never closed,0\n', ":3: unexpected end of data"),
        ("a.csv", "text,label\nx,1\ny,\n", ":3: expected a label, got none"),
        ("a.csv", "text,label\n", ": expected labelled text, found none"),
        ("a.csv", "", ": expected labelled text, found none"),
        ("a.jsonl", '{"text": "x", "label": 1}\n{"text": \n', ":2: not JSON"),
        ("a.jsonl", "[" * 100_000, ":1: not JSON"),
        ("a.jsonl", '\n["x", 1]\n', ":2: expected a JSON object, got"),
        ("a.jsonl", '{"text": "x"}\n', ":1: expected one column 'label'"),
        ("a.jsonl", '{"text": 5, "label": 1}\n', ":1: 'text': expected a string, got 5"),
        ("a.jsonl", '{"text": "x", "label": null}\n', ":1: 'label': expected a string or an integer"),
        ("a.json", "[" * 100_000, ":1: not JSON"),
        ("a.json", "[\n3]", ":2: expected a JSON object, got '3'"),
        ("a.json", '[{"text": "x", "label": 1}\n', ":1: not JSON: expected a comma or ]"),
        ("a.json", '[{"text": "x", "label": 1},\n', ":2: not JSON"),
        ("a.json", '{"data": []}', ":1: expected one column 'text'"),
        ("a.csv", CSV.encode("utf-16"), ":1: byte 0xff is not utf-8: .* --encoding utf-16$"),
        ("a.csv", CSV.encode("utf-32"), ":1: byte 0xff is not utf-8: .* --encoding utf-32$"),
        ("a.csv", CSV.encode("utf-16-be"), ": every second byte is zero, as in utf-16-be"),
        ("a.csv", ("caf\u00e9" + CSV).encode("utf-16-le"), "--encoding utf-16-le"),
        ("a.txt.gz", b"1 not packed\n", ": Not a gzipped file"),
        ("a.txt.gz", gzip.compress(b"1 cut short\n" * 99, mtime=0)[:-9], ": Compressed file ended"),
    ],
)
def test_mistakes_are_named_by_file_and_line(
    tmp_path: Path, name: str, content: str | bytes, message: str
) -> None:
    path = write(tmp_path / name, content)
    with pytest.raises(UserError, match=message) as caught:
        read_labelled_text(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_no_such_file_and_no_such_encoding(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"missing\.csv: No such file"):
        read_labelled_text(tmp_path / "missing.csv")
    for encoding in ("klingon", "hex", "a\0b"):
        with pytest.raises(UserError, match="--encoding: expected the name of a text encoding, got"):
            read_labelled_text(write(tmp_path / "a.txt", LINES), encoding=encoding)


ENOUGH = "1 a\n1 b\n0 c\n0 d\n"


def test_a_folder_of_splits(tmp_path: Path) -> None:
    write(tmp_path / "train.txt", ENOUGH)
    write(tmp_path / "valid.txt", "1 e\n")
    write(tmp_path / "test.txt.gz", gzip.compress(b"0 f\n0 g\n"))
    write(tmp_path / "README.md", "not data")
    splits, notes = read_splits(tmp_path)
    assert {name: len(rows) for name, rows in splits.items()} == {"train": 4, "validation": 1, "test": 2}
    assert notes == []


@pytest.mark.parametrize("packed", [False, True])
def test_siblings_of_a_train_file(tmp_path: Path, packed: bool) -> None:
    for suffix, content in {"train": ENOUGH, "dev": "1 e\n", "test": "0 f\n0 g\n"}.items():
        name = f"sst.binary.{suffix}"
        write(tmp_path / (name + ".gz"), gzip.compress(content.encode())) if packed else write(
            tmp_path / name, content
        )
    write(tmp_path / "other.test", "1 no\n")
    end = ".gz" if packed else ""
    splits, notes = read_splits(tmp_path / f"sst.binary.train{end}")
    assert {name: len(rows) for name, rows in splits.items()} == {"train": 4, "validation": 1, "test": 2}
    assert len(notes) == 1
    assert f"sst.binary.dev{end}" in notes[0]
    assert f"sst.binary.test{end}" in notes[0]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"test.csv": CSV}, "expected a train file .train.csv"),
        (
            {"train.csv": CSV, "test.jsonl": JSONL},
            "expected split files of one format, got test.jsonl, train.csv",
        ),
        (
            {"train.csv": CSV, "dev.csv": CSV, "val.csv": CSV},
            "expected one file for the validation split, got dev.csv and val.csv",
        ),
        ({"train.txt": "1 a\n1 b\n"}, "train.txt: expected at least two classes, got only '1'"),
        ({"train.txt": "1 a\n0 b\n1 c\n"}, "train.txt:2: class '0' has only one example"),
        (
            {"train.txt": ENOUGH, "test.txt": "1 a\n2 b\n"},
            "test.txt:2: expected a class of .*train.txt, got '2'",
        ),
    ],
)
def test_folders_that_are_refused(tmp_path: Path, files: dict[str, str], message: str) -> None:
    for name, content in files.items():
        write(tmp_path / name, content)
    with pytest.raises(UserError, match=message):
        read_splits(tmp_path)


def test_labels_are_stripped_and_told_where_they_differ_by_case_only(tmp_path: Path) -> None:
    rows = ["pos,a", " pos,b", "pos ,c", "POS,d", "POS,e", "neg,f", "neg,g"]
    path = write(tmp_path / "a.csv", "label,text\n" + "\n".join(rows))
    splits, notes = read_splits(path)
    assert [row.label for row in splits["train"]] == ["pos", "pos", "pos", "POS", "POS", "neg", "neg"]
    assert notes == [f"{path}: labels differ by case only: 'POS' (2) and 'pos' (3)"]


@pytest.mark.parametrize(("delimiter", "between"), [(";", ";"), ("tab", "\t"), ("\\t", "\t"), ("|", "|")])
@pytest.mark.parametrize("name", ["a.csv", "a.txt"])
def test_a_delimiter_and_columns_can_be_named(
    tmp_path: Path, name: str, delimiter: str, between: str
) -> None:
    rows = [["1", "x", "good, film"], ["0", "y", "bad"]]
    content = "".join(between.join(row) + "\n" for row in rows)
    path = write(tmp_path / name, content)
    found, _ = read_labelled_text(path, delimiter=delimiter, columns=("label", "title", "text"))
    assert found == [Row("good, film", "1", 1), Row("bad", "0", 2)]
    path = write(tmp_path / name, between.join(["label", "title", "text"]) + "\n" + content)
    found, _ = read_labelled_text(path, delimiter=delimiter)
    assert found == [Row("good, film", "1", 2), Row("bad", "0", 3)]


def test_a_csv_without_a_header_has_as_many_fields_as_names(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "1,x,good\n0,bad\n")
    with pytest.raises(UserError, match=r"a\.csv:2: expected 3 fields, got 2"):
        read_labelled_text(path, columns=("label", "title", "text"))
    with pytest.raises(UserError, match="--columns: expected one column 'text'"):
        read_labelled_text(path, columns=("label", "title", "body"))


@pytest.mark.parametrize("packed", [False, True])
def test_a_text_that_never_ends_is_refused(
    tmp_path: Path, packed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UserError, match="/dev/zero: expected a text, found a device or a pipe"):
        read_labelled_text(Path("/dev/zero"))
    monkeypatch.setattr(tables, "_MOST_BYTES", 10_000)
    content = b"1 good\n" * 2_000
    path = write(tmp_path / "a.txt.gz", gzip.compress(content)) if packed else write(tmp_path / "a", content)
    with pytest.raises(UserError, match=r"expected .*at most 10,?000 bytes"):
        read_labelled_text(path)


def test_folders_of_texts_by_label_as_in_aclimdb(tmp_path: Path) -> None:
    for split in ("train", "test"):
        for label in ("pos", "neg", "unsup") if split == "train" else ("pos", "neg"):
            (tmp_path / split / label).mkdir(parents=True)
            for i in range(3):
                write(tmp_path / split / label / f"{i}_7.txt", f"{split} {label} {i}\nmore\n")
        write(tmp_path / split / "urls_pos.txt", "http://a\n")
    write(tmp_path / "train" / "pos" / "broken.txt", b"\xff")
    write(tmp_path / "README", "a text")
    splits, notes = read_splits(tmp_path)
    assert {name: len(rows) for name, rows in splits.items()} == {"train": 6, "test": 6}
    assert splits["test"][0] == Row("test neg 0\nmore", "neg", 0)
    train = tmp_path / "train"
    assert notes[0] == f"{train}: unsup left out: its texts have no label"
    assert notes[1].startswith(f"{train}: 1 texts left out: {train / 'pos' / 'broken.txt'}:1: byte 0xff")
    alone, notes = read_splits(tmp_path / "test")
    assert (list(alone), len(alone["train"]), notes) == (["train"], 6, [])
    write(tmp_path / "test" / "new", "")
    (tmp_path / "test" / "other").mkdir()
    write(tmp_path / "test" / "other" / "a.txt", "one")
    with pytest.raises(UserError, match="test: class 'other' has only one example: expected more"):
        read_splits(tmp_path / "test")


def test_time_grows_in_proportion_to_the_labels(tmp_path: Path) -> None:
    def seconds(labels: int) -> float:
        lines = [f"label{i % labels} text {i}\n" for i in range(6 * labels)]
        path = write(tmp_path / "a.txt", "".join(lines))
        start = time.process_time()
        data = text_from_files(path)
        assert len(data.labels) == labels
        return time.process_time() - start

    seconds(100)
    assert seconds(12_000) < 30 * seconds(1_500)


WRITABLE = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
LABELS = WRITABLE.filter(str.strip)


@given(
    st.lists(st.tuples(WRITABLE.filter(str.strip), LABELS), min_size=1, max_size=6), st.sampled_from(",\t")
)
@settings(deadline=None)
def test_written_csv_is_read_back(pairs: list[tuple[str, str]], delimiter: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / ("a.csv" if delimiter == "," else "a.tsv")
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, delimiter=delimiter)
            writer.writerow(["label", "text"])
            writer.writerows((label, text) for text, label in pairs)
        rows, _ = read_labelled_text(path)
    assert [(row.text, row.label) for row in rows] == [(text, label.strip()) for text, label in pairs]


@given(
    st.lists(st.tuples(st.text().filter(str.strip), LABELS | st.integers()), min_size=1, max_size=6),
    st.booleans(),
)
@settings(deadline=None)
def test_written_jsonl_is_read_back(pairs: list[tuple[str, str | int]], escape: bool) -> None:
    lines = [json.dumps({"label": label, "text": text}, ensure_ascii=escape) for text, label in pairs]
    with tempfile.TemporaryDirectory() as folder:
        path = write(Path(folder) / "a.jsonl", "\n".join(lines))
        rows, _ = read_labelled_text(path)
    expected = [(text, str(label).strip()) for text, label in pairs]
    assert [(row.text, row.label) for row in rows] == expected
    assert [row.line for row in rows] == list(range(1, len(pairs) + 1))


@given(
    st.lists(st.tuples(st.text().filter(str.strip), LABELS | st.integers()), min_size=1, max_size=6),
    st.sampled_from([None, 1]),
)
@settings(deadline=None)
def test_a_written_json_array_is_read_back(pairs: list[tuple[str, str | int]], indent: int | None) -> None:
    rows = [{"label": label, "text": text} for text, label in pairs]
    with tempfile.TemporaryDirectory() as folder:
        path = write(Path(folder) / "a.json", json.dumps(rows, indent=indent))
        found, _ = read_labelled_text(path)
    assert [(row.text, row.label) for row in found] == [(text, str(label).strip()) for text, label in pairs]
    assert [row.line for row in found] == [1 if indent is None else 2 + 4 * i for i in range(len(pairs))]
