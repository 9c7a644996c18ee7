"""A site of tiny examples, served to a real browser."""

import fcntl
import functools
import importlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import patchflow

from .tiny_examples import write_tiny_examples

ROOT = Path(patchflow.__file__).parent.parent
CHROMIUM = shutil.which("chromium")
DRIVER = shutil.which("chromedriver")
PATIENCE = 600  # seconds: a machine may be busy with other tests
FLAGS = (
    "headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-background-networking",
    "disable-component-update", "disable-sync", "autoplay-policy=no-user-gesture-required", "disable-dev-shm-usage",
)  # fmt: skip


@pytest.fixture(scope="session")
def sections() -> Iterator[ModuleType]:
    yield from _module("sections")


@pytest.fixture(scope="session")
def example_files(sections: ModuleType) -> Iterator[ModuleType]:
    yield from _module("example_files")


@pytest.fixture(scope="session")
def tiny_examples(tmp_path_factory: pytest.TempPathFactory, sections: ModuleType, example_files: ModuleType) -> Path:
    folder = tmp_path_factory.mktemp("examples")
    write_tiny_examples(folder, sections, example_files)
    return folder


@pytest.fixture(scope="session")
def site(tiny_examples: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the built site: `PATCHFLOW_SITE` if that is set, else one of tiny examples, built once."""
    if "PATCHFLOW_SITE" in os.environ:
        return Path(os.environ["PATCHFLOW_SITE"]).resolve()
    return _built(tiny_examples, tmp_path_factory, "site", "--no-reference")


@pytest.fixture(scope="session")
def whole_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the site as `make site` builds it, of the committed examples and with the reference."""
    return _built(ROOT / "site" / "examples", tmp_path_factory, "whole_site")


@pytest.fixture(scope="session")
def served(site: Path) -> Iterator["Served"]:
    yield from _serving(site)


@pytest.fixture(scope="session")
def whole_served(whole_site: Path) -> Iterator["Served"]:
    yield from _serving(whole_site)


class Served:
    """A site on this machine.

    Args:
        address: Of its root.
        missing: What was asked for and is not there, so far.
    """

    def __init__(self, address: str, missing: list[str]) -> None:
        self.address = address
        self.missing = missing


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A real headless Chromium."""
    _need(CHROMIUM is not None and DRIVER is not None, "Chromium with its driver")
    _need(importlib.util.find_spec("selenium") is not None, "selenium")
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM or ""
    for flag in FLAGS:
        options.add_argument(f"--{flag}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        options.add_argument(f"--user-data-dir={profile}")
        driver = webdriver.Chrome(options=options, service=Service(DRIVER))
        driver.set_script_timeout(PATIENCE)
        driver.command_executor.client_config.timeout = PATIENCE  # pyright: ignore[reportAttributeAccessIssue]
        yield driver
        driver.quit()


def build_site(examples: Path, out: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Builds a site as `make site` does; `--no-reference` leaves out what takes most of the time."""
    command = [sys.executable, str(ROOT / "site" / "build.py"), "--out", str(out), "--examples", str(examples)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run([*command, *options], env=environment, capture_output=True, text=True, check=False)


def _built(examples: Path, factory: pytest.TempPathFactory, name: str, *options: str) -> Path:
    """A site that is built once, whichever process comes first."""
    for package in ("sphinx", "myst_parser", "furo"):
        _need(importlib.util.find_spec(package) is not None, package)
    base = factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    out = shared / name
    with (shared / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the second process waits for the first, and finds what that has built
        if not (out / "searchindex.js").exists():
            done = build_site(examples, out, *options)
            assert done.returncode == 0, done.stderr
    return out


def _serving(site: Path) -> Iterator["Served"]:
    missing: list[str] = []

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            """Says nothing of what is found."""

        def send_error(self, code: int, *args: Any, **more: Any) -> None:
            missing.append(f"{code} {self.path}")
            super().send_error(code, *args, **more)

    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield Served(f"http://127.0.0.1:{server.server_address[1]}", missing)
    server.shutdown()
    server.server_close()


def _need(is_there: bool, what: str) -> None:
    if is_there:
        return
    if "PATCHFLOW_REQUIRED_BROWSER" in os.environ:
        pytest.fail(f"{what} is not installed, and may not be missing here")
    pytest.skip(f"{what} is not installed")


def _module(name: str) -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "site"))
        yield importlib.import_module(name)
