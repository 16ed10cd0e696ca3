"""Recordings in files: CSV, Parquet, .npz and WFDB, with labels in three places."""

from pathlib import Path

import numpy as np
import pytest

from pipelines.data.recording_files import Columns, read_folder, read_recording
from pipelines.data.recordings import Span
from pipelines.errors import UserError


def write_csv(path: Path, columns: dict[str, list]) -> None:
    rows = [",".join(map(str, row)) for row in zip(*columns.values(), strict=True)]
    path.write_text("\n".join([",".join(columns), *rows, ""]))


def table(samples: int = 20, **more) -> dict[str, list]:
    return {"time": [n / 10 for n in range(samples)], "x [g]": [1.0] * samples, "y": range(samples), **more}


def test_a_folder_with_labels_of_samples_recordings_and_stretches(tmp_path):
    write_csv(tmp_path / "a.csv", table(label=["sit"] * 10 + [""] * 10, subject=["p1"] * 20))
    np.savez(tmp_path / "b.npz", signal=np.ones((40, 2), np.int16), rate=20.0, channels=["x", "y"])
    write_csv(tmp_path / "c.csv", table())
    rows = {"file": ["a.csv", "b.npz", "c.csv"], "label": ["", "walk", ""], "subject": ["", 2, 3]}
    write_csv(tmp_path / "recordings.csv", rows | {"split": ["train", "test", "train"]})
    (tmp_path / "labels.csv").write_text("file,start,end,label\nc.csv,0.5,,beat\nc.csv,0,0.4,lie\n")
    a, b, c = read_folder(tmp_path, Columns())[0]
    assert (a.subject, a.rate, a.spans) == ("p1", 10.0, (Span(0.0, 1.0, "sit"),))
    assert a.channels == ("x [m/s2]", "y")
    np.testing.assert_allclose(a.signal[:2], [[9.80665, 0], [9.80665, 1]], rtol=1e-6)
    assert (b.subject, b.split, b.rate, b.spans[0].label) == ("2", "test", 20.0, "walk")
    assert c.spans == (Span(0.0, 0.4, "lie"), Span(0.5, 0.5, "beat"))


def test_parquet_and_other_names_of_columns(tmp_path):
    import pandas as pd

    pd.DataFrame(table(activity=["a"] * 20, who=["p"] * 20)).to_parquet(tmp_path / "a.parquet")
    columns = Columns("activity", "who", ("y",))
    (one,), _ = read_folder(tmp_path, columns)
    assert (one.channels, one.subject, one.spans[0].label) == (("y",), "p", "a")


def test_times_of_parquet_may_be_its_index_in_seconds_or_dates(tmp_path):
    import pandas as pd

    frame = pd.DataFrame(table())
    dates = pd.date_range("2020-01-01", periods=20, freq="100ms")
    for times in (frame["time"], dates.rename("time"), dates.rename(None)):
        frame.drop(columns="time").set_index(times).to_parquet(tmp_path / "a.parquet")
        (one,), _ = read_folder(tmp_path, Columns())
        assert (one.rate, one.channels) == (10.0, ("x [m/s2]", "y"))
    frame.assign(time=dates).rename_axis("row").to_parquet(tmp_path / "a.parquet")
    (one,), _ = read_folder(tmp_path, Columns())
    assert (one.rate, one.channels) == (10.0, ("x [m/s2]", "y"))


MISTAKES = {
    "text in a channel": ("x,y\n1,2\n1,b\n", Columns(rate=5.0), r"a\.csv:3: 'y': expected a number"),
    "no rate": ("x\n1\n2\n", Columns(), r"expected a column `time` in seconds, or --recorded-rate"),
    "no channel": ("time,label\n0,a\n1,a\n", Columns(), "expected columns with the channels' samples"),
    "two people": (
        "time,x,subject\n0,1,a\n1,1,b\n",
        Columns(),
        "expected one person in a recording, found 2",
    ),
    "other rate": ("time,x\n0,1\n1,1\n2,1\n", Columns(rate=2.0), "its times say 1 samples a second"),
    "backwards": ("time,x\n0,1\n1,1\n0.5,1\n2,1\n", Columns(), "expected times that rise, sample 3"),
    "nothing": ("time,x\n0,NA\n1,\n", Columns(), "expected numbers, found none in 2 samples"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_in_a_table_is_one_line(tmp_path, name):
    content, columns, said = MISTAKES[name]
    (tmp_path / "a.csv").write_text(content)
    with pytest.raises(UserError, match=said):
        read_recording(tmp_path / "a.csv", columns)


def test_mistakes_in_a_folder(tmp_path):
    with pytest.raises(UserError, match="expected a folder of recordings"):
        read_folder(tmp_path / "none", Columns())
    with pytest.raises(UserError, match=r"expected recordings .* found none"):
        read_folder(tmp_path, Columns())
    (tmp_path / "a.npz").write_bytes(b"PK")
    with pytest.raises(UserError, match=r"a\.npz: expected arrays in an \.npz file"):
        read_folder(tmp_path, Columns())
    np.savez(tmp_path / "a.npz", signal=np.array([object()]))
    with pytest.raises(UserError, match=r"a\.npz: expected arrays in an \.npz file"):
        read_folder(tmp_path, Columns())
    np.savez(tmp_path / "a.npz", signal=np.ones(5), rate=10.0)
    (tmp_path / "recordings.csv").write_text("file,rate\na.npz,20\n")
    with pytest.raises(UserError, match=r"it says 10 samples a second, recordings\.csv says 20"):
        read_folder(tmp_path, Columns())
    (tmp_path / "recordings.csv").unlink()
    (tmp_path / "labels.csv").write_text("file,start,end,label\nb.npz,0,1,a\n")
    with pytest.raises(UserError, match=r"labels\.csv:2: no recording 'b\.npz'"):
        read_folder(tmp_path, Columns())


@pytest.mark.filterwarnings("ignore:The inplace keyword")  # wfdb uses it when it writes
def test_a_wfdb_record_has_beats_of_the_aami_classes(tmp_path):
    wfdb = pytest.importorskip("wfdb")
    signal = np.linspace(-1, 1, 400)[:, None]
    wfdb.wrsamp("r", 100, ["mV"], ["II"], signal, fmt=["16"], write_dir=str(tmp_path))
    wfdb.wrann("r", "atr", np.array([50, 150, 250]), ["N", "+", "V"], write_dir=str(tmp_path))
    (one,), _ = read_folder(tmp_path, Columns())
    assert (one.rate, one.channels) == (100.0, ("II [mV]",))
    assert one.spans == (Span(0.5, 0.5, "N"), Span(2.5, 2.5, "V"))
    np.testing.assert_allclose(one.signal, signal, atol=1e-3)
    (tmp_path / "r.dat").unlink()
    with pytest.raises(UserError, match=r"r\.hea: its data file is missing: r\.dat"):
        read_folder(tmp_path, Columns())
