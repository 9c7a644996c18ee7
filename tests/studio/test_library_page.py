"""Library, map, projects and blind listening in a real browser: found, heard (measured), loaded, kept, answered."""

import base64
import csv
import io
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import soundfile

from patchflow.presets import Preset, read_presets
from patchflow.presets.formats import formats

from .browser import ROOT, Served, open_page, state_of, wait_for

QUIET = 1e-3
DROP = """([selector, name, data]) => {
  const find = (root) => root.querySelector(selector)
    ?? [...root.querySelectorAll("*")].map((one) => one.shadowRoot && find(one.shadowRoot)).find(Boolean);
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  const moved = new DataTransfer();
  moved.items.add(new File([bytes], name));
  for (const kind of ["dragenter", "dragover", "drop"]) {
    const options = {dataTransfer: moved, bubbles: true, composed: true, cancelable: true};
    find(document).dispatchEvent(new DragEvent(kind, options));
  }
}"""
HITS = """() => {
  const find = (root, name) => root.querySelector(name)
    ?? [...root.querySelectorAll("*")].map((one) => one.shadowRoot && find(one.shadowRoot, name)).find(Boolean);
  window.find = (name) => find(document, name);
}"""

pytestmark = pytest.mark.slow


@pytest.fixture
def page(browser: Any, studio: Served) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 1280, "height": 800}, accept_downloads=True)
    context.add_init_script("localStorage.setItem('patchflow-at-once', 'no')")
    opened = open_page(context, studio)
    opened.evaluate(HITS)
    opened.mouse.click(700, 25)  # a browser plays nothing before the first gesture
    yield opened
    assert opened.faults == []
    context.close()


def tone(name: str, **values: object) -> Preset:
    return Preset("tone", {"wave": "saw", "decay": 0.5, "gain": -6.0, **values}, name)  # type: ignore[dict-item]


def wav(hz: float = 220.0) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, 0.5 * np.sin(2 * np.pi * hz * np.arange(44_100) / 44_100), 44_100, format="WAV")
    return buffer.getvalue()


def api(studio: Served, path: str, **body: object) -> Any:
    url = f"{studio.address}api/v1{path}"
    reply = httpx.post(url, json=body, timeout=60) if body else httpx.get(url, timeout=60)
    assert reply.status_code < 300, reply.text
    return reply.json()


def go(page: Any, view: str) -> None:
    page.click(f"#tab-{view}")
    part = {"library": "pf-library", "explore": "pf-studio-map"}[view]
    page.wait_for_selector(f"{part} .card")


def search(page: Any, words: str) -> None:
    page.get_by_label("Search by words, sound or name").fill(words)
    page.wait_for_function("() => find('pf-library').answer !== null && !find('pf-library').busy")


def heard(page: Any) -> dict[str, Any]:
    wait_for(page, f"engine.context && engine.measure().rms > {QUIET}")
    return page.evaluate("patchflowStudio.engine.measure()")


def hush(page: Any) -> None:
    page.evaluate("patchflowStudio.engine.stopAll()")
    wait_for(page, f"engine.measure().rms < {QUIET}")


def test_words_find_presets_which_say_why_and_are_heard_by_arrow_keys(page: Any):
    go(page, "library")
    search(page, "warm dark pad, not noisy")

    assert "slow attack" in page.locator("pf-library .said").inner_text()
    page.keyboard.press("ArrowDown")
    heard(page)
    first = page.locator("pf-library .row.at").inner_text()
    hush(page)
    page.keyboard.press("ArrowDown")
    heard(page)

    assert "brightness" in first
    assert page.locator("pf-library .row.at").inner_text() != first


def test_enter_loads_what_is_current_and_it_is_played(page: Any):
    go(page, "library")
    search(page, "bell")
    page.keyboard.press("ArrowDown")
    heard(page)
    hush(page)

    page.keyboard.press("Enter")

    wait_for(page, "state.preset !== null")
    heard(page)
    assert state_of(page, "preset.from").endswith("of the embedded bank")
    assert page.evaluate("patchflowStudio.session.history.at(-1)").startswith("Load ")


def test_a_star_is_kept_and_filters(page: Any, studio: Served):
    go(page, "library")
    page.wait_for_selector("pf-library .row strong")
    page.locator("pf-library .row").nth(2).locator(".star").click()
    page.wait_for_selector("pf-library .row .star[aria-pressed=true]")

    page.get_by_role("button", name="Favourites").click()
    page.wait_for_function("() => find('pf-library').total === 1")

    (entry,) = api(studio, "/library?favourites=true")["entries"]
    assert page.locator("pf-library .row strong").inner_text() == entry["name"]


