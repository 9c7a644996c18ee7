"""The Shape view in a real browser: knobs, locks, macros, variations and morphs, with what is heard, measured."""

import io
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import soundfile

from .browser import ROOT, Served, open_page, state_of, wait_for

QUIET = 1e-3
C4 = 261.6  # Hz
LONGEST_SHIFT = 0.02  # of the view, by the browser's own measure; 0.1 is what Chromium calls good
SINE = {"op1.output": 99, "op1.coarse": 1}
BELL = {
    "algorithm": "5", "op1.output": 95, "op2.output": 80, "op2.coarse": 2, "op3.output": 90, "op4.output": 78,
    "op4.coarse": 3, "op1.rate4": 60, "op3.rate4": 60,
}  # fmt: skip
LOAD = """async ([values, name, synth]) => {
  const {session, api} = patchflowStudio;
  const {init} = await api.get(`/synths/${synth}`);
  session.load(await api.post("/presets/edit", {preset: init.id, values, name}), "Load for a test");
  session.set({view: "shape"});
}"""
CARDS = """() => {
  const {session} = patchflowStudio;
  const {preset} = session.state;
  const moves = [{name: "op1.output", before: 95, after: 80, size: 0.15}];
  const item = {preset, distance_db: [12.3], moves, text: "12.3 dB"};
  session.set({variations: {parent: preset, items: [item, item, item]}});
}"""
SHIFTS = """() => {
  window.shifts = [];
  new PerformanceObserver((list) => {
    for (const one of list.getEntries()) if (!one.hadRecentInput) window.shifts.push(one.value);
  }).observe({type: "layout-shift"});
}"""

pytestmark = pytest.mark.slow


@pytest.fixture(params=["dark"])
def page(browser: Any, studio: Served, request: pytest.FixtureRequest) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 1280, "height": 800}, color_scheme=request.param)
    opened = open_page(context, studio)
    yield opened
    assert opened.faults == []
    context.close()


def test_a_knob_changes_the_preset_and_another_sound_is_heard(page: Any):
    _shape(page, SINE)
    _hear_pitch(page, C4)

    _knob(page, "op1 Coarse").press("ArrowUp")

    _hear_pitch(page, 2 * C4)
    assert state_of(page, "preset.values['op1.coarse']") == 2
    assert _knob(page, "op1 Coarse").get_attribute("aria-valuetext") == "2, changed from 1"


def test_a_knob_is_dragged_and_its_last_value_stands(page: Any):
    _shape(page, SINE)
    knob = _knob(page, "op1 Output")
    box = knob.bounding_box()
    x = box["x"] + box["width"] / 2
    y = box["y"] + box["height"] / 2

    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, y + 60, steps=12)
    shown = int(knob.get_attribute("aria-valuenow"))
    page.mouse.up()

    assert 60 <= shown <= 72  # a third of the way down from 99
    wait_for(page, f"state.preset.values['op1.output'] === {shown}")
    page.wait_for_timeout(300)
    assert int(knob.get_attribute("aria-valuenow")) == shown
    assert page.evaluate("patchflowStudio.session.history") == ["Load for a test", "Edit Op 1 output"]


@pytest.mark.parametrize(
    ("keys", "value"), [(["Home"], 0), (["End"], 99), (["4", "2", "Enter"], 42), (["Home", "Delete"], 99)]
)
def test_keys_set_a_knob(page: Any, keys: list[str], value: int):
    _shape(page, {"op1.output": 70})
    _knob(page, "op1 Output").focus()

    for key in keys:
        page.keyboard.press(key)

    wait_for(page, f"state.preset.values['op1.output'] === {value}")


def test_undo_takes_an_edit_back_and_the_sound_too(page: Any):
    _shape(page, SINE)
    _knob(page, "op1 Coarse").press("ArrowUp")
    _hear_pitch(page, 2 * C4)

    page.keyboard.press("Control+z")

    _hear_pitch(page, C4)
    assert state_of(page, "preset.values['op1.coarse']") == 1
    wait_for(page, "session.canRedo")


