"""How runs are shown in the browser."""

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from pipelines.errors import UserError
from pipelines.tracking.store import how_to_see, require_answer


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("sqlite:////a/mlruns/mlflow.db", None),
        (
            "http://127.0.0.1:5001",
            "http://127.0.0.1:5001/#/experiments/3/runs/r?workflowType=machine_learning",
        ),
        (
            "https://me:secret@host/mlflow/",
            "https://host/mlflow/#/experiments/3/runs/r?workflowType=machine_learning",
        ),
        ("postgresql://me:secret@host/runs", 'mlflow ui --backend-store-uri "$MLFLOW_TRACKING_URI"'),
    ],
)
def test_a_server_has_a_page_for_each_run_and_passwords_are_not_shown(uri, shown):
    assert how_to_see(uri, "3", "r") == shown


class Locked(BaseHTTPRequestHandler):
    """Wants a password for every page."""

    def do_GET(self):
        self.send_error(401)

    def log_message(self, *_):
        pass


@pytest.fixture
def server() -> Iterator[str]:
    """The address of a server that answers."""
    with HTTPServer(("127.0.0.1", 0), Locked) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}/"
        running.shutdown()


def test_a_server_that_answers_will_do_even_with_an_error(server):
    require_answer(server)
    require_answer("sqlite:///mlruns/mlflow.db")


@pytest.mark.parametrize(
    "uri", ["http://127.0.0.1:9", "http://me:secret@[broken", "http://nowhere.invalid/mlflow"]
)
def test_a_server_that_does_not_answer_is_named_at_once(uri):
    started = time.monotonic()
    with pytest.raises(
        UserError, match=r"MLFLOW_TRACKING_URI: expected a server .* at http://\S+: ."
    ) as refused:
        require_answer(uri)
    assert time.monotonic() < started + 15
    assert "secret" not in str(refused.value)
