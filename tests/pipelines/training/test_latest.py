"""The link `latest` moves when everything else of a run is written."""

import errno
from types import SimpleNamespace

import pytest
from reference.bundles import head, record

from pipelines.export.bundle_writing import write_bundle
from pipelines.training import bundle as training


@pytest.mark.parametrize("full_in", ["_log_export", "_try_bundle", "_write_card", "text", "describe", None])
def test_latest_moves_last_and_a_run_that_fails_can_be_resumed(full_in, tmp_path, monkeypatch):
    output, checkpoint = tmp_path / "exports" / "counting", tmp_path / "checkpoint"
    checkpoint.mkdir()
    write_bundle(output, head("older"), [(record(), b"model")], {})

    def step(name, result=None):
        def take(*_):
            assert (output / "latest").readlink().name == "older"
            if name == full_in:
                raise OSError(errno.ENOSPC, "No space left on device")
            return result

        return take

    def export(*_):
        return SimpleNamespace(
            bundle=write_bundle(output, head("newer"), [(record(), b"model")], {}, latest=False)
        )

    monkeypatch.setattr(training, "_export", export)
    for name, result in (("_log_export", "models:/m-1"), ("_try_bundle", {}), ("_write_card", None)):
        monkeypatch.setattr(training, name, step(name, result))
    monkeypatch.setattr(training.record, "of_run", lambda *_: {"intervals": {}})
    for name in ("description", "command"):
        monkeypatch.setattr(training, name, lambda *_: "")
    run = SimpleNamespace(id="newer", page=None, text=step("text"), describe=step("describe"))
    app, folder = SimpleNamespace(name="counting"), SimpleNamespace(folder=checkpoint)
    config = SimpleNamespace(sparsity=0)
    setup = SimpleNamespace(run=run, checkpoint=folder, app=app, preset="", config=config, minutes=float)
    if full_in:
        with pytest.raises(OSError, match="No space left"):
            training.export_bundle(setup, None, tmp_path / "exports")
    else:
        training.export_bundle(setup, None, tmp_path / "exports")
    assert (output / "latest").readlink().name == ("older" if full_in else "newer")
    assert checkpoint.exists() == bool(full_in)
    assert sorted(path.name for path in output.iterdir()) == ["latest", "newer", "older"]