def test_like_the_target_finds_what_is_near_it(page: Any):
    go(page, "library")
    page.evaluate(
        """async () => { const {session, api} = patchflowStudio;
        session.set({sound: await api.post('/sounds/example')}); }"""
    )
    page.get_by_role("button", name="Like the target").click()

    page.wait_for_function("() => find('pf-library').answer !== null")

    hits = page.evaluate("find('pf-library').answer.hits.slice(0, 20)")
    assert hits[0]["nearness"] > 0.5
    assert [hit["score"] for hit in hits] == sorted((hit["score"] for hit in hits), reverse=True)


def test_the_nearest_are_compared_by_playing_them(page: Any):
    go(page, "library")
    page.evaluate(
        """async () => { const {session, api} = patchflowStudio;
        session.set({sound: await api.post('/sounds/example')}); }"""
    )
    page.evaluate("find('pf-library').filters = {...find('pf-library').filters, synth: 'dexed'}")
    page.get_by_role("button", name="Like the target").click()
    page.get_by_role("button", name="Compare by playing").click()

    page.wait_for_function("() => find('pf-library').answer?.hits[0]?.distance != null", timeout=120_000)

    hits = page.evaluate("find('pf-library').answer.hits")
    distances = [hit["distance"] for hit in hits]
    assert len(distances) == 100
    assert distances == sorted(distances)
    assert page.locator("pf-library .row .fit small").first.inner_text() == f"{distances[0]:.1f} dB"


def test_only_rows_in_sight_exist(page: Any):
    go(page, "library")
    page.wait_for_selector("pf-library .row strong")

    total = page.evaluate("find('pf-library').total")
    assert total >= 3_000
    assert page.locator("pf-library .room > .row").count() < 60
    page.locator("pf-library .rows").focus()
    page.keyboard.press("End")
    page.wait_for_selector("pf-library .row.at strong")
    assert page.locator("pf-library .row.at").get_attribute("aria-rowindex") == str(total)
    assert page.locator("pf-library .room > .row").count() < 60


def test_dropped_presets_are_imported_and_their_names_are_only_text(page: Any, studio: Served):
    go(page, "library")
    page.wait_for_selector("pf-library .row strong")
    name = "<img src=x onerror=document.title=1>"
    data = formats["json"]().write([tone(name), tone("Näme 名前", decay=0.3)])

    page.evaluate(DROP, ["pf-library", "tönes.json", base64.b64encode(data).decode()])
    page.wait_for_function("() => find('pf-library').facets?.library === 2")
    page.get_by_label("Search by words, sound or name").fill("onerror")
    page.locator("pf-library .row strong", has_text="onerror").wait_for()

    assert page.locator("pf-library .row img").count() == 0
    assert page.title() == "patchflow studio"
    assert state_of(page, "view") == "library"
    assert state_of(page, "sound") is None
    assert api(studio, "/library?origin=library")["total"] == 2


def test_what_is_no_preset_file_is_said(page: Any):
    go(page, "library")
    page.wait_for_selector("pf-library .row strong")

    page.evaluate(DROP, ["pf-library", "broken.syx", base64.b64encode(b"nothing").decode()])

    page.wait_for_selector("pf-library .report")
    assert "broken.syx" in page.locator("pf-library .report").inner_text()
    page.faults.clear()  # the browser itself complains of the refused request


def test_a_point_of_the_map_is_heard_and_a_click_loads_it(page: Any):
    go(page, "explore")
    page.wait_for_function("() => find('pf-studio-map').view?.tints")
    x, y = _point(page, 100)

    page.mouse.move(x, y)
    heard(page)
    hush(page)
    page.mouse.click(x, y)
    wait_for(page, "state.preset !== null")
    heard(page)

    assert page.evaluate("find('pf-studio-map').chosen") >= 0
    page.wait_for_function("() => find('pf-studio-map').view.marks.some((mark) => mark.kind === 'current preset')")


def _point(page: Any, place: int) -> list[float]:
    """Where a preset of the map is on the screen."""
    return page.evaluate(
        """(i) => { const {view} = find('pf-studio-map'); const [x, y] = view.pixel(i);
        const box = view.stage.getBoundingClientRect(); return [box.left + x, box.top + y]; }""",
        place,
    )


