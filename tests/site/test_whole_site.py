"""The site as `make site` builds it, of the committed examples: whole, small enough, and without faults."""

from pathlib import Path
from typing import Any

import pytest

from .conftest import Served
from .looking import (
    PHONE,
    RESULTS,
    dead_links,
    open_page,
    problems_by_axe,
    severe_messages,
    show_pictures,
    unfold,
    width_on_a_phone,
)

pytestmark = pytest.mark.slow

LARGEST = 60e6  # bytes
WITH_EXAMPLES = (
    "reconstruction", "macros", "interpolation", "variations", "out-of-domain", "semantics", "sketches",
)  # fmt: skip


def test_the_site_is_small_enough(whole_site: Path):
    assert 1e6 < sum(path.stat().st_size for path in whole_site.rglob("*") if path.is_file()) < LARGEST


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_no_section_is_empty(name: str, whole_site: Path):
    text = (whole_site / "results" / f"{name}.html").read_text("utf-8")

    assert text.count("<pf-player") >= 4
    assert "There are no examples" not in text
    assert "Nothing was measured yet" not in text


def test_every_weight_that_is_shipped_for_sounds_is_heard(whole_site: Path):
    text = (whole_site / "results" / "reconstruction.html").read_text("utf-8")

    for synth in ("DX7 (Dexed)", "Vital", "amsynth"):
        assert f"<h2>{synth}" in text
    assert ">flow_joint</p>" in text
    assert text.count(">posterior, best of 16</p>") >= 3


def test_the_reference_is_there(whole_site: Path):
    assert "Matcher" in (whole_site / "reference" / "patchflow" / "match" / "matcher" / "index.html").read_text("utf-8")


@pytest.mark.parametrize("page", [f"results/{name}.html" for name in RESULTS])
def test_a_page_has_no_fault(page: str, whole_site: Path, whole_served: Served, browser: Any):
    whole_served.missing.clear()
    browser.get_log("browser")

    open_page(browser, whole_served, page)
    unfold(browser)
    show_pictures(browser)

    assert problems_by_axe(browser) == "[]"
    assert dead_links(browser, whole_served, whole_site) == []
    assert width_on_a_phone(browser, whole_served, page) <= PHONE
    assert severe_messages(browser) == []
    assert whole_served.missing == []
