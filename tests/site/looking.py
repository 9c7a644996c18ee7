"""What tests do with a page in a browser: open it, unfold it, and look for faults."""

import json
import time
from pathlib import Path
from typing import Any

from .conftest import Served

__all__ = [
    "PHONE",
    "RESULTS",
    "dead_links",
    "open_page",
    "problems_by_axe",
    "severe_messages",
    "show_pictures",
    "unfold",
    "wait_for",
    "width_on_a_phone",
]

RESULTS = (
    "reconstruction", "macros", "interpolation", "variations", "inference", "out-of-domain", "semantics", "sketches",
    "live-control", "mathematics", "models",
)  # fmt: skip
"""Pages of results."""

PHONE = 360
"""Width of a small phone, in pixels."""

_AXE = (Path(__file__).parent / "axe" / "axe.min.js").read_text("utf-8")


def open_page(browser: Any, served: Served, page: str) -> None:
    """Opens a page and waits until its elements are there."""
    browser.get(f"{served.address}/{page}")
    wait_for(browser, "return document.readyState === 'complete' && !!customElements.get('pf-presets');")


def unfold(browser: Any) -> None:
    """Opens every example, so that nothing is left out of what is looked at."""
    browser.execute_script("document.querySelectorAll('details').forEach((one) => { one.open = true; });")


def wait_for(browser: Any, condition: str, seconds: float = 120.0) -> None:
    """Waits until a script returns true."""
    end = time.monotonic() + seconds
    while not browser.execute_script(condition):
        assert time.monotonic() < end, condition
        time.sleep(0.02)


def show_pictures(browser: Any) -> None:
    """Loads every picture, also those far below."""
    browser.execute_script("document.querySelectorAll('img').forEach((image) => { image.loading = 'eager'; });")
    wait_for(browser, "return [...document.images].every((image) => image.complete && image.naturalWidth > 0);")


def severe_messages(browser: Any) -> list[str]:
    """Returns errors of the console since they were last asked for."""
    return [entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]


def dead_links(browser: Any, served: Served, site: Path) -> list[str]:
    """Returns links to files of the site that are not there."""
    links = browser.execute_script("return [...document.links].map((link) => link.href);")
    local = {link.partition("#")[0].removeprefix(served.address) for link in links if link.startswith(served.address)}
    return [link for link in sorted(local) if not (site / link.lstrip("/")).exists()]


def problems_by_axe(browser: Any) -> str:
    """Returns what axe finds on the page that is open, as JSON; `"[]"` if that is nothing."""
    browser.execute_script(_AXE)
    found = browser.execute_async_script("axe.run({resultTypes: ['violations']}).then(arguments[0]);")
    assert len(found["passes"]) > 10  # that it looked at all
    faults = [(one["id"], [node["html"][:200] for node in one["nodes"][:3]]) for one in found["violations"]]
    return json.dumps(faults, indent=1)


def width_on_a_phone(browser: Any, served: Served, page: str) -> int:
    """Returns how wide a page is on a small phone, in pixels."""
    phone = {"width": PHONE, "height": 740, "deviceScaleFactor": 1, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", phone)
    open_page(browser, served, page)
    unfold(browser)
    wide = browser.execute_script("return document.documentElement.scrollWidth;")
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    return wide
