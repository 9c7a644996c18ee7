"""The built site in a real headless Chromium: it plays, misses nothing, and is usable by everyone."""

import os
import re
from pathlib import Path
from typing import Any

import pytest

from patchflow.features.measures import MEASURES

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
    wait_for,
    width_on_a_phone,
)

pytestmark = pytest.mark.slow

PAGES = ["index.html", "README.html", "docs/models.html", *(f"results/{name}.html" for name in RESULTS)]

exactly = pytest.mark.skipif("PATCHFLOW_SITE" in os.environ, reason="tells the values of the tiny examples")
each_page = pytest.mark.parametrize("page", PAGES)


@each_page
def test_page_has_no_error_and_misses_no_file(page: str, served: Served, browser: Any):
    served.missing.clear()
    browser.get_log("browser")

    open_page(browser, served, page)

    unfold(browser)
    show_pictures(browser)
    assert severe_messages(browser) == []
    assert served.missing == []


@each_page
def test_every_local_link_leads_somewhere(page: str, site: Path, served: Served, browser: Any):
    open_page(browser, served, page)

    assert dead_links(browser, served, site) == []


@each_page
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(page: str, theme: str, served: Served, browser: Any):
    _emulate(browser, theme)
    open_page(browser, served, page)
    unfold(browser)

    assert problems_by_axe(browser) == "[]"


@each_page
def test_a_phone_needs_no_sideways_scrolling(page: str, served: Served, browser: Any):
    assert width_on_a_phone(browser, served, page) <= PHONE


@pytest.mark.parametrize("page", [page for page in PAGES if page.startswith("results/")])
def test_every_player_plays_and_only_one_at_a_time(page: str, served: Served, browser: Any):
    open_page(browser, served, page)
    unfold(browser)
    players = browser.execute_script("return document.querySelectorAll('pf-player').length;")

    for index in range(players):
        name = f"document.querySelectorAll('pf-player')[{index}]"
        browser.execute_script(f"{name}.shadowRoot.querySelector('button').click();")
        wait_for(browser, f"return {name}.audio.currentTime > 0.02 || {name}.audio.ended;")
        wait_for(
            browser, f"return [...document.querySelectorAll('audio')].every((a) => a.paused || a === {name}.audio);"
        )
        browser.execute_script(f"{name}.audio.pause();")


def test_an_example_is_opened_and_closed_by_keyboard(served: Served, browser: Any):
    from selenium.webdriver.common.keys import Keys

    open_page(browser, served, "results/macros.html")
    opened = "return [...document.querySelectorAll('.pf-fold')].slice(0, 2).map((one) => one.open);"
    summary = browser.execute_script("return document.querySelectorAll('.pf-fold')[1].querySelector('summary');")

    assert browser.execute_script(opened) == [True, False]
    summary.send_keys(Keys.ENTER)
    assert browser.execute_script(opened) == [True, True]
    summary.send_keys(Keys.SPACE)
    assert browser.execute_script(opened) == [True, False]


def test_a_link_to_a_folded_example_opens_it(served: Served, browser: Any):
    open_page(browser, served, "results/macros.html")
    last = "[...document.querySelectorAll('.pf-fold')].at(-1)"

    browser.execute_script(f"location.hash = {last}.querySelector('.inside').id;")

    wait_for(browser, f"return {last}.open && {last}.getBoundingClientRect().top < innerHeight;")


@pytest.mark.parametrize("name", ["reconstruction", "macros", "interpolation", "variations", "out-of-domain",
                                  "semantics", "sketches"])  # fmt: skip
def test_section_with_examples_has_players(name: str, served: Served, browser: Any):
    open_page(browser, served, f"results/{name}.html")

    assert browser.execute_script("return document.querySelectorAll('pf-player').length;") >= 2
    assert browser.execute_script("return document.querySelectorAll('pf-spectrogram img').length;") >= 2


