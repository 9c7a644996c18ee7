// What is being browsed: a list of presets of the library, of which one is the current; heard, loaded and starred.
//
// import { hits } from "./hits.js"; hits.show(source) takes a list, hits.go(index) makes one the current and hears it,
// hits.step(1) goes to the next: the library, the map and the arrow keys share it. Events: "list", "at", "star".

import { api } from "./api.js";
import { session } from "./session.js";
import { engine } from "./sound-engine.js";

const KEPT = 120; // sounds that were heard, which are heard again at once
const LOUDNESS = -20; // LUFS at which all are heard, so that a soft one is no worse than a loud one
const MOST_GAIN = 12; // dB

class Hits extends EventTarget {
  total = 0;
  index = -1;
  key = ""; // of the current one
  loaded = ""; // of the one that was loaded last
  #at = () => null; // gives the entry of an index, or null while it is not there
  #wait = async () => null; // the same, when it is there
  #sounds = new Map(); // key and note -> {buffer, gain}, the oldest first
  #turn = null;

  /** Takes a list: `total` of them, `at(index)` the one that is there or null, `wait(index)` the same when it is there. */
  show({ total, at, wait }) {
    this.total = total;
    this.#at = at;
    this.#wait = wait;
    this.index = -1;
    for (let i = 0; i < Math.min(total, 200) && this.key; i += 1) if (at(i)?.key === this.key) this.index = i;
    this.#tell("list");
  }

  at(index) {
    return this.#at(index);
  }

  /** Makes an entry the current one, and hears it. */
  async go(index, { hear = true } = {}) {
    if (index < 0 || index >= this.total) return null;
    this.index = index;
    this.#tell("at");
    const entry = this.at(index) ?? (await this.#wait(index));
    if (this.index !== index || !entry) return entry;
    this.key = entry.key;
    this.#tell("at");
    session.say(`${entry.name || "no name"}, ${entry.category || entry.synth}`, "quiet");
    if (hear) await this.hear(entry);
    return entry;
  }

  step(by) {
    const next = this.index < 0 ? 0 : Math.min(this.total - 1, Math.max(0, this.index + by));
    return this.go(next);
  }

  /** Plays an entry; the newest wins. Nothing sounds before the first click or key of a visit. */
  async hear(entry, onStart = () => {}) {
    if (navigator.userActivation && !navigator.userActivation.hasBeenActive) return;
    const turn = (this.#turn = Symbol("turn"));
    try {
      await engine.ready();
      const sound = await this.#sound(entry.key, "browse");
      if (!sound || turn !== this.#turn) return;
      onStart(sound.buffer.duration);
      if (engine.comparing) engine.stopAb();
      await engine.playSound(sound.buffer, sound.gain);
      this.#ahead();
    } catch (error) {
      if (error.kind !== "Superseded" && turn === this.#turn) session.fail(error);
    }
  }

  hush() {
    this.#turn = null;
    engine.stopSound();
  }

  /** Makes an entry the preset that is shown and played. */
  async load(entry) {
    try {
      const preset = await api.get(`/library/${entry.key}/preset`);
      session.load(preset, `Load ${preset.name || entry.key}`);
      this.key = entry.key;
      this.loaded = entry.key;
      this.#tell("at");
      return preset;
    } catch (error) {
      session.fail(error);
      return null;
    }
  }

  async star(entry) {
    try {
      const now = await api.post(`/library/${entry.key}/favourite`, { favourite: !entry.favourite });
      Object.assign(entry, now);
      session.say(`${entry.name}: ${entry.favourite ? "a favourite" : "no favourite any more"}`, "quiet");
      this.dispatchEvent(new CustomEvent("star", { detail: entry }));
    } catch (error) {
      session.fail(error);
    }
  }

  async #sound(key, newest = "") {
    const { pitch, velocity, hold, length } = session.state.note;
    const name = `${key} ${pitch} ${velocity} ${hold} ${length}`;
    const known = this.#sounds.get(name);
    this.#sounds.delete(name);
    const sound = known ?? (await this.#fetched(key, newest));
    this.#sounds.set(name, sound);
    while (this.#sounds.size > KEPT) this.#sounds.delete(this.#sounds.keys().next().value);
    return sound;
  }

  async #fetched(key, newest) {
    const { pitch, velocity, hold, length } = session.state.note;
    const headers = newest ? { "X-Newest": newest } : {};
    const answer = await api.response(`/library/${key}/audio`, { pitch, velocity, hold, length }, { headers });
    const loudness = Number.parseFloat(answer.headers.get("X-Loudness-Lufs"));
    const buffer = await engine.context.decodeAudioData(await answer.arrayBuffer());
    return { buffer, gain: Number.isFinite(loudness) ? Math.min(MOST_GAIN, LOUDNESS - loudness) : 0 };
  }

  /** Fetches the neighbours, which are heard next. */
  async #ahead() {
    const turn = this.#turn;
    for (const by of [1, -1, 2]) {
      const entry = this.at(this.index + by);
      if (!entry || this.index < 0) continue;
      await this.#sound(entry.key).catch(() => {});
      if (turn !== this.#turn) return;
    }
  }

  #tell(name) {
    this.dispatchEvent(new Event(name));
  }
}

export const hits = new Hits();

// Arrow keys go through the list in every view: where it is shown, as long as no control has a use for them; elsewhere
// only while nothing has the focus, so that what is under it scrolls. Enter loads what was heard.
window.addEventListener("keydown", (event) => {
  const shown = session.state.view === "library";
  if (hits.total < 1 || !arrowIsFree(event) || event.shiftKey) return;
  if (!shown && (hits.index < 0 || event.composedPath()[0] !== document.body)) return;
  if (event.key === "ArrowDown" || event.key === "ArrowUp") hits.step(event.key === "ArrowDown" ? 1 : -1);
  else if (event.key === "Enter" && event.composedPath()[0] === document.body && hits.at(hits.index)) hits.load(hits.at(hits.index));
  else return;
  event.preventDefault();
});

/** Whether an arrow key of an event is free: nobody types, and no control under the focus has a use for it. */
export function arrowIsFree(event) {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return false;
  const path = event.composedPath();
  if (path.some((node) => node.tagName === "DIALOG")) return false;
  return !path[0].matches?.("input, select, textarea, [role=slider], [role=tab], [role=application], [contenteditable]");
}
