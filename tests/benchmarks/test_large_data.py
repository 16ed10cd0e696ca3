"""The sets of the benchmark are as large as it says; a training on one takes less memory than the set has."""

from pathlib import Path

import pytest

from benchmarks.large_data import SETS, TIMES_LARGER, LargeData, run, write_set
from pipelines.app import find
from pipelines.errors import UserError


@pytest.mark.parametrize("app", SETS)
def test_a_set_has_whole_batches_of_about_its_size(tmp_path: Path, app: str) -> None:
    pytest.importorskip("tensorflow")
    size = 12_000_000
    write_set(tmp_path / "set", app, size)
    config = find(app).presets["smoke"]
    data = find(app).load(type(config)(dataset=str(tmp_path / "set")))
    train = data.splits["train"].inputs
    batch = SETS[app][1]["batch_size"]
    assert len(train) % batch == 0
    measured = sum(len(each) if isinstance(each, str) else each.nbytes for each in train)
    largest = max(len(each) if isinstance(each, str) else each.nbytes for each in train)
    assert abs(measured - size) < batch * largest
    assert data.counts["test"] == data.counts["validation"] == 300
    assert len(data.labels) == 2


def test_a_limit_of_nothing_and_unknown_apps_are_refused() -> None:
    with pytest.raises(UserError, match="--limit-mb: expected above 0, got 0"):
        LargeData(limit_mb=0)
    with pytest.raises(UserError, match="--apps: expected some of sentiment, speech_commands, got "):
        LargeData(apps=("tagging",))


@pytest.mark.long
@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="measured as on Linux")
def test_a_training_on_four_times_the_limit_stays_within_it() -> None:
    record = run(LargeData(limit_mb=64, apps=("speech_commands",)), [])
    assert record["data_mb"] == TIMES_LARGER * 64
    for app, variants in record["apps"].items():
        limited, unlimited = variants["limited"], variants["in memory"]
        taken = [each["added_mb"] - each["small_mb"] for each in (limited, unlimited)]
        assert taken[0] < 64 < taken[1], app
        assert limited["loss"] == unlimited["loss"], app
        assert limited["fingerprint"] == unlimited["fingerprint"], app
