"""The page of a map, opened as a file in a real headless Chromium: it is heard, searched, picked from, and saved."""

import base64
import io
import time
import zipfile
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from patchflow.browse.map_page import write_map
from patchflow.browse.shelf import Shelf
from patchflow.ear import MEASURES
from patchflow.engines import engines
from patchflow.presets import Entry, Label, Preset
from patchflow.presets.formats import formats

from .conftest import CHROMIUM, DRIVER, FLAGS
from .looking import problems_by_axe, severe_messages, wait_for

pytestmark = pytest.mark.slow

COUNT = 40  # of the DX7, more than a bank holds; one more of another synth
SIDE = 7
EVIL = "<img src=x onerror=document.title='bad'>"
CATEGORIES = ("Bass", "Keys", "Bells", "")
MAP = "document.querySelector('pf-map')"
TAKE_SAVED = """
window.saved = [];
HTMLAnchorElement.prototype.click = function () {
  const name = this.download;
  fetch(this.href).then((answer) => answer.arrayBuffer()).then((data) => {
    window.saved.push([name, btoa(String.fromCharCode(...new Uint8Array(data)))]);
  });
};
Object.defineProperty(navigator, "clipboard", { value: { writeText: async (text) => { window.copied = text; } } });
"""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("map") / "map.html"
    numbers = range(1, COUNT + 2)
    entries = [_entry(number) for number in numbers]
    angles = np.radians([6 * number for number in numbers])
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    where = np.array([[number % SIDE, number // SIDE] for number in numbers], float)
    measures = np.full((len(entries), len(MEASURES)), np.nan)
    measures[:, 0] = where[:, 0] + 8
    write_map(path, Shelf(entries, vectors, measures), _presets, where, sounds=5, seconds=0.4, title=EVIL)
    return path


@pytest.fixture
def opened(page: Path, browser: Any) -> Iterator[Any]:
    yield from _opened(page, browser)


def test_a_page_opens_as_a_file_without_a_fault(opened: Any):
    assert _map(opened, ".data.count") == COUNT + 1
    assert severe_messages(opened) == []
    assert opened.execute_script("return performance.getEntriesByType('resource').length;") == 0


def test_names_are_shown_as_they_are(opened: Any):
    _script(opened, f"{MAP}.choose(0)")

    assert _text(opened, ".name") == EVIL
    assert _text(opened, "h1") == EVIL
    assert opened.title == EVIL
    assert opened.execute_script(f"return {MAP}.shadowRoot.querySelectorAll('img').length;") == 0


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_whatever_is_shown(theme: str, opened: Any):
    _script(opened, f"{MAP}.theme === '{theme}' || {MAP}.shadowRoot.querySelector('.theme').click()")
    for by in ("'category'", "0"):
        _script(opened, f"{MAP}.colourBy({by}); {MAP}.choose(3); {MAP}.shadowRoot.querySelector('.all').click()")

        assert problems_by_axe(opened) == "[]"


def test_a_preset_is_heard_when_one_points_at_it_and_known_when_one_clicks(opened: Any):
    row = 23
    _pointed(opened, row).perform()
    wait_for(opened, f"return {MAP}.view.hovered === {row};")
    assert _text(opened, ".tip b") == f"Voice {row + 1}"

    _pointed(opened, row).click().perform()
    wait_for(opened, f"return {MAP}.view.chosen === {row};")
    wait_for(opened, f"return {MAP}.sounds.allowed;")
    _script(opened, f"{MAP}.hear({row})")
    wait_for(opened, f"return {MAP}.sounds.playing !== null;")
    assert _text(opened, ".name") == f"Voice {row + 1}"
    assert severe_messages(opened) == []


def test_sounds_of_the_page_are_decoded(opened: Any):
    lengths = opened.execute_async_script(
        f"Promise.all([0, 1, 2, 3, 4].map((n) => {MAP}.sounds.buffer(n))).then((all) => "
        "arguments[0](all.map((buffer) => buffer.duration)));"
    )

    assert len(lengths) == 5
    assert all(0.01 < length <= 0.45 for length in lengths)


def test_a_search_leaves_what_it_finds(opened: Any):
    _typed(opened, "bélls")

    assert _map(opened, ".data.shownCount") == sum(_entry(n).category == "Bells" for n in range(1, COUNT + 2))
    assert "Bells" in _text(opened, "ol.rows")
    _typed(opened, "17")
    assert _rows(opened) == ["Voice 17"]
    _typed(opened, "nothing like it")
    assert _rows(opened) == []


def test_a_legend_filters_and_says_so(opened: Any):
    _script(opened, f"{MAP}.shadowRoot.querySelector('.chip').click()")

    shown = _map(opened, ".data.shownCount")
    assert 0 < shown < COUNT
    assert f"{shown} of {COUNT + 1}" in _text(opened, ".list h2")
    _script(opened, f"{MAP}.colourBy(0)")
    assert _map(opened, ".shadowRoot.querySelectorAll('.pills button').length") == 1


def test_the_range_of_an_attribute_filters(opened: Any):
    _script(opened, f"{MAP}.colourBy(0)")
    low = f"{MAP}.shadowRoot.querySelector('#low-end')"
    _script(opened, f"{low}.value = 60; {low}.dispatchEvent(new Event('input'))")

    # brightness is the column of a preset in the grid of places; its share of presets with less, see `MapData.ranksOf`
    columns = sorted(number % SIDE for number in range(1, COUNT + 2))
    shares = [sum(other < column for other in columns) / COUNT for column in columns]
    assert _map(opened, ".data.shownCount") == sum(share >= 0.6 for share in shares)
    assert _map(opened, ".data.rank(5, 0)") == pytest.approx(_map(opened, ".data.ranksOf(0)[5]"), abs=1e-6)


def test_keys_alone_go_everywhere(opened: Any):
    from selenium.webdriver.common.keys import Keys

    stage = opened.execute_script(f"return {MAP}.shadowRoot.querySelector('.stage');")
    opened.execute_script(f"{MAP}.choose(24);")
    before = _map(opened, ".view.view.scale")

    stage.send_keys(Keys.ARROW_RIGHT)
    wait_for(opened, f"return {MAP}.view.chosen === 25;")  # its right neighbour in the grid of places
    stage.send_keys(Keys.ARROW_DOWN)
    wait_for(opened, f"return {MAP}.view.chosen === 25 - {SIDE};")
    stage.send_keys("+")
    wait_for(opened, f"return {MAP}.view.view.scale > 1.5 * {before};")
    stage.send_keys("0")
    wait_for(opened, f"return Math.abs({MAP}.view.view.scale / {before} - 1) < 0.01;")
    stage.send_keys("v")
    wait_for(opened, f"return {MAP}.view.picked.size === {COUNT + 1};")
    stage.send_keys(Keys.ESCAPE)
    wait_for(opened, f"return {MAP}.view.picked.size === 0;")
    stage.send_keys("/")
    wait_for(opened, f"return {MAP}.shadowRoot.activeElement.type === 'search';")


def test_a_wheel_zooms_about_the_place_below_the_pointer(opened: Any):
    place = f"return {MAP}.view.place(300, 200);"
    before = opened.execute_script(place)

    _script(
        opened,
        f"const box = {MAP}.view.stage.getBoundingClientRect(); {MAP}.view.stage.dispatchEvent(new WheelEvent('wheel', "
        "{ deltaY: -120, clientX: box.left + 300, clientY: box.top + 200, cancelable: true }))",
    )

    assert opened.execute_script(place) == pytest.approx(before, abs=1e-6)
    assert _map(opened, ".view.view.scale") > _map(opened, ".view.fitScale")


def test_a_lasso_picks_what_it_goes_around(opened: Any):
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.keys import Keys

    stage = opened.execute_script(f"return {MAP}.shadowRoot.querySelector('.stage');")
    corners = opened.execute_script(
        f"const v = {MAP}.view; const p = (x, y) => [v.view.width / 2 + (x - v.view.x) * v.view.scale, "
        "v.view.height / 2 - (y - v.view.y) * v.view.scale]; "
        "return [p(0.5, 0.5), p(2.5, 0.5), p(2.5, 2.5), p(0.5, 2.5), [v.view.width / 2, v.view.height / 2]];"
    )
    middle = corners.pop()
    offsets = [(round(x - middle[0]), round(y - middle[1])) for x, y in corners]

    chain = ActionChains(opened, duration=10).key_down(Keys.SHIFT)
    chain.move_to_element_with_offset(stage, *offsets[0]).click_and_hold()
    for offset in [*offsets[1:], offsets[0]]:
        chain.move_to_element_with_offset(stage, *offset)
    chain.release().key_up(Keys.SHIFT).perform()

    numbers = [x + SIDE * y for x in (1, 2) for y in (1, 2)]
    assert sorted(opened.execute_script(f"return [...{MAP}.view.picked];")) == sorted(n - 1 for n in numbers)
    _button(opened, "Copy numbers")
    wait_for(opened, "return window.copied !== undefined;")
    assert sorted(opened.execute_script("return window.copied;").split()) == sorted(map(str, numbers))


def test_a_bank_is_that_of_the_format_to_the_byte(opened: Any):
    _typed(opened, "dexed")
    _button(opened, "Save .syx bank")

    name, data = _saved(opened)
    wanted = [_preset(number) for number in opened.execute_script(_NUMBERS)]
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        files = {file: archive.read(file) for file in archive.namelist()}
    # a file each, since Dexed reads the first bank of a file alone
    assert name == "presets.zip"
    assert files == {
        "presets-1.syx": formats["syx"]().write(wanted[:32]),
        "presets-2.syx": formats["syx"]().write(wanted[32:]),
    }


def test_presets_of_several_synths_become_an_archive(opened: Any):
    _button(opened, "Save .zip")

    name, data = _saved(opened)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        files = {file: archive.read(file) for file in archive.namelist()}
    assert name == "presets.zip"
    assert len(files) == COUNT + 1
    assert all("/" not in file and "<" not in file for file in files)
    assert formats["syx"]().write([_preset("17")]) in files.values()


def test_one_preset_is_saved_under_its_name(opened: Any):
    _script(opened, f"{MAP}.choose(16)")
    _button(opened, "Save .syx")

    assert _saved(opened) == ("Voice 17.syx", formats["syx"]().write([_preset("17")]))


def test_a_phone_needs_no_sideways_scrolling(page: Path, browser: Any):
    phone = {"width": 360, "height": 740, "deviceScaleFactor": 1, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", phone)
    try:
        for driver in _opened(page, browser):
            _script(driver, f"{MAP}.choose(3)")
            wide = driver.execute_script(
                f"return [document.documentElement, {MAP}.shadowRoot.querySelector('aside')]"
                ".map((one) => one.scrollWidth);"
            )
            assert max(wide) <= 360
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_points_are_drawn_by_webgl_where_there_is_one(page: Path, browser: Any):
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM or ""
    for flag in (*FLAGS, "use-angle=swiftshader", "enable-unsafe-swiftshader"):
        options.add_argument(f"--{flag}")
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    try:
        for opened in _opened(page, driver):
            there = opened.execute_script("return !!document.createElement('canvas').getContext('webgl2');")
            assert _map(opened, ".view.fast") is there
            assert severe_messages(opened) == []
    finally:
        driver.quit()


_NUMBERS = f"return {MAP}.data.byName.filter((i) => {MAP}.data.shown[i]).map((i) => {MAP}.data.numbers[i]);"


def _entry(number: int) -> Entry:
    synth = "dexed" if number <= COUNT else "tone"
    name = EVIL if number == 1 else f"Voice {number}"
    return Entry(number, synth, (Label(name, CATEGORIES[number % len(CATEGORIES)]),))


@cache
def _preset(number: str) -> Preset:
    if int(number) > COUNT:
        return Preset("tone", engines["tone"].space.decode(engines["tone"].space.default()), name="Tone")
    space = engines["dexed"].space
    point = np.random.default_rng(int(number)).random(len(space))
    return Preset("dexed", space.decode(point), name=f"Voice {number}")


def _presets(numbers: Sequence[str]) -> dict[str, Preset]:
    return {number: _preset(number) for number in numbers}


def _opened(page: Path, driver: Any) -> Iterator[Any]:
    driver.get_log("browser")
    driver.get(page.as_uri())
    wait_for(driver, f"return !!{MAP}?.view?.frames;")
    driver.execute_script(TAKE_SAVED)
    yield driver


def _map(driver: Any, path: str) -> Any:
    return driver.execute_script(f"return {MAP}{path};")


def _script(driver: Any, code: str) -> None:
    driver.execute_script(f"{code};")


def _text(driver: Any, selector: str) -> str:
    return driver.execute_script(f"return {MAP}.shadowRoot.querySelector({selector!r}).textContent;")


def _rows(driver: Any) -> list[str]:
    return driver.execute_script(
        f"return [...{MAP}.shadowRoot.querySelectorAll('ol.rows b')].map((one) => one.textContent);"
    )


def _typed(driver: Any, text: str) -> None:
    _script(
        driver,
        f"const find = {MAP}.shadowRoot.querySelector('input[type=search]'); find.value = {text!r}; "
        "find.dispatchEvent(new Event('input'))",
    )


def _button(driver: Any, label: str) -> None:
    _script(
        driver,
        f"[...{MAP}.shadowRoot.querySelectorAll('button')].find((one) => one.textContent === {label!r}).click()",
    )


def _pointed(driver: Any, row: int) -> Any:
    from selenium.webdriver.common.action_chains import ActionChains

    stage = driver.execute_script(f"return {MAP}.shadowRoot.querySelector('.stage');")
    x, y, width, height = driver.execute_script(
        f"return [...{MAP}.view.pixel({row}), {MAP}.view.view.width, {MAP}.view.view.height];"
    )
    return ActionChains(driver).move_to_element_with_offset(stage, round(x - width / 2), round(y - height / 2))


def _saved(driver: Any) -> tuple[str, bytes]:
    end = time.monotonic() + 60
    while not (found := driver.execute_script("return window.saved;")):
        assert time.monotonic() < end
        time.sleep(0.05)
    ((name, data),) = found
    return name, base64.b64decode(data)
