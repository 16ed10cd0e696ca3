"""Every app, discovered, and a run of its whole road."""

from pathlib import Path

import pytest
from reference.trainings import Trained

APPS = sorted(path.parent.name for path in (Path(__file__).parents[2] / "apps").glob("*/__init__.py"))


@pytest.fixture(scope="session", params=APPS)
def trained(request, training) -> Trained:
    """Every app's `smoke` preset, trained."""
    return training(request.param)
