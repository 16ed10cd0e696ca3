"""An open run, and methods to log to it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import UserError
from .quiet_mlflow import (
    MAX_PARAM_VAL_LENGTH,
    MAX_PARAMS_TAGS_PER_BATCH,
    MAX_TAG_VAL_LENGTH,
    MLFLOW_LOGGED_ARTIFACTS,
    mlflow,
)
from .values import batches, flatten, shorten, to_json

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Run:
    """An open run. Logged values appear in the UI at once."""

    def __init__(self, run_id: str, logged: set[tuple[str, int]]) -> None:
        self.id = run_id
        self._logged = logged

    def metrics(self, values: Mapping[str, float], step: int | None = None) -> None:
        """Log numbers; with `step` (the epoch, from 1) they make a curve.

        Steps that the run already has are not logged again. An epoch is repeated if the process was killed
        before the checkpoint was written, and must not appear twice.
        """
        fresh = {k: float(v) for k, v in values.items() if step is None or (k, step) not in self._logged}
        mlflow.log_metrics(fresh, step=step, run_id=self.id)
        if step is not None:
            self._logged.update((name, step) for name in fresh)

    def params(self, values: Mapping[str, Any]) -> None:
        """Log parameters, which are known before training; the names of nested mappings are joined by dots.

        Raises:
            UserError: the run is resumed, and was started with a different value.
        """
        flat = {name: shorten(value, MAX_PARAM_VAL_LENGTH) for name, value in flatten(values)}
        before = mlflow.get_run(self.id).data.params
        for name in sorted(flat.keys() & before.keys()):
            if flat[name] != before[name]:
                raise UserError(f"run {self.id} was started with {name}={before[name]!r}, got {flat[name]!r}")
        fresh = {name: value for name, value in flat.items() if name not in before}
        for batch in batches(fresh, MAX_PARAMS_TAGS_PER_BATCH):
            mlflow.log_params(batch, run_id=self.id)

    def tags(self, values: Mapping[str, Any]) -> None:
        """Set tags. Unlike parameters, tags may change."""
        flat = {name: shorten(value, MAX_TAG_VAL_LENGTH) for name, value in flatten(values)}
        for batch in batches(flat, MAX_PARAMS_TAGS_PER_BATCH):
            mlflow.set_tags(batch)

    def figure(self, name: str, figure: Figure) -> None:
        """Log a figure as `plots/NAME.png`."""
        mlflow.log_figure(figure, f"plots/{name}.png")

    def table(self, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Log rows with the same columns as a table, `tables/NAME.json`; an older one is replaced."""
        path = f"tables/{name}.json"
        columns = list(rows[0]) if rows else []
        content = {"columns": columns, "data": [[row[column] for column in columns] for row in rows]}
        self.text(path, json.dumps(content, default=to_json))
        # The UI shows those files as tables that this tag lists.
        listed = json.loads(mlflow.get_run(self.id).data.tags.get(MLFLOW_LOGGED_ARTIFACTS, "[]"))
        entry = {"path": path, "type": "table"}
        if entry not in listed:
            mlflow.set_tag(MLFLOW_LOGGED_ARTIFACTS, json.dumps([*listed, entry]))

    def text(self, name: str, text: str) -> None:
        """Log a text as the artifact `name`; the suffix decides how the UI shows it."""
        mlflow.log_text(text, name, run_id=self.id)

    def folder(self, path: Path, name: str) -> None:
        """Log a copy of a folder and all its content as the artifact folder `name`."""
        mlflow.log_artifacts(str(path), name, run_id=self.id)
