"""Bundles are written whole or not at all, and nothing of a damaged one is used."""

from __future__ import annotations

import copy
import errno
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reference.bundles import head, record

from pipelines.errors import UserError
from pipelines.export.bundle_writing import write_bundle
from pipelines.ondevice.bundle import Bundle
from pipelines.ondevice.manifest import is_plain_name

ROOT = Path(__file__).parents[3]
on_disk = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def write(output: Path, run_id: str = "new", word: bytes = b"new") -> Bundle:
    """Write a bundle of two variants and a part that aren't models, and one asset."""
    variants = [(record(), word * 1000), (record("float16"), word * 500)]
    part = {key: value for key, value in record(file="float32_ears.tflite").items() if key != "metric"}
    parts = [({"part": "ears", **part}, word * 300)]
    return write_bundle(output, head(run_id), variants, {"words.txt": word}, parts=parts)


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    return write(tmp_path / "exports")


def complete(folder: Path) -> bytes:
    """Read every file of a bundle, checked; gives the asset."""
    bundle = Bundle.open(folder)
    for variant in bundle.variants:
        assert bundle.variant_path(variant["file"]).stat().st_size == variant["bytes"]
    for part in bundle.parts:
        assert bundle.part_path(part["part"], part["precision"]).stat().st_size == part["bytes"]
    return bundle.asset("words.txt")


def hidden(output: Path) -> list[Path]:
    return list(output.glob(".*"))


def message(call) -> str:
    """Return the message of the UserError that `call` must raise; it is one line."""
    with pytest.raises(UserError) as caught:
        call()
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


# Writing


def test_what_is_written_is_read(bundle: Bundle) -> None:
    assert bundle.folder.name == "new"
    assert complete(bundle.folder) == b"new"
    assert bundle.labels == ["bad", "good"]
    assert {path.name for path in bundle.folder.iterdir()} == {
        "manifest.json",
        "float32_loop.tflite",
        "float16_loop.tflite",
        "float32_ears.tflite",
        "words.txt",
    }


def test_latest_is_the_newest_and_a_relative_link(tmp_path: Path) -> None:
    for run_id in ("one", "two"):
        write(tmp_path, run_id, run_id.encode())
    assert (tmp_path / "latest").readlink() == Path("two")
    assert complete(tmp_path / "latest") == b"two"
    assert complete(tmp_path / "one") == b"one"
    assert not hidden(tmp_path)


def test_a_run_can_be_written_again(tmp_path: Path) -> None:
    write(tmp_path, "one", b"old")
    write(tmp_path, "one", b"new")
    assert complete(tmp_path / "latest") == b"new"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["latest", "one"]


def test_folders_can_be_read_by_others(bundle: Bundle) -> None:
    assert bundle.folder.stat().st_mode & 0o777 == 0o777 & ~_umask()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


@pytest.mark.parametrize("run_id", ["", "a/b", "..", ".hidden", "/tmp/x", "latest", "a b"])
def test_run_ids_that_are_no_plain_names_are_refused(tmp_path: Path, run_id: str) -> None:
    assert "run_id" in message(lambda: write(tmp_path / "out", run_id))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["../x", "manifest.json", "a/b", "float32_loop.tflite"])
def test_assets_of_bad_or_taken_names_are_refused(tmp_path: Path, name: str) -> None:
    call = lambda: write_bundle(tmp_path / "out", head(), [(record(), b"x")], {name: b""})  # noqa: E731
    assert repr(name) in message(call)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("run_id", ["new", "old"])
def test_a_writer_killed_at_any_step_leaves_latest_complete(tmp_path: Path, run_id: str) -> None:
    write(tmp_path / "start", "old", b"old")
    script = Path(__file__).with_name("killed_writers.py")
    paths = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    command = [sys.executable, str(script), str(tmp_path), run_id]
    subprocess.run(command, check=True, env={**os.environ, "PYTHONPATH": paths})
    outputs = sorted(
        (path for path in tmp_path.iterdir() if path.name != "start"), key=lambda path: int(path.name)
    )
    assert len(outputs) > 10
    seen = set()
    for output in outputs:
        latest = complete(output / "latest")
        seen.add(latest)
        for bundle in output.glob("[!.]*"):
            complete(bundle)
        assert run_id == "old" or complete(output / "old") == b"old"
        write(output, run_id, b"again")
        assert complete(output / "latest") == b"again"
        assert not hidden(output)
    assert seen == {b"old", b"new"}


