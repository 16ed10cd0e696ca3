"""An open run, and methods to log to it."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import UserError
from .quiet_mlflow import (
    MAX_DATASET_NAME_SIZE,
    MAX_METRICS_PER_BATCH,
    MAX_PARAM_VAL_LENGTH,
    MAX_PARAMS_TAGS_PER_BATCH,
    MAX_TAG_VAL_LENGTH,
    MLFLOW_DATASET_CONTEXT,
    MLFLOW_LOGGED_ARTIFACTS,
    MLFLOW_RUN_NOTE,
    Dataset,
    DatasetInput,
    InputTag,
    Metric,
    mlflow,
    resolve_tags,
)
from .values import batches, flatten, shorten, to_json

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Run:
    """An open run. Logged values appear in the UI at once.

    Args:
        run_id: the id of the run.
        page: how to see the run in the browser, if there is a server.
        logged: the metrics and steps that the run already has.

    Attributes:
        step: what is being done; if it fails, the tag `failed_in` names it.
    """

    def __init__(self, run_id: str, page: str | None, logged: set[tuple[str, int]]) -> None:
        self.id = run_id
        self.page = page
        self.step = "setup"
        self._logged = logged

    def headline(self, figure: str) -> None:
        """Add a figure to the end of the run's name, unless it is there already."""
        client = mlflow.MlflowClient()
        name = client.get_run(self.id).info.run_name
        if not name.endswith(f" · {figure}"):
            client.update_run(self.id, name=f"{name} · {figure}")

    def describe(self, markdown: str) -> None:
        """Set the description, which the UI shows at the top of the run's page."""
        self.tags({MLFLOW_RUN_NOTE: markdown})

    def dataset(self, name: str, *, digest: str, path: Path | None, counts: Mapping[str, int]) -> None:
        """Log the data of the run as an MLflow dataset.

        Args:
            name: the name of the data set.
            digest: a hash of the data; MLflow shows its first 8 characters.
            path: the file or folder, if the data set is one; otherwise its source is code.
            counts: the number of examples by split.
        """
        kind, source = ("code", {"tags": resolve_tags()}) if path is None else ("local", {"uri": str(path)})
        profile = json.dumps({"num_rows": sum(counts.values()), **counts})
        data = Dataset(
            shorten(name, MAX_DATASET_NAME_SIZE), digest[:8], kind, json.dumps(source), profile=profile
        )
        context = InputTag(MLFLOW_DATASET_CONTEXT, "train")
        mlflow.MlflowClient().log_inputs(self.id, [DatasetInput(data, [context])])

    def metrics(self, values: Mapping[str, float], step: int | None = None) -> None:
        """Log numbers; with `step` (the epoch, from 1) they make a curve.

        Steps that the run already has are not logged again. An epoch is repeated if the process was killed
        before the checkpoint was written, and must not appear twice.
        """
        fresh = {k: float(v) for k, v in values.items() if step is None or (k, step) not in self._logged}
        mlflow.log_metrics(fresh, step=step, run_id=self.id)
        if step is not None:
            self._logged.update((name, step) for name in fresh)

    def curves(self, epochs: Sequence[Mapping[str, float]]) -> None:
        """Log numbers of all epochs, from 1, at once; those that the run already has are not logged again."""
        now = int(time.time() * 1000)
        metrics = [
            Metric(name, float(value), now, step)
            for step, values in enumerate(epochs, 1)
            for name, value in values.items()
            if (name, step) not in self._logged
        ]
        for start in range(0, len(metrics), MAX_METRICS_PER_BATCH):
            mlflow.MlflowClient().log_batch(self.id, metrics[start : start + MAX_METRICS_PER_BATCH])
        self._logged.update((metric.key, metric.step) for metric in metrics)

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