def test_what_is_locked_stays_where_it_is(page: Any):
    _shape(page, BELL)
    _knob(page, "op1 Coarse").press("Control+l")
    wait_for(page, "state.locks.includes('op1.coarse')")

    _knob(page, "op1 Coarse").press("ArrowUp")
    page.wait_for_timeout(300)

    assert state_of(page, "preset.values['op1.coarse']") == 1
    assert _knob(page, "op1 Coarse").get_attribute("aria-disabled") == "true"


def test_locks_of_another_synth_mean_nothing_to_this_one(page: Any):
    _shape(page, BELL)
    _knob(page, "op1 Coarse").press("Control+l")
    _shape(page, {"wave": "saw"}, synth="tone")

    _turn_up(page, "Length", 2)

    assert state_of(page, "preset.values.decay") > state_of(page, "base.values.decay")
    assert state_of(page, "locks") == ["op1.coarse"]


def test_macros_leave_a_locked_group_alone(page: Any):
    _shape(page, BELL)
    page.get_by_role("button", name="Lock Op 2").click()
    before = _group(page, "op2")

    _turn_up(page, "Brightness", 2)

    assert _group(page, "op2") == before
    assert state_of(page, "preset.id") != state_of(page, "base.id")


def test_brightness_turned_up_raises_the_centroid_and_down_lowers_it(page: Any, studio: Served):
    _shape(page, BELL)
    _turn_up(page, "Brightness", 2)
    bright = _centroid(page, studio, state_of(page, "preset.id"))
    _turn_up(page, "Brightness", -2)
    dark = _centroid(page, studio, state_of(page, "preset.id"))
    base = _centroid(page, studio, state_of(page, "base.id"))

    assert dark < 0.95 * base
    assert bright > 1.05 * base


def test_undo_takes_a_turn_back_with_its_knob(page: Any):
    _shape(page, BELL)
    _turn_up(page, "Brightness", 2)
    page.get_by_role("slider", name="Brightness").focus()

    page.keyboard.press("Control+z")

    wait_for(page, "state.preset.id === state.base.id")
    assert state_of(page, "macros") == {}
    assert page.get_by_role("slider", name="Brightness").get_attribute("aria-valuetext") == "0"


def test_of_turns_that_come_fast_some_are_heard_and_the_newest_stands(page: Any):
    _shape(page, BELL)
    page.evaluate("""() => {
      window.heard = [];
      patchflowStudio.session.addEventListener("hear", (event) => window.heard.push(event.detail.preset.id));
    }""")

    page.evaluate("""async () => {
      for (let step = 1; step <= 100; step += 1) {
        patchflowStudio.session.turn({brightness: step / 50});
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    }""")

    wait_for(page, "state.macros.brightness === 2")
    heard = page.evaluate("window.heard")
    assert 3 <= len(heard) <= 100
    assert heard[-1] == state_of(page, "preset.id")
    assert set(page.evaluate("patchflowStudio.session.history")[1:]) == {"Turn brightness"}


def test_a_macro_says_what_it_moves(page: Any):
    _shape(page, BELL)
    page.wait_for_function("""() => {
      const macros = document.querySelector("pf-studio").shadowRoot.querySelector("pf-shape").shadowRoot
        .querySelector("pf-macros").shadowRoot;
      return [...macros.querySelectorAll(".moves")].filter((one) => one.textContent.trim()).length >= 7;
    }""")


def test_the_pad_turns_two_macros(page: Any):
    _shape(page, BELL)
    pad = page.get_by_role("slider", name="Pad of two macros")

    pad.press("ArrowRight")
    pad.press("ArrowUp")

    wait_for(page, "Object.keys(state.macros).length === 2")
    wait_for(page, "state.preset.id !== state.base.id")
    pad.press("Home")
    wait_for(page, "state.preset.id === state.base.id")


def test_a_point_of_an_envelope_moves_its_level_and_its_rate(page: Any):
    _shape(page, {**SINE, "op1.rate1": 60, "op1.level1": 60})
    point = page.get_by_role("slider", name="Op 1 envelope, point 1")

    point.press("ArrowUp")
    wait_for(page, "state.preset.values['op1.level1'] === 62")
    point.press("ArrowRight")
    wait_for(page, "state.preset.values['op1.rate1'] === 58")