def test_a_player_is_played_and_searched_by_keyboard(served: Served, browser: Any):
    from selenium.webdriver.common.keys import Keys

    open_page(browser, served, "results/reconstruction.html")
    slider = browser.execute_script("return document.querySelector('pf-player').shadowRoot.querySelector('input');")
    playing = "return !document.querySelector('pf-player').audio.paused;"
    place = "return document.querySelector('pf-player').audio.currentTime;"

    slider.send_keys(Keys.END)
    wait_for(browser, f"{place.removesuffix(';')} > 0.5;")
    slider.send_keys(Keys.HOME)
    wait_for(browser, f"{place.removesuffix(';')} === 0;")
    slider.send_keys(Keys.ARROW_RIGHT)
    wait_for(browser, f"{place.removesuffix(';')} > 0.02;")
    slider.send_keys(Keys.SPACE)
    wait_for(browser, playing)
    slider.send_keys(Keys.SPACE)
    wait_for(browser, playing.replace("!", ""))


def test_a_player_says_that_its_sound_is_gone(served: Served, browser: Any):
    open_page(browser, served, "results/reconstruction.html")
    player = "document.querySelector('pf-player')"

    browser.execute_script(f"{player}.audio.src = 'no-such-file.mp3'; {player}.toggle();")

    wait_for(browser, f"return {player}.shadowRoot.querySelector('[role=alert]') !== null;")
    browser.get_log("browser")
    served.missing.clear()


@exactly
def test_a_plot_reads_out_its_values_by_keyboard(served: Served, browser: Any):
    from selenium.webdriver.common.keys import Keys

    open_page(browser, served, "results/macros.html")
    plot = "document.querySelector('pf-plot').shadowRoot"
    drawing = browser.execute_script(f"return {plot}.querySelector('svg');")

    drawing.send_keys(Keys.ARROW_RIGHT)
    first = browser.execute_script(f"return {plot}.querySelector('output').textContent;")
    drawing.send_keys(Keys.END)
    last = browser.execute_script(f"return {plot}.querySelector('output').textContent;")

    spread = next(one.spread for one in MEASURES if one.name == "brightness")
    assert first == f"amount -1: brightness {-3 / spread:.2f}"
    assert last == "amount 1: attack 0.00"


@exactly
def test_a_plot_draws_every_row_of_its_table(served: Served, browser: Any):
    open_page(browser, served, "results/semantics.html")
    plot = "document.querySelector('pf-plot[kind=scatter]')"

    drawn = browser.execute_script(f"return {plot}.shadowRoot.querySelectorAll('svg circle:not(.at)').length;")

    assert drawn == browser.execute_script(f"return {plot}.querySelectorAll('tbody tr').length;") == 10


@exactly
def test_presets_show_what_moved_most_first_and_the_others_on_demand(served: Served, browser: Any):
    open_page(browser, served, "results/reconstruction.html")
    bars = "document.querySelector('pf-presets').shadowRoot"
    lines = (
        f"return [...{bars}.querySelectorAll('.line')]"
        ".map((line) => line.textContent.split('\\n').map((part) => part.trim()).filter(Boolean).join(' '));"
    )

    few = browser.execute_script(lines)
    browser.execute_script(f"{bars}.querySelector('button').click();")
    every = browser.execute_script(lines)

    assert few == ["level -50 %", "mode <1> +50 %", "small 6 -6 %", "small 5 -5 %", "small 4 -4 %", "small 3 -3 %"]
    assert every == [*few, "small 2 -2 %", "small 1 -1 %"]


@exactly
def test_without_scripts_there_are_players_pictures_and_tables(site: Path):
    text = (site / "results" / "reconstruction.html").read_text("utf-8")

    assert "<audio controls" in text
    assert 'alt="Spectrogram: original at ' in text
    assert "<th scope=\"row\">level</th>" in text  # fmt: skip


def test_nothing_comes_from_elsewhere(site: Path):
    """No script, style, font or picture is fetched from the network."""
    for page in site.rglob("*.html"):
        text = page.read_text("utf-8")
        outside = re.findall(
            r"<(?:script|link|img|audio|source|iframe)[^>]*\b(?:src|href)=\"(?:https?:)?//[^\"]*", text
        )
        assert outside == [], page
    for style in site.rglob("*.css"):
        assert not re.search(r"url\(\s*['\"]?https?:", style.read_text("utf-8")), style


def _emulate(browser: Any, theme: str) -> None:
    features = [{"name": "prefers-color-scheme", "value": theme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
