"""The API keeps to its own document, whatever is sent: Schemathesis reads it and tries."""

import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck, Phase, given, seed
from hypothesis import settings as how
from schemathesis import APIOperation, Case
from schemathesis.checks import CHECKS, load_all_checks

from patchflow.engines.tone import Tone
from patchflow.presets import Library, Preset
from patchflow.studio import StudioSettings, build_app

EXAMPLES = 8  # of every operation
# What fits the document may still be refused: bytes that are no sound, an id of nothing, values beyond a synth's range.
MAY_BE_REFUSED = "positive_data_acceptance"
LONG = {"/api/v1/map"}  # listens to the whole bank


@pytest.fixture
def address(settings: StudioSettings) -> Iterator[str]:
    """A studio on a port of this machine, with a library of one preset."""
    assert settings.library is not None
    Library(settings.library).add([Preset("tone", Tone.space.decode(Tone.space.default()))], lambda _: Tone.space)
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        server = uvicorn.Server(uvicorn.Config(build_app(replace(settings, port=port)), log_config=None))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        yield f"http://127.0.0.1:{port}"
        server.should_exit = True
        thread.join()


@pytest.mark.slow
def test_every_operation_keeps_to_the_document(address: str):
    load_all_checks()
    excluded = [check for check in CHECKS.get_all() if check.__name__ == MAY_BE_REFUSED]
    assert len(excluded) == 1
    schema = schemathesis.openapi.from_url(f"{address}/api/v1/openapi.json")
    failures: list[str] = []
    tried = []
    for found in schema.get_all_operations():
        operation = found.ok()
        if operation.path not in LONG:
            tried.append(operation.path)
            attempts(operation, excluded, failures)()

    assert len(tried) > 30
    assert failures == []


def attempts(operation: APIOperation, excluded: list, failures: list[str]) -> Callable[[], None]:
    """Returns what tries an operation with requests that fit the document, and with others; it notes failures."""

    @seed(0)
    @how(max_examples=EXAMPLES, phases=[Phase.generate], database=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy())
    def attempt(case: Case) -> None:
        try:
            case.call_and_validate(excluded_checks=excluded, timeout=60)
        except AssertionError as error:
            failures.append(f"{operation.method} {operation.path}: {error}")
        except ExceptionGroup as errors:
            failures.append(f"{operation.method} {operation.path}: {errors.exceptions}")

    return attempt