def test_an_algorithm_is_a_sentence_for_screen_readers(page: Any):
    _shape(page, {"algorithm": "5"})

    drawn = page.locator("pf-algorithm svg").get_attribute("aria-label")

    assert drawn == (
        "Algorithm 5. Operators 1, 3 and 5 are heard; 2 modulates 1, 4 modulates 3, 6 modulates 5, "
        "6 feeds back to itself."
    )


def test_an_algorithm_is_chosen_by_its_picture_with_the_keyboard(page: Any):
    _shape(page, {"algorithm": "5"})

    page.get_by_role("button", name="See all 32").press("Enter")
    page.locator("pf-algorithms .grid button").nth(4).wait_for()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")

    wait_for(page, "state.preset.values.algorithm === '14'")
    assert (
        page.locator("pf-algorithm svg").first.get_attribute("aria-label").startswith("Algorithm 14. Operators 1 and 3")
    )


def test_the_drawn_algorithms_are_those_of_the_engine(page: Any):
    from dexed.algorithms import algorithms  # pyright: ignore[reportMissingImports]

    drawn = page.evaluate("""async () => {
      const {algorithmOf} = await import("/web/studio/pf-algorithm.js");
      return Array.from({length: 32}, (_, index) => algorithmOf(index + 1));
    }""")

    for number, found in enumerate(drawn):
        engine = algorithms[number]
        edges = {(int(source) + 1, int(to) + 1) for to, source in np.argwhere(engine.mod_matrix)}
        assert found["carriers"] == [carrier + 1 for carrier in engine.carriers], number
        assert {tuple(pair) for pair in found["edges"]} == edges, number
        assert found["feedback"] == [operator + 1 for operator in engine.feedback_edge], number


def test_a_search_finds_parameters_of_every_group(page: Any):
    _shape(page, SINE)

    page.get_by_role("searchbox", name="Search parameters").fill("lfo speed")

    assert page.locator("pf-panel pf-knob").count() == 1
    page.get_by_role("searchbox", name="Search parameters").fill("no such thing")
    assert "No parameter" in page.locator("pf-panel .empty").inner_text()


def test_variations_are_cards_that_play_and_become_parents(page: Any):
    _shape(page, BELL)
    page.get_by_label("How many").select_option("4")
    page.get_by_role("button", name="Vary", exact=True).click()
    cards = page.locator("pf-variations .variation")
    cards.first.wait_for()
    assert 1 <= cards.count() <= 4
    wait_for(page, f"engine.measure().rms > {QUIET}")
    page.evaluate("patchflowStudio.engine.stopAll()")
    wait_for(page, f"engine.measure().rms < {QUIET}")

    page.keyboard.press("End")

    wait_for(page, f"engine.measure().rms > {QUIET}")
    chosen = state_of(page, "variations.items.at(-1).preset.id")
    page.keyboard.press("Enter")
    wait_for(page, f"state.base.id === '{chosen}'")
    assert state_of(page, "macros") == {}


def test_a_variation_is_kept_among_the_favourites(page: Any, studio: Served):
    _shape(page, BELL, name="Parent")
    page.get_by_label("How many").select_option("4")
    page.get_by_role("button", name="Vary", exact=True).click()
    page.locator("pf-variations .variation").first.wait_for()

    page.get_by_role("button", name="Keep", exact=True).click()

    page.locator("pf-variations .star").wait_for()
    found = page.request.get(f"{studio.address}api/v1/library?favourites=true").json()
    assert found["total"] >= 1


def test_a_morph_is_heard_along_its_slider_and_a_step_is_kept(page: Any):
    _shape(page, SINE, name="One")
    page.evaluate("patchflowStudio.session.setSlot('a', patchflowStudio.session.state.preset)")
    _shape(page, {**BELL, "op1.coarse": 2}, name="Two")
    page.evaluate("patchflowStudio.session.setSlot('b', patchflowStudio.session.state.preset)")
    page.get_by_role("tab", name="Morph").click()
    page.get_by_label("Steps of the morph").select_option("5 steps")

    page.get_by_role("button", name="Morph A → B").click()

    slider = page.get_by_label("Step of the morph", exact=True)
    slider.wait_for()
    page.evaluate("patchflowStudio.engine.stopAll()")
    wait_for(page, f"engine.measure().rms < {QUIET}")
    slider.press("End")
    wait_for(page, f"engine.measure().rms > {QUIET}")
    assert state_of(page, "morph.at") == 4
    page.get_by_role("button", name="Keep this step").click()
    wait_for(page, "state.base.id === state.morph.presets[4].id")