def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    write(tmp_path, "old", b"old")
    program = f"""
import resource
from pathlib import Path
from reference.bundles import head, record
from pipelines.errors import UserError
from pipelines.export.bundle_writing import write_bundle
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
try:
    write_bundle(Path({str(tmp_path)!r}), head(), [(record(), b"x" * 100_000)], {{}})
except UserError as error:
    print(error)
"""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"}
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True, env=environment
    )
    assert done.stdout == f"{tmp_path}: can't write the bundle: {os.strerror(errno.EFBIG)}\n"
    assert complete(tmp_path / "latest") == b"old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["latest", "old"]


@pytest.mark.parametrize("step", ["mkdir", "open", "rename", "replace", "symlink_to"])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS])
def test_a_step_that_fails_is_one_line_and_latest_stays(
    tmp_path: Path, monkeypatch, step: str, code: int
) -> None:
    write(tmp_path, "old", b"old")

    def fail(path: Path, *_, **__) -> None:
        raise OSError(code, os.strerror(code), str(path))

    with monkeypatch.context() as patched:
        patched.setattr(Path, step, fail)
        assert os.strerror(code) in message(lambda: write(tmp_path))
    assert complete(tmp_path / "latest") == b"old"
    assert not hidden(tmp_path)


def test_a_file_where_the_folder_should_be_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    assert str(tmp_path / "taken") in message(lambda: write(tmp_path / "taken"))


# Reading


def test_default_is_the_float32_loop_and_names_find_the_rest(bundle: Bundle) -> None:
    assert bundle.variant_path().name == "float32_loop.tflite"
    assert bundle.variant_path("float16").name == "float16_loop.tflite"
    assert bundle.variant_path("float16_loop.tflite").name == "float16_loop.tflite"


def test_a_precision_means_its_loop_and_a_file_name_any_execution(tmp_path: Path) -> None:
    variants = [(record("float32", execution), execution.encode()) for execution in ("unrolled", "loop")]
    bundle = write_bundle(tmp_path, head(), variants, {})
    assert bundle.variant()["execution"] == "loop"
    assert bundle.variant("float32_unrolled.tflite")["execution"] == "unrolled"


@pytest.fixture
def streaming(tmp_path: Path) -> Bundle:
    """A bundle of two precisions in two executions, one of which has no file for a stream."""
    both = [(precision, execution) for precision in ("float32", "int8") for execution in ("loop", "step")]
    there = [*both, ("int16x8", "loop")]
    variants = [(record(*each), "_".join(each).encode()) for each in there]
    return write_bundle(tmp_path, head(), variants, {})


@pytest.mark.parametrize(
    ("name", "execution", "file"),
    [
        (None, None, "float32_loop"),
        (None, "step", "float32_step"),
        ("int8", None, "int8_loop"),
        ("int8", "step", "int8_step"),
        ("int16x8", "step", "int16x8_loop"),
        ("int8", "fused", "int8_loop"),
        ("int8_loop.tflite", "step", "int8_loop"),
        ("int8_step.tflite", None, "int8_step"),
    ],
)
def test_a_file_name_means_itself_and_a_precision_its_preferred_execution(
    streaming: Bundle, name: str | None, execution: str | None, file: str
) -> None:
    assert streaming.variant(name, execution)["file"] == f"{file}.tflite"
    assert streaming.variant_path(name, execution).read_bytes() == file.encode()


def test_an_execution_that_must_be_is_found_in_the_precision_of_any_file(streaming: Bundle) -> None:
    assert streaming.with_execution(None, "step")["file"] == "float32_step.tflite"
    assert streaming.with_execution("int8_loop.tflite", "step")["file"] == "int8_step.tflite"
    assert streaming.with_execution("int8_step.tflite", "loop")["file"] == "int8_loop.tflite"
    found = message(lambda: streaming.with_execution("int16x8", "step"))
    assert found == f"{streaming.folder}: expected a variant of int16x8 with execution step, found none"
    assert "unknown variant 'int4'" in message(lambda: streaming.with_execution("int4", "step"))


def test_an_execution_that_was_left_out_is_told_with_its_reason(tmp_path: Path) -> None:
    missing = {"file": "float32_step.tflite", "reason": "too far from Keras"}
    bundle = write_bundle(tmp_path, {**head(), "left_out": [missing]}, [(record(), b"x")], {})
    assert bundle.variant(None, "step")["file"] == "float32_loop.tflite"
    assert "was left out of the bundle: too far from Keras" in message(
        lambda: bundle.with_execution(None, "step")
    )


