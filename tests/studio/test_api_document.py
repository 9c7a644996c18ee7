"""The API keeps to its own document, whatever is sent: Schemathesis reads it and tries."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed
from hypothesis import settings as how
from schemathesis import APIOperation, Case
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.core.result import Ok

from patchflow.engines.tone import Tone
from patchflow.presets import Library, Preset

EXAMPLES = 8  # of every operation
# What fits the document may still be refused: bytes that are no sound, an id of nothing, values beyond a synth's range.
MAY_BE_REFUSED = "positive_data_acceptance"
SLOW = (HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large, HealthCheck.large_base_example)
LONG = {"/api/v1/map"}  # listens to the whole bank


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """A studio in a process of its own, with a library of one preset."""
    library = tmp_path / "library.sqlite"
    Library(library).add([Preset("tone", Tone.space.decode(Tone.space.default()))], lambda _: Tone.space)
    words = ["--no-browser", "--port", "0", "--workspace", str(tmp_path / "studio"), "--library", str(library)]
    command = [sys.executable, "-m", "patchflow", "studio", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        found = re.search(r"http://\S+", process.stdout.readline())
        assert found is not None
        yield found[0].rstrip("/")
        process.terminate()


@pytest.mark.slow
def test_every_operation_keeps_to_the_document(address: str):
    load_all_checks()
    excluded = [check for check in CHECKS.get_all() if check.__name__ == MAY_BE_REFUSED]
    assert len(excluded) == 1
    schema = schemathesis.openapi.from_url(f"{address}/api/v1/openapi.json", wait_for_schema=60)
    failures: list[str] = []
    tried = []
    for found in schema.get_all_operations():
        assert isinstance(found, Ok), found
        operation = found.ok()
        if operation.path not in LONG:
            tried.append(operation.path)
            attempts(operation, excluded, failures)()

    assert len(tried) > 30
    assert failures == []


def attempts(operation: APIOperation, excluded: list, failures: list[str]) -> Callable[[], None]:
    """Returns what tries an operation with requests that fit the document, and with others; it notes failures."""

    @seed(0)
    @how(max_examples=EXAMPLES, phases=[Phase.generate], database=None, suppress_health_check=SLOW)
    @given(case=operation.as_strategy())
    def attempt(case: Case) -> None:
        try:
            case.call_and_validate(excluded_checks=excluded, timeout=60)
        except AssertionError as error:
            failures.append(f"{operation.method} {operation.path}: {error}")
        except ExceptionGroup as errors:
            failures.append(f"{operation.method} {operation.path}: {errors.exceptions}")

    return attempt