def test_a_name_that_is_markup_is_only_text(page: Any):
    _shape(page, SINE, name="<img src=x onerror=document.title='bad'>")
    page.evaluate("patchflowStudio.session.setSlot('a', patchflowStudio.session.state.preset)")
    page.get_by_role("tab", name="Morph").click()

    page.locator("pf-morph select").first.wait_for()

    assert page.locator("pf-shape img").count() == 0
    assert page.title() == "patchflow studio"


def test_nothing_moves_while_knobs_are_turned(page: Any):
    _shape(page, BELL)
    page.wait_for_timeout(1500)
    page.evaluate(SHIFTS)

    _turn_up(page, "Brightness", 1)
    _knob(page, "op1 Coarse").press("ArrowUp")
    wait_for(page, "state.preset.values['op1.coarse'] === 2")
    page.wait_for_timeout(500)

    assert sum(page.evaluate("window.shifts")) < LONGEST_SHIFT


@pytest.mark.parametrize("page", ["dark", "light"], indirect=True)
def test_axe_finds_nothing_in_the_shape_view(page: Any):
    _shape(page, BELL)
    page.get_by_role("slider", name="Brightness").wait_for()
    page.evaluate(CARDS)
    _knob(page, "op1 Coarse").press("Control+l")
    _knob(page, "op2 Coarse").press("ArrowUp")
    wait_for(page, "state.preset.values['op2.coarse'] === 3")
    page.wait_for_timeout(500)  # until nothing fades any more
    axe = ROOT / "tests" / "site" / "axe" / "axe.min.js"
    page.evaluate(axe.read_text("utf-8"))

    found = page.evaluate("axe.run({resultTypes: ['violations']})")

    assert len(found["passes"]) > 10  # that it looked at all
    faults = [(one["id"], [node["html"][:200] for node in one["nodes"][:3]]) for one in found["violations"]]
    assert json.dumps(faults, indent=1) == "[]"


def _shape(page: Any, values: dict[str, Any], name: str = "Test", synth: str = "dexed") -> None:
    page.evaluate("window.pitches = []; setInterval(() => pitches.push(patchflowStudio.engine.measure().pitch), 20)")
    page.evaluate(LOAD, [values, name, synth])
    page.locator("pf-panel pf-knob").first.wait_for()


def _knob(page: Any, name: str) -> Any:
    return page.get_by_role("slider", name=name, exact=True)


def _group(page: Any, group: str) -> dict[str, Any]:
    values = state_of(page, "preset.values")
    return {name: value for name, value in values.items() if name.startswith(f"{group}.")}


def _turn_up(page: Any, title: str, amount: float) -> None:
    """Types an amount at a macro knob, and waits for the preset that comes of it."""
    word = title.lower()
    before = state_of(page, "preset.id")
    page.get_by_role("slider", name=title).press("Enter")
    page.keyboard.press("Control+a")
    page.keyboard.type(str(amount))
    page.keyboard.press("Enter")
    wait_for(page, f"state.macros.{word} === {amount} && state.preset.id !== '{before}'")


def _hear_pitch(page: Any, hertz: float) -> None:
    """Waits until a pitch has been heard since the last one, however long the page was looked at in vain."""
    wait_for(page, f"pitches.splice(0).some((pitch) => Math.abs((pitch ?? 0) - {hertz}) < 4)")


def _centroid(page: Any, studio: Served, preset: str) -> float:
    """The centre of a preset's spectrum, in Hz, as the server renders it."""
    answer = page.request.get(f"{studio.address}api/v1/presets/{preset}/audio?pitch=60&hold=1&length=1.5")
    samples, rate = soundfile.read(io.BytesIO(answer.body()))
    mono = samples if samples.ndim == 1 else samples.mean(1)
    size = np.abs(np.fft.rfft(mono))
    return float(np.sum(size * np.fft.rfftfreq(len(mono), 1 / rate)) / np.sum(size))