@pytest.mark.parametrize("name", ["int8", "words.txt", "manifest.json", "../new/float16_loop.tflite", ""])
def test_unknown_variants_name_the_known_ones(bundle: Bundle, name: str) -> None:
    text = message(lambda: bundle.variant_path(name))
    assert f"unknown variant {name!r}: expected one of float32_loop.tflite, float16_loop.tflite" in text


def test_without_a_name_a_bundle_without_float32_gives_its_first_precision(tmp_path: Path) -> None:
    files = [(record("int8", "step"), b"x"), (record("int16x8", "step"), b"y")]
    bundle = write_bundle(tmp_path, head(), files, {})
    assert bundle.with_execution(None, "step")["file"] == "int8_step.tflite"
    assert bundle.variant()["file"] == bundle.variant(None, "step")["file"] == "int8_step.tflite"


def test_unknown_assets_name_the_known_ones(bundle: Bundle) -> None:
    assert "unknown asset 'x': expected one of words.txt" in message(lambda: bundle.asset("x"))


@pytest.mark.parametrize("length", [0, 1, 1499, 2999])
def test_a_truncated_file_names_both_sizes(bundle: Bundle, length: int) -> None:
    path = bundle.folder / "float32_loop.tflite"
    os.truncate(path, length)
    assert message(bundle.variant_path) == f"{path}: expected 3000 bytes, found {length}"


@on_disk
@given(where=st.integers(0, 2999), bit=st.integers(0, 7))
def test_a_flipped_bit_is_caught_by_the_hash(bundle: Bundle, where: int, bit: int) -> None:
    path = bundle.folder / "float32_loop.tflite"
    content = bytearray(b"new" * 1000)
    content[where] ^= 1 << bit
    path.write_bytes(content)
    text = message(bundle.variant_path)
    assert text.startswith(f"{path}: expected SHA-256 {bundle.variants[0]['sha256']}, found ")


def test_an_asset_of_another_content_is_refused(bundle: Bundle) -> None:
    (bundle.folder / "words.txt").write_bytes(b"old")
    assert "words.txt: expected SHA-256 " in message(lambda: bundle.asset("words.txt"))


def test_a_missing_file_is_named(bundle: Bundle) -> None:
    (bundle.folder / "words.txt").unlink()
    assert str(bundle.folder / "words.txt") in message(lambda: bundle.asset("words.txt"))


def test_a_link_out_of_the_bundle_is_not_followed(bundle: Bundle, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_bytes(b"new")
    (bundle.folder / "words.txt").unlink()
    (bundle.folder / "words.txt").symlink_to(outside)
    assert "found a link out of it" in message(lambda: bundle.asset("words.txt"))


def test_a_bundle_may_be_moved_and_linked_to(bundle: Bundle, tmp_path: Path) -> None:
    shutil.move(bundle.folder, tmp_path / "elsewhere")
    (tmp_path / "link").symlink_to("elsewhere")
    assert complete(tmp_path / "link") == b"new"


@pytest.mark.parametrize(
    "make", [lambda path: None, lambda path: path.mkdir(), lambda path: path.write_text("x")]
)
def test_what_is_no_bundle_is_named(tmp_path: Path, make) -> None:
    make(tmp_path / "here")
    assert str(tmp_path / "here") in message(lambda: Bundle.open(tmp_path / "here"))


# The manifest, edited by hand


def edited(bundle: Bundle, content: bytes) -> str:
    (bundle.folder / "manifest.json").write_bytes(content)
    return message(lambda: Bundle.open(bundle.folder))


@on_disk
@given(content=st.binary(max_size=50) | st.text(max_size=50).map(str.encode))
def test_any_bytes_are_refused_in_one_line(bundle: Bundle, content: bytes) -> None:
    assert str(bundle.folder / "manifest.json") in edited(bundle, content)


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)


@on_disk
@given(value=values)
def test_any_json_is_refused_in_one_line(bundle: Bundle, value) -> None:
    edited(bundle, json.dumps(value).encode())


def test_deep_nesting_is_refused_in_one_line(bundle: Bundle) -> None:
    edited(bundle, b"[" * 100_000)


VARIANT_KEYS = ["file", "precision", "execution", "bytes", "sha256", "ops", "signatures", "runs_on"]
PATHS = [
    *(["format"], ["app"], ["run_id"], ["created"], ["dataset"], ["preset"], ["config"], ["metric"]),
    *(["labels"], ["preprocessing"], ["assets"], ["variants"]),
    *(["metric", key] for key in ("name", "value", "higher_is_better", "baseline")),
    *(["assets", 0, key] for key in ("file", "sha256")),
    *(["variants", 1, key] for key in (*VARIANT_KEYS, "max_abs_error", "metric", "latency_ms")),
    *(["variants", 1, "latency_ms", key] for key in ("p50", "p95")),
    *(["parts", 0, key] for key in ("part", *VARIANT_KEYS, "max_abs_error", "latency_ms")),
]


