"""The studio's page in a real browser: what a musician does, and what is heard, measured in its AudioContext."""

import base64
import importlib
import io
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyloudnorm
import pytest
import soundfile

from patchflow.engines import engines
from patchflow.presets import read_presets

from .browser import ROOT, Served, browsing, open_page, served, state_of, wait_for

RATE = 44_100
WEB = ROOT / "patchflow" / "web"
QUIET = 1e-3
DROP = """([name, data]) => {
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  const moved = new DataTransfer();
  moved.items.add(new File([bytes], name));
  for (const kind of ["dragenter", "dragover", "drop"]) {
    document.body.dispatchEvent(new DragEvent(kind, {dataTransfer: moved, bubbles: true, cancelable: true}));
  }
}"""

pytestmark = pytest.mark.slow


@pytest.fixture
def page(browser: Any, studio: Served) -> Iterator[Any]:
    """A page of a first visit: nothing is kept in its browser, and a target is not matched at once."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.add_init_script("localStorage.setItem('patchflow-at-once', 'no')")
    opened = open_page(context, studio)
    yield opened
    assert opened.faults == []
    context.close()


def test_the_page_is_small(page: Any):
    page.reload()
    page.wait_for_selector("pf-target button")
    size = page.evaluate("performance.getEntriesByType('resource').reduce((sum, one) => sum + one.decodedBodySize, 0)")

    assert 50_000 < size < 1_500_000


def test_a_sound_that_is_dropped_is_heard(page: Any):
    _drop(page, "a note.wav", _wav(_tone(440.0)))

    wait_for(page, "state.sound !== null")
    assert state_of(page, "sound.heard.note") == "A4"
    assert page.locator("pf-target .note").inner_text() == "A4"
    assert page.locator("pf-target pf-waveform").count() == 1


def test_what_was_heard_is_corrected_and_used_by_the_match(page: Any):
    _drop(page, "a note.wav", _wav(_tone(440.0)))
    wait_for(page, "state.sound !== null")

    page.locator("pf-target .heard select").select_option("57")
    wait_for(page, "state.part.note === 57")
    page.get_by_label("End, seconds").fill("0.50")
    page.get_by_label("End, seconds").blur()
    wait_for(page, "state.part.end === 0.5")

    with page.expect_request(lambda sent: sent.url.endswith("/jobs") and sent.method == "POST") as sent:
        page.keyboard.press("m")
    asked = json.loads(sent.value.post_data)
    assert (asked["note"], asked["end"]) == (57, 0.5)
    wait_for(page, "state.job !== null")
    page.evaluate("patchflowStudio.api.post(`/jobs/${patchflowStudio.session.state.job.id}/cancel`)")


def test_what_is_not_a_sound_is_refused_in_words(page: Any):
    _drop(page, "noise.wav", b"RIFF not at all")

    page.wait_for_selector("pf-target [role=alert]")
    assert "noise.wav" in page.locator("pf-target [role=alert]").inner_text()
    assert state_of(page, "sound") is None
    page.faults.clear()  # the browser writes each refused request to its console


def test_a_match_finds_candidates_and_a_b_flips_without_a_gap_equally_loud(page: Any):
    _drop(page, "a note.wav", _wav(_tone(440.0)))
    wait_for(page, "state.sound !== null")
    _only_dexed(page)
    page.get_by_label("5 s", exact=True).check()
    page.get_by_role("button", name="Match", exact=True).click()
    wait_for(page, "state.job?.state === 'done' && state.candidates.length > 0")

    assert page.locator("pf-candidate").count() == state_of(page, "candidates.length")
    assert state_of(page, "preset.id") == state_of(page, "candidates[0].preset.id")

    page.keyboard.press("Space")
    wait_for(page, "engine.comparing && engine.side === 'target'")
    target = _loudest(page)
    page.keyboard.press("Space")
    wait_for(page, "engine.side === 'candidate'")
    candidate = _loudest(page)
    # A fifth of a second of each is measured here, and the whole of each is made equally loud.
    assert 20 * np.log10(candidate / target) == pytest.approx(0, abs=8)
    assert _loudness_of(page, "candidate") == pytest.approx(_loudness_of(page, "target"), abs=1.0)

    page.locator("pf-candidate").first.click()  # which has the focus from here on
    page.keyboard.press("Space")
    wait_for(page, "engine.side === 'target'")

    # While one sustained note is flipped to itself, the level never falls: no gap.
    least = page.evaluate("""async () => {
      const {engine} = patchflowStudio;
      const context = engine.context;
      const tone = new AudioBuffer({length: 44100, sampleRate: 44100});
      tone.getChannelData(0).forEach((_, i, all) => { all[i] = 0.3 * Math.sin(2 * Math.PI * 441 * i / 44100); });
      const long = new AudioBuffer({length: 44100 * 20, sampleRate: 44100});
      for (let at = 0; at < 20; at += 1) long.copyToChannel(tone.getChannelData(0), 0, 44100 * at);
      await engine.ab(long, long);
      await new Promise((done) => setTimeout(done, 500));
      let least = 1;
      const samples = new Float32Array(1024);
      const watch = setInterval(() => {
        engine.level.getFloatTimeDomainData(samples);
        const power = samples.reduce((sum, one) => sum + one * one, 0) / samples.length;
        least = Math.min(least, Math.sqrt(power));
      }, 2);
      for (let flips = 0; flips < 12; flips += 1) {
        engine.flip();
        await new Promise((done) => setTimeout(done, 60));
      }
      clearInterval(watch);
      engine.stopAb();
      return least;
    }""")
    assert least > 0.15  # 0.3 / sqrt(2) is 0.21


def test_what_was_taken_of_candidates_stays_taken_when_they_get_numbers_in_their_names(page: Any):
    taken = page.evaluate("""async () => {
      const { followed } = await import("/web/studio/pf-match.js");
      const { session } = patchflowStudio;
      const made = (id, cutoff) => ({ kind: "", preset: { id, synth: "tone", values: { cutoff } } });
      const before = [made("first", 1), made("second", 2), made("third", 3)];
      session.set({ candidates: before, preset: before[1].preset, chosen: ["second", "third"] });
      const after = [made("first", 1), made("third 2", 3), made("second 3", 2)];
      return [followed(before), followed(after)];
    }""")

    assert taken[0] == {}
    assert taken[1]["chosen"] == ["second 3", "third 2"]
    assert taken[1]["preset"]["id"] == taken[1]["base"]["id"] == "second 3"


def test_a_first_visit_hears_the_match_of_the_example(page: Any):
    page.get_by_role("button", name="Try the example").click()
    wait_for(page, "state.candidates.length > 0 && engine.measure().rms > 0.01")
    assert state_of(page, "sound.name").startswith("bell")

    page.get_by_text("flip between the bell and the match").wait_for()
    page.keyboard.press("Space")
    page.get_by_text("Now play the match").wait_for()
    page.keyboard.press("a")
    page.get_by_role("button", name="Open Shape").click()
    wait_for(page, "state.view === 'shape'")


def test_a_new_match_ends_the_one_before(page: Any):
    _drop(page, "a note.wav", _wav(_tone(440.0)))
    wait_for(page, "state.sound !== null")
    page.get_by_label("60 s", exact=True).check()
    page.get_by_role("button", name="Match", exact=True).click()
    wait_for(page, "state.job?.state === 'running'")
    first = state_of(page, "job.id")

    page.evaluate("patchflowStudio.session.set({seconds: 5})")
    page.evaluate("document.querySelector('pf-studio').shadowRoot.querySelector('pf-match').start()")
    wait_for(page, f"state.job.id !== '{first}' && ['running', 'done'].includes(state.job.state)")
    ended = page.evaluate(f"patchflowStudio.api.get('/jobs/{first}')")
    assert ended["ended"] is not None


def test_undo_and_redo_bring_a_match_back(page: Any):
    page.get_by_role("button", name="Try the example").click()
    wait_for(page, "state.job?.state === 'done' && state.candidates.length > 0")
    found = state_of(page, "candidates.map((one) => one.preset.id)")

    for _ in range(2):
        page.evaluate("patchflowStudio.session.undo()")
        wait_for(page, "state.job === null && state.candidates.length === 0")
        page.evaluate("patchflowStudio.session.redo()")
        wait_for(page, "state.candidates.length > 0")
        assert state_of(page, "candidates.map((one) => one.preset.id)") == found
    wait_for(page, "state.job.result?.renders > 0")  # the page keeps no results: the server has them


def test_keys_play_and_let_go(page: Any):
    _load_init(page)
    page.evaluate("patchflowStudio.session.hear()")  # makes the AudioContext
    page.keyboard.down("a")
    wait_for(page, "engine.sounding.includes(60) && engine.measure().rms > 0.01")
    page.wait_for_timeout(300)
    assert page.evaluate("patchflowStudio.engine.measure().pitch") == pytest.approx(261.6, rel=0.01)

    page.keyboard.up("a")
    wait_for(page, f"engine.sounding.length === 0 && engine.measure().rms < {QUIET}")


def test_a_note_that_is_rendered_starts_without_asking_for_it(page: Any):
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "pitch=64" in request.url else None)
    _load_init(page)
    page.keyboard.press("a")
    wait_for(page, "engine.has(state.preset, 64)")
    assert len(asked) == 1

    page.keyboard.down("d")
    wait_for(page, "engine.latencies.own !== null")
    page.keyboard.up("d")

    assert asked.count(asked[0]) == 1
    assert "ms" in page.locator("pf-keys .latency").inner_text()


def test_chords_sound_together_and_a_key_held_long_goes_on(page: Any):
    _load_init(page)
    for key in "adg":
        page.keyboard.down(key)
    wait_for(page, "engine.sounding.length === 3 && engine.measure().rms > 0.01")
    page.wait_for_timeout(3600)  # the short render has ended by now

    assert page.evaluate("patchflowStudio.engine.measure().rms") > 0.01
    for key in "adg":
        page.keyboard.up(key)
    wait_for(page, f"engine.measure().rms < {QUIET}")


def test_a_held_note_goes_over_to_its_longer_render_without_a_seam(page: Any):
    """The sine of the plain voice is recorded in the page: in no two periods of it the level changes."""
    _load_init(page)
    unevenness = min(_unevenness_of_a_held_note(page) for _ in range(3))  # a machine may be too busy to be in step
    assert 1 <= unevenness < 1.05


def _unevenness_of_a_held_note(page: Any) -> float:
    levels = page.evaluate("""async () => {
      const {session, engine} = patchflowStudio;
      const {preset} = session.state;
      await engine.context.audioWorklet.addModule("/web/studio/recorder-worklet.js");
      const tap = new AudioWorkletNode(engine.context, "pf-recorder", {numberOfOutputs: 0});
      const rest = (ms) => new Promise((done) => setTimeout(done, ms));
      for (const span of [{hold: 2, length: 3}, {hold: 10, length: 11}]) {
        await engine.note(preset, {pitch: 72, velocity: 105, ...span});
      }
      const chunks = [];
      engine.level.connect(tap);
      await engine.playNote(preset, {pitch: 72, velocity: 105});
      tap.port.onmessage = ({data}) => chunks.push(...data);
      await rest(1300);
      engine.stopNote(72);
      chunks.splice(0, Math.round(chunks.length / 4));  // its attack
      const period = Math.round(2 * engine.context.sampleRate / 523.25);
      const found = [];
      for (let at = 0; at + period < chunks.length; at += period) {
        const part = chunks.slice(at, at + period);
        found.push(Math.sqrt(part.reduce((sum, one) => sum + one * one, 0) / period));
      }
      return found;
    }""")

    assert len(levels) > 100
    assert min(levels) > 0.02
    return max(levels) / min(levels)


@pytest.mark.parametrize("synth", ["dexed", "vital"])
def test_renders_of_a_note_are_the_same_until_it_is_let_go(page: Any, studio: Served, synth: str):
    made = page.request.post(f"{studio.address}api/v1/presets/random", data={"synth": synth, "seed": 1}).json()
    sounds = []
    for hold, length in ((0.5, 2.5), (2, 3)):
        query = f"pitch=60&velocity=105&hold={hold}&length={length}&gain_db=-12"
        answer = page.request.get(f"{studio.address}api/v1/presets/{made['id']}/audio?{query}")
        sounds.append(soundfile.read(io.BytesIO(answer.body()))[0])

    held = int(0.49 * RATE)
    assert np.abs(sounds[0][:held]).max() > QUIET
    assert np.array_equal(sounds[0][:held], sounds[1][:held])


def test_where_a_key_is_struck_says_how_hard(page: Any):
    _load_init(page)
    page.evaluate("addEventListener('pf-note', (event) => { window.struck = event.detail; })")
    box = page.locator('pf-keys [data-pitch="60"]').bounding_box()
    velocities = []
    for share in (0.7, 0.98):
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + share * box["height"])
        page.mouse.down()
        page.mouse.up()
        velocities.append(page.evaluate("window.struck.velocity"))

    assert page.evaluate("window.struck.pitch") == 60
    assert velocities[0] < velocities[1] <= 127


def test_midi_plays_with_velocity_and_pedal(page: Any):
    _load_init(page)
    keys = "document.querySelector('pf-studio').shadowRoot.querySelector('pf-keys')"
    page.evaluate(f"{keys}.midi([0xb0, 64, 127]); {keys}.midi([0x90, 69, 110])")
    wait_for(page, "engine.sounding.includes(69) && engine.measure().rms > 0.01")
    page.evaluate(f"{keys}.midi([0x80, 69, 0])")

    assert page.evaluate("patchflowStudio.engine.sounding") == [69]  # the pedal holds it
    page.evaluate(f"{keys}.midi([0xb0, 64, 0])")
    wait_for(page, "engine.sounding.length === 0")


def test_undo_and_redo_survive_a_reload(page: Any):
    first = _random(page, 1)
    second = _random(page, 2)
    page.keyboard.press("Control+z")
    wait_for(page, f"state.preset?.id === '{first}'")

    page.reload()
    page.wait_for_function("() => window.patchflowStudio !== undefined")
    page.evaluate("patchflowStudio.session.ready")

    assert state_of(page, "preset.id") == first
    page.keyboard.press("Control+Shift+z")
    wait_for(page, f"state.preset?.id === '{second}'")
    assert len(page.evaluate("patchflowStudio.session.history")) == 2


def test_two_tabs_have_histories_of_their_own(page: Any, studio: Served):
    mine = _random(page, 1)
    other = open_page(page.context, studio)
    assert state_of(other, "preset") is None
    theirs = _random(other, 2)
    for tab, kept in ((page, mine), (other, theirs)):
        tab.reload()
        tab.wait_for_function("() => window.patchflowStudio !== undefined")
        tab.evaluate("patchflowStudio.session.ready")
        assert state_of(tab, "preset.id") == kept
        assert len(tab.evaluate("patchflowStudio.session.history")) == 1


def test_a_file_that_is_taken_home_is_the_preset(page: Any, tmp_path: Path):
    _random(page, 3)
    page.keyboard.press("Control+s")
    link = page.get_by_role("link", name=".syx file")
    with page.expect_download() as download:
        link.click()
    path = tmp_path / download.value.suggested_filename
    download.value.save_as(path)

    assert path.suffix == ".syx"
    [taken] = read_presets(path).presets
    space = engines["dexed"].space
    assert space.encode(taken.values) == pytest.approx(space.encode(state_of(page, "preset.values")), abs=1e-6)


def test_a_project_that_is_taken_home_is_not_written_over_what_another_tab_saved(page: Any):
    _random(page, 3)
    page.keyboard.press("Control+s")
    with page.expect_download():
        page.get_by_role("button", name=".patchflow file").click()
    wait_for(page, "state.project?.changed > 0")
    mine = state_of(page, "project.id")
    with page.expect_download():  # nobody was faster: it is written again
        page.get_by_role("button", name=".patchflow file").click()

    put = "patchflowStudio.api.put(`/projects/${patchflowStudio.session.state.project.id}`, {state: {theirs: true}})"
    page.evaluate(put)
    page.get_by_role("button", name=".patchflow file").click()
    page.get_by_text("it was changed elsewhere").wait_for()

    assert page.evaluate(f"patchflowStudio.api.get('/projects/{mine}')")["state"] == {"theirs": True}
    page.faults.clear()  # the browser writes each refused request to its console


def test_a_part_of_the_page_that_is_missing_says_so_in_its_place(page: Any):
    page.route("**/pf-library.js", lambda route: route.abort())
    page.reload()  # it may have been loaded already
    page.wait_for_selector("pf-keys .keys")
    page.keyboard.press("4")

    page.get_by_text("This part of the page could not be loaded.").wait_for()
    page.keyboard.press("1")
    assert page.get_by_role("button", name="Try the example").is_visible()
    page.faults.clear()


def test_names_of_presets_are_text_and_never_markup(page: Any):
    _random(page, 4)
    page.evaluate("""async () => {
      const {session, api} = patchflowStudio;
      const name = "<img src=x onerror='window.harmed = true'><b>fat</b>";
      session.load(await api.post("/presets/edit", {preset: session.state.preset.id, values: {}, name}));
    }""")
    wait_for(page, "state.preset.name.includes('<b>')")

    assert "<b>" in page.locator("pf-preset-bar .name strong").inner_text()
    assert page.locator("pf-preset-bar img").count() == 0
    assert page.evaluate("window.harmed") is None


def test_a_drag_is_one_step_of_history(page: Any):
    _random(page, 6)
    page.evaluate("""async () => {
      for (let step = 0; step < 5; step += 1) await patchflowStudio.session.edit({feedback: step}, "Feedback");
    }""")

    assert page.evaluate("patchflowStudio.session.history.length") == 2
    page.keyboard.press("Control+z")
    wait_for(page, "session.cursor === 1")
    assert state_of(page, "preset.values.feedback") == page.evaluate(
        "patchflowStudio.api.post('/presets/random', {synth: 'dexed', seed: 6}).then((made) => made.values.feedback)"
    )


def test_keyboard_alone_opens_views_and_help(page: Any):
    page.keyboard.press("2")
    wait_for(page, "state.view === 'shape'")
    page.keyboard.press("1")
    wait_for(page, "state.view === 'match'")
    page.keyboard.press("?")
    assert page.locator("dialog#help").is_visible()
    page.keyboard.press("Escape")
    assert not page.locator("dialog#help").is_visible()


def test_the_shell_does_not_scroll_and_does_not_shift(page: Any):
    for width, height in ((1280, 800), (1024, 768), (768, 1024)):
        page.set_viewport_size({"width": width, "height": height})
        inner = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.scrollHeight]")
        assert inner == [width, height]
    shift = page.evaluate("""() => new Promise((done) => new PerformanceObserver((list) => {
      done(list.getEntries().reduce((sum, one) => sum + (one.hadRecentInput ? 0 : one.value), 0));
    }).observe({type: "layout-shift", buffered: true}) || setTimeout(done, 300, 0))""")
    assert shift < 0.1


def test_a_recording_of_the_microphone_becomes_the_target(studio: Served, tmp_path: Path):
    heard = tmp_path / "microphone.wav"
    soundfile.write(heard, _tone(330.0, seconds=8.0), RATE, subtype="PCM_16")
    device = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
    with browsing(*device, f"--use-file-for-fake-audio-capture={heard}") as chromium:
        context = chromium.new_context(permissions=["microphone"])
        context.add_init_script("localStorage.setItem('patchflow-at-once', 'no')")
        page = open_page(context, studio)
        page.get_by_role("button", name="Record").click()
        page.wait_for_function(
            "() => document.querySelector('pf-studio').shadowRoot.querySelector('pf-target').recorder?.seconds > 1.5"
        )
        level = page.evaluate(
            "document.querySelector('pf-studio').shadowRoot.querySelector('pf-target').recorder.level"
        )
        page.get_by_role("button", name="Stop and use it").click()
        wait_for(page, "state.sound !== null")

        assert level > 0.05
        assert state_of(page, "sound.seconds") > 1.4
        assert state_of(page, "sound.heard.note") == "E4"
        assert page.faults == []


def test_a_server_that_went_away_is_told_and_nothing_is_lost(browser: Any, tmp_path: Path):
    with served(tmp_path) as first:
        page = open_page(browser.new_context(), first)
        kept = _random(page, 5)
        first.end()
        page.evaluate("patchflowStudio.session.edit({feedback: 3})")
        page.wait_for_selector("p.gone")
        with served(tmp_path, first.port):
            page.wait_for_selector("p.gone", state="detached")
            assert state_of(page, "preset.id") == kept
            page.evaluate("patchflowStudio.session.edit({feedback: 3})")
            wait_for(page, f"state.preset.id !== '{kept}'")
        page.context.close()


def test_what_is_shipped_of_others_is_what_they_released(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(ROOT / "site"))
    renew = importlib.import_module("renew_vendor")

    entries = json.loads(renew.LIST.read_text("utf-8"))
    assert renew.faults(entries) == []
    assert all((renew.FOLDER / entry["folder"] / renew.LICENCE).is_file() for entry in entries)


def test_what_is_loaded_ahead_is_there_and_loaded_once(page: Any):
    page.wait_for_selector("pf-match .tools")
    ahead = page.evaluate("[...document.querySelectorAll('link[rel=modulepreload]')].map((link) => link.href)")
    loaded = page.evaluate("performance.getEntriesByType('resource').map((one) => one.name)")
    scripts = [name for name in loaded if name.endswith(".js")]

    assert len(ahead) > 20
    assert set(ahead) <= set(scripts)
    assert len(scripts) == len(set(scripts))


def test_the_import_map_names_files_that_are_there():
    text = (WEB / "studio" / "studio.html").read_text("utf-8")
    found = re.search(r'<script type="importmap">(.*?)</script>', text, re.S)
    assert found is not None

    for name, path in json.loads(found[1])["imports"].items():
        assert (WEB.parent / path.lstrip("/")).exists(), name


def test_a_loop_that_is_still_rendered_is_ended_by_esc_and_begins_on_the_other_side_if_flipped(page: Any):
    _target_and_preset(page)
    page.evaluate(
        """() => {
      const note = patchflowStudio.engine.note.bind(patchflowStudio.engine);
      patchflowStudio.engine.note = async (...given) => {
        await new Promise((resolve) => { window.goOn = resolve; });
        return note(...given);
      };
    }"""
    )
    page.keyboard.press("Space")
    page.wait_for_function("() => window.goOn")
    page.keyboard.press("Escape")
    page.evaluate("goOn()")
    page.wait_for_timeout(1500)  # in which it would begin
    assert not page.evaluate("patchflowStudio.engine.comparing")

    page.keyboard.press("Space")
    page.keyboard.press("Space")
    page.wait_for_timeout(300)
    page.evaluate("goOn()")
    wait_for(page, "engine.comparing")
    assert page.evaluate("patchflowStudio.engine.side") == "candidate"


def test_what_is_locked_stays_in_a_match_of_its_synth_and_a_changed_target_is_said(page: Any):
    _target_and_preset(page)
    page.evaluate("patchflowStudio.session.change('Lock', {locks: ['op1.output', 'osc_1_level'], synths: ['dexed']})")
    page.locator("pf-match").get_by_role("button", name="1 locked parameter stays as it is: unlock").wait_for()
    with page.expect_request(lambda sent: sent.url.endswith("/jobs") and sent.method == "POST") as sent:
        page.keyboard.press("m")
    assert json.loads(sent.value.post_data)["lock"] == {"op1.output": state_of(page, "preset.values['op1.output']")}
    wait_for(page, "state.job !== null")

    page.locator("pf-target .heard select").select_option("57")
    page.get_by_text("The target was changed since this match began").wait_for()
    page.evaluate("patchflowStudio.api.post(`/jobs/${patchflowStudio.session.state.job.id}/cancel`)")


def test_what_a_theme_says_is_a_colour_to_scripts_that_draw(page: Any):
    read = """(theme) => {
      document.documentElement.dataset.theme = theme;
      const style = getComputedStyle(document.querySelector("pf-studio"));
      const names = ["ground", "ink", "quiet", "accent", "second", "second-soft", "bad"];
      return names.map((name) => style.getPropertyValue(`--pf-${name}`));
    }"""
    dark = page.evaluate(read, "dark")
    light = page.evaluate(read, "light")

    assert all(value.startswith("rgb") for value in [*dark, *light])
    assert (dark[0], light[0]) == ("rgb(16, 18, 22)", "rgb(236, 234, 229)")
    assert not set(dark) & set(light)


@pytest.mark.parametrize("width", [1024, 1280])
def test_no_name_is_too_long_for_the_window(page: Any, width: int):
    _target_and_preset(page)
    page.set_viewport_size({"width": width, "height": 768})
    page.evaluate(
        """async () => {
      const {session, api} = patchflowStudio;
      const name = "A name that goes on and on ".repeat(3);
      const preset = session.state.preset.id;
      const made = await api.post("/presets/edit", {preset, values: {}, name, from: name.repeat(2)});
      session.load(made, "Long");
    }"""
    )
    for view in ("Match", "Shape", "Explore", "Library"):
        page.get_by_role("tab", name=view, exact=True).click()
        page.wait_for_timeout(300)
        box = page.get_by_role("button", name="Take home").bounding_box()
        assert box["x"] + box["width"] <= width


def _drop(page: Any, name: str, data: bytes) -> None:
    page.evaluate(DROP, [name, base64.b64encode(data).decode()])


def _tone(hertz: float, *, seconds: float = 1.5) -> np.ndarray:
    """A note with a few partials that fades away."""
    at = np.arange(int(seconds * RATE)) / RATE
    partials = sum(np.sin(2 * np.pi * hertz * n * at) / n for n in (1, 2, 3, 4))
    return (0.3 * partials * np.exp(-0.5 * at) * np.minimum(1, at / 0.005)).astype(np.float32)


def _wav(samples: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, RATE, format="WAV", subtype="PCM_16")
    return buffer.getvalue()


def _load_init(page: Any) -> None:
    """Loads the plain voice of Dexed: one sine."""
    page.evaluate("""async () => {
      const {session, engine, api} = patchflowStudio;
      await engine.ready();
      const {init} = await api.get("/synths/dexed");
      session.load(init, "Load INIT");
    }""")
    wait_for(page, "state.preset !== null && engine.context?.state === 'running'")
    page.evaluate("patchflowStudio.engine.stopAll()")


def _target_and_preset(page: Any) -> None:
    _drop(page, "a note.wav", _wav(_tone(440.0)))
    wait_for(page, "state.sound !== null")
    _load_init(page)


def _random(page: Any, seed: int) -> str:
    """Loads a preset that chance made; returns its id."""
    return page.evaluate(
        """async (seed) => {
      const {session, api} = patchflowStudio;
      const preset = await api.post("/presets/random", {synth: "dexed", seed});
      session.load(preset, `Load ${preset.name}`);
      await new Promise((done) => setTimeout(done, 300));
      return preset.id;
    }""",
        seed,
    )


def _only_dexed(page: Any) -> None:
    page.wait_for_selector("pf-match button.chip")
    vital = page.get_by_role("button", name="Vital", exact=True)
    if vital.count() and vital.get_attribute("aria-pressed") == "true":
        vital.click()
    assert state_of(page, "synths") == ["dexed"]


def _loudness_of(page: Any, side: str) -> float:
    """How loud a side of A/B is as a whole, in LUFS: the sound that loops, by the gain that it has."""
    sound = page.evaluate(f"""() => {{
      const {{buffer, gain}} = patchflowStudio.engine.loops.{side};
      return [[...buffer.getChannelData(0)], gain, buffer.sampleRate];
    }}""")
    samples, gain, rate = sound
    return pyloudnorm.Meter(rate).integrated_loudness(gain * np.array(samples))


def _loudest(page: Any) -> float:
    """The highest level of a loop's first seconds."""
    levels = []
    end = time.monotonic() + 2.5
    while time.monotonic() < end:
        levels.append(page.evaluate("patchflowStudio.engine.measure().rms"))
        page.wait_for_timeout(50)
    return max(levels)