def test_a_current_preset_lies_where_the_map_has_it(page: Any):
    go(page, "explore")
    page.wait_for_function("() => find('pf-studio-map').view?.tints")
    page.evaluate(
        """async () => { const {session, api} = patchflowStudio; const map = find('pf-studio-map');
        session.load(await api.get(`/library/${map.data.numbers[7]}/preset`), 'Load'); }"""
    )

    page.wait_for_function("() => find('pf-studio-map').view.marks.length === 1")

    place = page.evaluate("[...find('pf-studio-map').data.places.slice(14, 16)]")
    mark = page.evaluate("find('pf-studio-map').view.marks[0]")
    assert np.hypot(mark["x"] - place[0], mark["y"] - place[1]) < 0.25  # the bank keeps values to a byte each


def test_a_lasso_picks_a_bank_that_the_synth_reads(page: Any, tmp_path: Path):
    go(page, "explore")
    page.wait_for_function("() => find('pf-studio-map').view?.tints")
    page.evaluate(
        """() => { const map = find('pf-studio-map'); const {data} = map;
        const dexed = data.fields.synth.names.indexOf('dexed');
        const some = [...data.names.keys()].filter((i) => data.fields.synth.first(i) === dexed).slice(0, 5);
        map.view.calls.drawn(some, false); }"""
    )
    page.wait_for_selector("pf-studio-map .picked li")

    with page.expect_download() as download:
        page.get_by_role("button", name="Save bank").click()
    download.value.save_as(tmp_path / "picked.syx")

    assert download.value.suggested_filename == "picked.syx"
    assert len(read_presets(tmp_path / "picked.syx").presets) >= 5


def test_arrow_keys_walk_the_map_and_colours_and_filters_change_it(page: Any):
    go(page, "explore")
    page.wait_for_function("() => find('pf-studio-map').view?.tints")
    page.locator("pf-studio-map .stage").focus()
    page.keyboard.press("ArrowRight")
    first = page.evaluate("find('pf-studio-map').chosen")
    page.keyboard.press("ArrowUp")
    assert page.evaluate("find('pf-studio-map').chosen") not in (-1, first)

    before = page.evaluate("[...find('pf-studio-map').view.tints.slice(0, 400)]")
    page.get_by_label("What colours stand for").select_option(label="brightness")
    assert page.evaluate("[...find('pf-studio-map').view.tints.slice(0, 400)]") != before
    page.get_by_label("What colours stand for").select_option(label="Category")
    page.locator("pf-studio-map .dot").first.click()
    shown = page.evaluate("find('pf-studio-map').data.shownCount")
    assert 0 < shown < page.evaluate("find('pf-studio-map').data.count")


def test_a_project_is_saved_opened_elsewhere_and_goes_through_a_file(
    page: Any, browser: Any, studio: Served, tmp_path: Path
):
    go(page, "library")
    page.evaluate(
        """async () => { const {session, api} = patchflowStudio; const {init} = await api.get('/synths/tone');
        session.change('x', {sound: await api.post('/sounds/example')}); session.load(init, 'Load'); }"""
    )
    page.get_by_label("Name of the project").fill("Glocken ♫")
    page.get_by_role("button", name="Save", exact=True).click()
    page.wait_for_selector("pf-projects li")
    with page.expect_download() as download:
        page.get_by_role("button", name="Export Glocken ♫").click()
    file = tmp_path / "project.patchflow"
    download.value.save_as(file)

    context = browser.new_context(viewport={"width": 1280, "height": 800})
    other = open_page(context, studio)
    other.evaluate(HITS)
    other.click("#tab-library")
    other.locator("pf-projects .name").first.click()
    wait_for(other, "state.preset?.name === 'Init' && state.sound !== null")
    other.locator("pf-projects input[type=file]").set_input_files(str(file))
    other.wait_for_function("() => find('pf-projects').list.length === 2")
    wait_for(other, "state.project?.name === 'Glocken ♫'")

    assert download.value.suggested_filename.endswith(".patchflow")
    assert state_of(other, "sound.name") == "bell.flac"
    assert other.faults == []
    context.close()


def test_a_broken_project_file_is_one_line(page: Any):
    go(page, "library")
    page.wait_for_selector("pf-projects .card")

    page.evaluate(DROP, ["pf-projects", "x.patchflow", base64.b64encode(b"nothing").decode()])

    page.wait_for_selector(".toast.bad")
    assert "not a project file" in page.locator(".toast.bad").inner_text()
    page.faults.clear()  # the browser itself complains of the refused request