def spot(path: list) -> str:
    """Write a path as messages do: variants[1].latency_ms.p50."""
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path)[1:]


TEXTS = ("created", "dataset", "preset", "metric.name")
NUMBERS = (
    *("metric.value", "metric.baseline", "parts[0].max_abs_error"),
    *(f"variants[1].{key}" for key in ("max_abs_error", "metric")),
)
RIGHT = [
    *((text, "?/?") for text in TEXTS),
    *((number, -1.5) for number in (*NUMBERS, "variants[1].latency_ms.p50", "variants[1].latency_ms.p95")),
    ("metric.higher_is_better", True),
]
WRONG = [
    pytest.param(path, wrong, id=f"{spot(path)}={wrong}")
    for path in PATHS
    for wrong in (None, [None], "?/?", True, -1.5, "missing")
    if (spot(path), wrong) not in RIGHT
]


@pytest.mark.parametrize(("path", "wrong"), WRONG)
def test_every_key_is_checked_by_name(bundle: Bundle, path: list, wrong) -> None:
    manifest = copy.deepcopy(dict(bundle.manifest))
    owner = manifest
    for key in path[:-1]:
        owner = owner[key]
    if wrong == "missing":
        del owner[path[-1]]
    else:
        owner[path[-1]] = wrong
    text = edited(bundle, json.dumps(manifest).encode())
    assert f"manifest.json: {spot(path)}" in text
    assert "expected" in text


@pytest.mark.parametrize("number", [0, 2, "1", 1.5])
def test_another_format_is_refused(bundle: Bundle, number) -> None:
    text = edited(bundle, json.dumps({**bundle.manifest, "format": number}).encode())
    assert f"format: expected 1, found {number!r}" in text


def test_numbers_that_are_none_are_refused(bundle: Bundle) -> None:
    content = (bundle.folder / "manifest.json").read_bytes()
    assert b'"value": 0.9' in content
    assert "NaN" in edited(bundle, content.replace(b'"value": 0.9', b'"value": NaN'))


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (b"1e999", "1e999 is too large a number"),
        (b"-1e999", "-1e999 is too large a number"),
        (b"1" + 400 * b"0", "metric.value: expected a number"),
        (b'0.9, "value": 0.8', "the key 'value' is there twice in one object"),
    ],
)
def test_what_json_readers_understand_differently_is_refused(
    bundle: Bundle, number: bytes, said: str
) -> None:
    content = (bundle.folder / "manifest.json").read_bytes()
    assert said in edited(bundle, content.replace(b'"value": 0.9', b'"value": ' + number))


def test_a_manifest_of_many_files_is_checked_in_linear_time(bundle: Bundle) -> None:
    asset = bundle.manifest["assets"][0]
    assets = [{**asset, "file": f"{i}.txt"} for i in range(20_000)]
    started = time.process_time()
    (bundle.folder / "manifest.json").write_text(json.dumps({**bundle.manifest, "assets": assets}))
    assert len(Bundle.open(bundle.folder).manifest["assets"]) == 20_000
    assert time.process_time() - started < 3  # comparing each with each takes 20 s


def test_a_manifest_that_is_too_large_or_no_file_is_not_read(bundle: Bundle) -> None:
    path = bundle.folder / "manifest.json"
    os.truncate(path, 2**40)
    assert "of at most 16,777,216 bytes, found 1,099,511,627,776" in message(
        lambda: Bundle.open(bundle.folder)
    )
    path.unlink()
    os.mkfifo(path)
    assert "found a device or a pipe" in message(lambda: Bundle.open(bundle.folder))


def test_a_variant_that_links_to_itself_or_is_no_file_is_refused(bundle: Bundle) -> None:
    path = bundle.folder / "float32_loop.tflite"
    path.unlink()
    path.symlink_to(path.name)
    assert "expected a file of the bundle, found a link to itself" in message(bundle.variant_path)
    path.unlink()
    os.mkfifo(path)
    assert "expected a file of the bundle, found a device or a pipe" in message(bundle.variant_path)


