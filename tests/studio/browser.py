"""A studio of its own on this machine, and a real browser that opens its page."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

import patchflow

__all__ = ["Served", "browsing", "open_page", "served", "state_of", "wait_for"]

ROOT = Path(patchflow.__file__).parent.parent
CHROMIUM = shutil.which("chromium")
PATIENCE = 120  # seconds: a machine may be busy with other tests
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--autoplay-policy=no-user-gesture-required",
    "--disable-background-networking",
)  # fmt: skip
_DRIVERS: list[Any] = []


class Served:
    """A studio that runs.

    Args:
        address: Of its page, ending in a slash.
        process: It.
    """

    def __init__(self, address: str, process: subprocess.Popen[str]) -> None:
        self.address = address
        self.process = process

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.address.rstrip("/").rpartition(":")[2])

    def end(self) -> None:
        """Ends it as Ctrl-C does."""
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(PATIENCE)


@contextmanager
def served(folder: Path, port: int = 0) -> Iterator[Served]:
    """Runs a studio with a workspace and a library in `folder`, which may be those of an earlier one."""
    command = [
        sys.executable, "-m", "patchflow", "studio", "--no-browser", "--port", str(port),
        "--workspace", str(folder / "studio"), "--library", str(folder / "library.db"),
    ]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", "OMP_NUM_THREADS": "1"}
    with (folder / "studio.log").open("a") as log:
        process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=log, stdin=subprocess.DEVNULL, text=True
        )
        assert process.stdout is not None
        said = process.stdout.readline()
        found = re.search(r"http://\S+/", said)
        assert found, said + (folder / "studio.log").read_text("utf-8")
        studio = Served(found[0], process)
        try:
            yield studio
        finally:
            studio.end()
            process.stdout.close()


@contextmanager
def browsing(*flags: str) -> Iterator[Any]:
    """A real headless Chromium, driven by Playwright; skips where there is none."""
    _need(CHROMIUM is not None, "Chromium")
    _need(importlib.util.find_spec("playwright") is not None, "playwright")
    from playwright.sync_api import sync_playwright

    with ExitStack() as stack:
        if not _DRIVERS:  # Playwright runs once in a thread, and may have several browsers
            _DRIVERS.append(stack.enter_context(sync_playwright()))
            stack.callback(_DRIVERS.clear)
        browser = _DRIVERS[0].chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, *flags])
        try:
            yield browser
        finally:
            browser.close()


def open_page(context: Any, studio: Served) -> Any:
    """Opens the studio's page and waits until it can be used; `page.faults` has what the console complained of."""
    page = context.new_page()
    page.set_default_timeout(1000 * PATIENCE)
    page.faults = []
    page.on("console", lambda said: page.faults.append(said.text) if _complains(said) else None)
    page.on("pageerror", lambda error: page.faults.append(str(error)))
    page.goto(studio.address)
    page.wait_for_function("() => window.patchflowStudio !== undefined")
    page.evaluate("patchflowStudio.session.ready")
    page.wait_for_selector("pf-keys .keys")
    return page


def _complains(said: Any) -> bool:
    """Whether a line of the console is a fault: a note that a newer one took the place of is none."""
    is_overtaken = "409 (Conflict)" in said.text and "/audio?" in said.location.get("url", "")
    return said.type == "error" and not is_overtaken


def state_of(page: Any, expression: str) -> Any:
    """Returns a part of the page's state, such as `"preset?.name"`."""
    return page.evaluate(f"patchflowStudio.session.state.{expression}")


def wait_for(page: Any, condition: str) -> None:
    """Waits until an expression of JavaScript holds; `state`, `engine` and `session` are those of the page."""
    parts = "const {session, engine} = patchflowStudio; const {state} = session;"
    page.wait_for_function(f"() => {{ {parts} return {condition}; }}", timeout=1000 * PATIENCE, polling=30)


def _need(is_there: bool, what: str) -> None:
    if is_there:
        return
    if "PATCHFLOW_REQUIRED_BROWSER" in os.environ:
        pytest.fail(f"{what} is not installed, and may not be missing here")
    pytest.skip(f"{what} is not installed")
