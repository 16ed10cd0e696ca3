"""Heads and records of manifests, as they are right."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def head(run_id: str = "new", **changes: Any) -> Mapping[str, Any]:
    """Return the head of a manifest, as `write_bundle` takes it."""
    return {
        "app": "tiny",
        "run_id": run_id,
        "dataset": "embedded",
        "preset": "default",
        "config": {"units": 5},
        "metric": {"name": "accuracy", "value": 0.9, "higher_is_better": True, "baseline": 0.4},
        "labels": ["bad", "good"],
        "preprocessing": {},
        **changes,
    }


def record(precision: str = "float32", execution: str = "loop", **changes: Any) -> Mapping[str, Any]:
    """Return the record of a variant, as `write_bundle` takes it."""
    return {
        "file": f"{precision}_{execution}.tflite",
        "precision": precision,
        "execution": execution,
        "ops": {"WHILE": 1},
        "signatures": {},
        "runs_on": ["interpreter"],
        "max_abs_error": 0.0,
        "metric": 0.9,
        "latency_ms": {"p50": 1.0, "p95": 2.0},
        **changes,
    }