def test_records_that_were_exchanged_are_refused(bundle: Bundle) -> None:
    whole, half = bundle.variants
    as_whole = {key: whole[key] for key in ("file", "bytes", "sha256")}
    as_half = {key: half[key] for key in ("file", "bytes", "sha256")}
    variants = [whole | as_half, half | as_whole]
    text = edited(bundle, json.dumps({**bundle.manifest, "variants": variants}).encode())
    assert "variants[0].file: expected 'float32_loop.tflite', as its record says, found 'float16_" in text
    parts = [{**bundle.parts[0], "part": "eyes"}]
    text = edited(bundle, json.dumps({**bundle.manifest, "parts": parts}).encode())
    assert "parts[0].file: expected 'float32_eyes.tflite'" in text


@pytest.mark.parametrize("labels", [["bad"], ["bad", "fair", "good"]])
def test_labels_are_as_many_as_the_outputs(bundle: Bundle, labels: list[str]) -> None:
    outputs = {"probabilities": {"shape": [1, 2], "dtype": "float32"}}
    variants = [
        {**each, "signatures": {"serve": {"inputs": {}, "outputs": outputs}}} for each in bundle.variants
    ]
    right = json.dumps({**bundle.manifest, "variants": variants})
    (bundle.folder / "manifest.json").write_text(right)
    assert Bundle.open(bundle.folder).labels == ["bad", "good"]
    text = edited(bundle, json.dumps({**json.loads(right), "labels": labels}).encode())
    assert f"labels: expected 2, as many as variants[0] answers with, found {len(labels)}" in text
    for odd in ({"serve": None}, {"serve": {"outputs": {"probabilities": {"shape": []}}}}, {"serve": []}):
        variants = [{**each, "signatures": odd} for each in bundle.variants]
        (bundle.folder / "manifest.json").write_text(json.dumps({**bundle.manifest, "variants": variants}))
        Bundle.open(bundle.folder)  # whoever runs the file sees what it has


def test_a_file_listed_twice_is_refused(bundle: Bundle) -> None:
    variants = [*bundle.variants, bundle.variants[0]]
    text = edited(bundle, json.dumps({**bundle.manifest, "variants": variants}).encode())
    assert "expected every file once, found 'float32_loop.tflite' 2 times" in text


parts = st.sampled_from(["..", ".", "", "/", "\\", "a", "words.txt", "C:", "~", "\0", "\n", "%2e", "é", " "])


@on_disk
@given(
    name=st.text(max_size=20)
    | st.lists(parts, max_size=5).map("".join)
    | st.lists(parts, max_size=5).map("/".join)
)
def test_no_name_leads_out_of_the_bundle(bundle: Bundle, name: str) -> None:
    manifest = {**bundle.manifest, "assets": [{**bundle.manifest["assets"][0], "file": name}]}
    if not is_plain_name(name):
        assert "assets[0].file: expected a plain file name" in edited(bundle, json.dumps(manifest).encode())
        return
    assert not set(name) & set("/\\:\0\n")
    assert name not in (".", "..")
    (bundle.folder / "manifest.json").write_text(json.dumps(manifest))
    assert (bundle.folder / name).resolve().parent == bundle.folder.resolve()


@pytest.mark.parametrize(
    "name", ["../a", "/etc/passwd", "..", ".", "", "a/b", "a\\b", "C:a", ".a", "a\0", "a\n", 3, None]
)
def test_names_that_are_not_plain(name) -> None:
    assert not is_plain_name(name)


@pytest.mark.parametrize("name", ["a", "float32_loop.tflite", "a..b", "0-9_A.json"])
def test_names_that_are_plain(name: str) -> None:
    assert is_plain_name(name)


def test_a_part_is_found_by_name_and_precision_and_its_hash_is_checked(bundle: Bundle) -> None:
    assert bundle.part_path("ears", "float32").name == "float32_ears.tflite"
    expected = "no part 'ears' in int8: expected one of float32_ears.tflite"
    assert expected in message(lambda: bundle.part_path("ears", "int8"))
    (bundle.folder / "float32_ears.tflite").write_bytes(b"old" * 300)
    assert "expected SHA-256" in message(lambda: bundle.part_path("ears", "float32"))


def test_most_bundles_have_no_parts(tmp_path: Path) -> None:
    plain = write_bundle(tmp_path, head(), [(record(), b"x")], {})
    assert plain.parts == []
    assert "expected one of none" in message(lambda: plain.part_path("ears", "float32"))
    manifest = json.dumps({**plain.manifest, "parts": 3}).encode()
    assert "parts: expected a list, found 3" in edited(plain, manifest)