def test_a_sitting_is_answered_by_keys_and_says_nothing_before_its_end(browser: Any, studio: Served):
    presets = httpx.post(f"{studio.address}api/v1/presets?name=a.json", timeout=60, content=formats["json"]().write(
        [tone("Alpha", decay=0.2), tone("Omega", wave="sine", decay=0.2)])).json()["presets"]  # fmt: skip
    a, b = (preset["id"] for preset in presets)
    note = {"pitch": 60, "velocity": 100, "hold": 0.2, "length": 0.4}
    trial = {"target": {"preset": a, "note": note}, "a": a, "b": b, "labels": ["Alpha", "Omega"]}
    sitting = api(studio, "/listening", question="closer", trials=[trial], seed=3)
    context = browser.new_context(viewport={"width": 1280, "height": 800}, accept_downloads=True)
    page = context.new_page()
    said: list[str] = []
    page.on("response", lambda reply: said.append(reply.url) if "/listening/" in reply.url else None)
    page.goto(f"{studio.address}listening#{sitting['id']}")
    page.evaluate(HITS)

    for _ in range(2):
        page.wait_for_selector("pf-listening .asked")
        assert "Alpha" not in page.evaluate("find('pf-listening').shadowRoot.textContent")
        page.keyboard.press("1")  # too early: both have to be heard first
        page.keyboard.press("Space")
        page.wait_for_function(f"() => patchflowStudio.engine.measure().rms > {QUIET}")
        page.wait_for_function("() => find('pf-listening').heard.size === 2")
        done = page.evaluate("find('pf-listening').sitting.answered")
        page.keyboard.press("1")
        page.wait_for_function(f"() => find('pf-listening').sitting.answered === {done + 1}")
    page.wait_for_selector("pf-sitting-result table")

    assert not [url for url in said if a in url or b in url]
    assert "undecided" in page.locator("pf-sitting-result h2").inner_text()
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV").click()
    rows = list(csv.DictReader(Path(download.value.path()).read_text("utf-8").splitlines()))
    assert [row["choice"] for row in rows] == ["first", "first"]
    context.close()


def test_a_sitting_is_made_of_favourites(browser: Any, studio: Served):
    api(studio, "/sounds/example", x=1)
    for key in ("dexed:11", "dexed:12"):
        api(studio, f"/library/{key}/favourite", favourite=True)
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.goto(f"{studio.address}listening")
    page.evaluate(HITS)
    for _ in range(2):
        page.locator("pf-sitting-maker button[aria-label^=Compare]:not([disabled])").first.click()
    page.get_by_role("button", name="Begin", exact=True).first.click()
    page.wait_for_selector("pf-listening .asked")

    assert page.evaluate("find('pf-listening').sitting.trials.length") == 2
    context.close()


def test_candidates_of_a_match_are_offered_for_a_sitting(browser: Any, studio: Served):
    sound = api(studio, "/sounds/example", x=1)["id"]
    job = api(studio, "/jobs", kind="match", sound=sound, synths=["tone"], renders=30, candidates=2, seed=1)
    deadline = time.monotonic() + 100
    while api(studio, f"/jobs/{job['id']}")["state"] not in ("done", "failed") and time.monotonic() < deadline:
        time.sleep(0.5)
    names = [one["preset"]["name"] for one in api(studio, f"/jobs/{job['id']}")["result"]["candidates"]]
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.goto(f"{studio.address}listening")

    page.locator("pf-sitting-maker li.head", has_text="Match of").wait_for()

    offered = page.locator("pf-sitting-maker li .cut").all_inner_texts()
    assert names
    assert len(set(names)) == len(names)
    assert set(names) <= set(offered)
    context.close()


@pytest.mark.parametrize("scheme", ["dark", "light"])
@pytest.mark.parametrize("view", ["library", "explore", "listening"])
def test_axe_finds_nothing(browser: Any, studio: Served, view: str, scheme: str):
    context = browser.new_context(viewport={"width": 1280, "height": 800}, color_scheme=scheme)
    if view == "listening":
        page = context.new_page()
        page.goto(f"{studio.address}listening")
        page.wait_for_selector("pf-sitting-maker .card")
    else:
        page = open_page(context, studio)
        page.evaluate(HITS)
        go(page, view)
        ready = "find('pf-library').total > 0" if view == "library" else "find('pf-studio-map').view?.tints"
        page.wait_for_function(f"() => {ready}")
    page.evaluate((ROOT / "tests" / "site" / "axe" / "axe.min.js").read_text("utf-8"))

    found = page.evaluate("axe.run({resultTypes: ['violations']})")

    faults = [(rule["id"], [node["html"][:200] for node in rule["nodes"]][:3]) for rule in found["violations"]]
    assert faults == [], json.dumps(faults, indent=1)
    context.close()
