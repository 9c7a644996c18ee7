"""Every view of the studio as somebody sees it: nothing for axe to find, dark and light, on a desk and on a tablet.

With PATCHFLOW_SCREENSHOTS=FOLDER the pictures of the documents are written there: docs/studio has those of one run.
"""

import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from .browser import ROOT, Served, browsing, open_page, state_of, wait_for

pytestmark = pytest.mark.slow

DESK = {"width": 1280, "height": 800}
TABLET = {"width": 1024, "height": 768}
PHONE = {"width": 390, "height": 844}
DOCUMENTS = ROOT / "docs" / "studio"
VIEWS = ("match", "shape", "explore", "library")
READY = {
    "match": "pf-candidate",
    "shape": "pf-panel pf-knob",
    "explore": "pf-studio-map",
    "library": "pf-library [role=row]",
}

# Which of some buttons are hit by a click into their middle.
REACHED = """(names) => {
  const parts = (one) => (one.shadowRoot ? [one, ...inside(one.shadowRoot)] : [one]);
  const inside = (root) => [...root.querySelectorAll("*")].flatMap(parts);
  const called = (one) => (one.getAttribute("aria-label") || one.textContent).trim();
  const buttons = inside(document.body).filter((one) => one.localName === "button" && one.checkVisibility());
  return names.filter((name) => buttons.some((one) => {
    if (called(one) !== name) return false;
    const {x, y, width, height} = one.getBoundingClientRect();
    let hit = document.elementFromPoint(x + width / 2, y + height / 2);
    while (hit?.shadowRoot && hit !== one) hit = hit.shadowRoot.elementFromPoint(x + width / 2, y + height / 2);
    return hit && (hit === one || one.contains(hit));
  }));
}"""


@pytest.fixture(scope="module")
def page(studio: Served) -> Iterator[Any]:
    """A page on which the example was matched."""
    with browsing("--enable-unsafe-swiftshader") as chromium:
        context = chromium.new_context(viewport=DESK, color_scheme="dark", reduced_motion="reduce")
        opened = open_page(context, studio)
        _keep(opened, "start")
        opened.get_by_role("button", name="Try the example").click()
        wait_for(opened, "state.job?.state === 'done' && state.candidates.length > 1")
        opened.get_by_role("button", name="Leave the guide").click()
        yield opened
        assert opened.faults == []
        context.close()


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_axe_finds_nothing(page: Any, view: str, scheme: str):
    page.set_viewport_size(DESK)
    _show(page, view, scheme)
    _keep(page, f"{view}-{scheme}")
    page.evaluate((ROOT / "tests" / "site" / "axe" / "axe.min.js").read_text("utf-8"))

    found = page.evaluate("axe.run({resultTypes: ['violations']})")

    assert len(found["passes"]) > 10  # that it looked at all
    faults = [(one["id"], [node["html"][:200] for node in one["nodes"][:3]]) for one in found["violations"]]
    assert json.dumps(faults, indent=1) == "[]"


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("size", [DESK, TABLET, PHONE], ids=["desk", "tablet", "phone"])
def test_what_every_view_has_is_in_sight_and_in_reach(page: Any, view: str, size: dict[str, int]):
    page.set_viewport_size(size)
    _show(page, view, "dark")
    names = [*(one.capitalize() for one in VIEWS), "Undo", "History", "Light or dark", "Keys", "Take home", "Rename"]

    assert page.evaluate(REACHED, names) == names


@pytest.mark.parametrize("view", VIEWS)
def test_a_tablet_shows_every_view_without_scrolling_sideways(page: Any, view: str):
    page.set_viewport_size(TABLET)
    _show(page, view, "dark")
    picture = _keep(page, f"{view}-tablet")

    width = page.evaluate("document.documentElement.scrollWidth")
    assert width == TABLET["width"]
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 50  # something is drawn
    assert state_of(page, "view") == view


def test_documents_show_the_views_there_are():
    named = {f"{view}-dark.png" for view in VIEWS} | {"start.png"}

    for name in sorted(named):
        with Image.open(DOCUMENTS / name) as picture:
            assert picture.size == (DESK["width"], DESK["height"]), name
            assert len(np.unique(np.asarray(picture.convert("RGB")).reshape(-1, 3), axis=0)) > 50, name


def _show(page: Any, view: str, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)
    if state_of(page, "view") != view:
        page.get_by_role("tab", name=view.capitalize()).click()
    wait_for(page, f"state.view === '{view}'")
    page.locator(READY[view]).first.wait_for()
    page.wait_for_timeout(1500)  # until pictures have come and nothing fades any more


def _keep(page: Any, name: str) -> np.ndarray:
    """The picture of a page, `(H, W, 3)`; written where the documents have it, if that is asked for."""
    data = page.screenshot()
    folder = os.environ.get("PATCHFLOW_SCREENSHOTS")
    if folder:
        picture = Image.open(io.BytesIO(data)).convert("RGB").quantize(256, method=Image.Quantize.FASTOCTREE)
        picture.save(Path(folder) / f"{name}.png", optimize=True)
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
