// The page's one state, and its history: what is heard, shown, edited; undo and redo without limit, kept over a reload.
//
// import { session } from "./session.js"; session.state.preset; session.addEventListener("change", (event) => ...
// event.detail has the names of what changed). Steps that a user would undo go through session.change(label, patch);
// everything else (progress of a job) through session.set(patch). Other events: "message" {text, kind}, "hear" {preset,
// note} (the shell plays it), "history".

import { api } from "./api.js";
import { HistoryStore } from "./history-store.js";

export const NOTE = { pitch: 60, velocity: 100, hold: 1, length: 2 };
const MERGE_MS = 900; // two steps with one label within this time are one: a knob that is dragged
const UNKEPT = new Set(["view"]); // what is no part of a step

const EMPTY = {
  sound: null,
  part: { start: null, end: null, note: null, trim_db: null },
  job: null,
  candidates: [],
  chosen: [], // ids of the candidates that go into a bank
  slots: { a: null, b: null, c: null, d: null },
  preset: null,
  base: null,
  origin: null, // the preset that was loaded last: what edits and turns are compared with
  note: NOTE,
  gain: null, // dB by which the engine turns the preset up; found when it is first heard, kept while it is edited
  macros: {},
  locks: [],
  synths: [],
  seconds: 10,
  options: { candidates: 6, seed: 0, like: {} }, // of a match: how many, chance, how much aspects count
  view: "match",
  project: null, // {id, name, changed} of what was saved or opened, see project-store.js
};

class Session extends EventTarget {
  state = structuredClone(EMPTY);
  ready; // resolves when what was kept is there

  #store = new HistoryStore();
  #entries = []; // {label, time, before, after}, with presets as ids where they were kept
  #cursor = 0; // how many of them are done
  #merge = { label: "", time: 0 };
  #work = Promise.resolve(); // steps are written and undone in their order
  #turns = 0; // how often another preset was loaded: answers to what was asked before are dropped
  #waiting = null; // edits that came while one was under way
  #busy = false;
  #wish = null; // {words, base}: the turn that is next
  #turning = null; // {words}: the turn that is under way
  #marking = 0;

  constructor() {
    super();
    this.ready = this.#restored();
    window.addEventListener("pagehide", () => this.#marking && this.#store.mark(this.#kept(), this.#cursor));
  }

  /** Labels of all steps, the oldest first. */
  get history() {
    return this.#entries.map((entry) => entry.label);
  }

  /** How many steps are done: those after it can be redone. */
  get cursor() {
    return this.#cursor;
  }

  get canUndo() {
    return this.#cursor > 0;
  }

  get canRedo() {
    return this.#cursor < this.#entries.length;
  }

  /** Changes the state without a step of history. */
  set(patch) {
    Object.assign(this.state, patch);
    this.#tell(Object.keys(patch));
    clearTimeout(this.#marking);
    this.#marking = setTimeout(() => this.#mark(), 300);
  }

  /** Changes the state by a step that can be undone. `label` is what a user reads: "Cutoff to 0.4". */
  change(label, patch, { heard = false } = {}) {
    const names = Object.keys(patch).filter((name) => !UNKEPT.has(name));
    const before = Object.fromEntries(names.map((name) => [name, this.state[name]]));
    const after = Object.fromEntries(names.map((name) => [name, patch[name]]));
    Object.assign(this.state, patch);
    if (heard) this.hear(); // the sound is asked for before anything is drawn anew
    this.#record(label, before, after);
    this.#tell(Object.keys(patch));
  }

  /** Undoes the last step. */
  undo() {
    return this.jump(this.#cursor - 1);
  }

  /** Does the step again that was undone. */
  redo() {
    return this.jump(this.#cursor + 1);
  }

  /** Goes to where `index` steps are done. */
  jump(index) {
    return this.#queue(async () => {
      const goal = Math.min(Math.max(index, 0), this.#entries.length);
      if (goal === this.#cursor) return;
      const back = goal < this.#cursor;
      const patch = {};
      while (this.#cursor !== goal) {
        const entry = this.#entries[back ? this.#cursor - 1 : this.#cursor];
        Object.assign(patch, await this.#store.unpacked(back ? entry.before : entry.after));
        this.#cursor += back ? -1 : 1;
      }
      this.#drop();
      Object.assign(this.state, patch);
      this.#tell(Object.keys(patch));
      this.say(`${back ? "Undone" : "Redone"}: ${this.#entries[back ? this.#cursor : this.#cursor - 1].label}`, "quiet");
      if ("preset" in patch && patch.preset) this.hear();
      await this.#store.mark(this.#kept(), this.#cursor);
    });
  }

  /** Makes a preset the current one: what is shown, played, and what macros turn. */
  load(preset, why, more = {}) {
    this.#drop();
    this.change(why || `Load ${preset.name}`, { preset, base: preset, origin: preset, macros: {}, gain: null, ...more });
    this.hear();
  }

  /** Changes parameters of the current preset. While an edit is under way, those that come are joined into the next. */
  async edit(values, why = "") {
    if (!this.state.preset) return;
    const label = why || `Edit ${Object.keys(values).join(", ")}`;
    this.#waiting = { values: { ...this.#waiting?.values, ...values }, label };
    if (this.#busy) return;
    this.#busy = true;
    try {
      while (this.#waiting) await this.#edited();
    } catch (error) {
      this.#waiting = null;
      this.fail(error);
    } finally {
      this.#busy = false;
    }
  }

  /** How far macros are turned, or will be once the answer is there. */
  get turned() {
    return this.#wish?.words ?? this.#turning?.words ?? this.state.macros;
  }

  /** Returns what is locked of a preset: locks of another synth stay, but mean nothing to this one. */
  locksOf(preset) {
    return this.state.locks.filter((name) => name in preset.values);
  }

  /** Turns macros of the base by amounts. While one turn is under way, the newest of those that come is the next. */
  async turn(words) {
    const { base } = this.state;
    if (!base) return;
    this.#wish = { words: { ...words }, base };
    this.#tell(["macros"]);
    if (this.#turning) return;
    try {
      while (this.#wish) await this.#turnedNext();
    } catch (error) {
      this.#wish = null;
      this.fail(error);
    } finally {
      this.#turning = null;
      this.#tell(["macros"]);
    }
  }

  setSlot(slot, preset) {
    const label = preset ? `Put ${preset.name} into ${slot.toUpperCase()}` : `Empty ${slot.toUpperCase()}`;
    this.change(label, { slots: { ...this.state.slots, [slot]: preset } });
  }

  /** Asks for the current preset, or another, to be heard. */
  hear(preset = this.state.preset, note = this.state.note) {
    if (preset) this.dispatchEvent(new CustomEvent("hear", { detail: { preset, note } }));
  }

  /** Says something to everybody, screen readers too. Kinds: "good", "bad", "quiet" (only for screen readers). */
  say(text, kind = "good") {
    this.dispatchEvent(new CustomEvent("message", { detail: { text, kind } }));
  }

  /** Says what went wrong. */
  fail(error) {
    if (error?.name === "AbortError" || error?.kind === "Gone") return; // the shell says that the server is gone
    this.say(error?.message || String(error), "bad");
  }

  /** Begins anew; the history is kept, so that this can be undone too. */
  clear() {
    const { view, synths, seconds, options } = this.state;
    this.#drop();
    this.change("Begin anew", { ...structuredClone(EMPTY), view, synths, seconds, options });
  }

  /** Returns what a project keeps, and takes it back. */
  snapshot() {
    return structuredClone(this.#kept());
  }

  restore(kept, label = "Open a project") {
    this.#drop();
    this.change(label, { ...structuredClone(EMPTY), ...kept, view: this.state.view });
  }

  async #edited() {
    const { values, label } = this.#waiting;
    this.#waiting = null;
    const asked = this.#turns;
    const preset = await api.post("/presets/edit", { preset: this.state.preset.id, values });
    if (asked !== this.#turns) return; // another preset was loaded meanwhile
    this.change(label, { preset, base: preset, macros: {} }, { heard: true });
  }

  async #turnedNext() {
    const { words, base } = this.#wish;
    this.#turning = { words };
    this.#wish = null;
    const asked = this.#turns;
    const answer = await api.post("/macros/turn", { preset: base.id, words, lock: this.locksOf(base) });
    if (asked !== this.#turns || this.state.base?.id !== base.id) return; // another preset was loaded meanwhile
    const before = this.state.macros;
    const moved = Object.keys({ ...before, ...words }).find((word) => before[word] !== words[word]);
    this.change(`Turn ${moved || "macros"}`, { preset: answer.preset, macros: words }, { heard: true });
  }

  /** Forgets answers that are under way: they belong to what was before. */
  #drop() {
    this.#turns += 1;
    this.#waiting = null;
    this.#wish = null;
    this.#merge = { label: "", time: 0 };
  }

  #record(label, before, after) {
    const now = Date.now();
    const last = this.#entries[this.#cursor - 1];
    const joined = last && this.#cursor === this.#entries.length && label === this.#merge.label
      && now - this.#merge.time < MERGE_MS;
    this.#merge = { label, time: now };
    if (joined) {
      last.after = { ...last.after, ...after };
      last.before = { ...before, ...last.before };
    } else {
      this.#entries.length = this.#cursor;
      this.#entries.push({ label, time: now, before, after });
      this.#cursor += 1;
    }
    const index = this.#cursor - 1;
    const entry = this.#entries[index];
    const state = this.#kept();
    this.#queue(async () => {
      const packed = await this.#store.write(index, entry, state);
      if (this.#entries[index] === entry && this.#store.id) Object.assign(entry, packed); // ids are enough from here on
    });
  }

  #kept() {
    const kept = { ...this.state };
    if (kept.job) kept.job = { id: kept.job.id, kind: kept.job.kind, state: kept.job.state, request: kept.job.request };
    return kept;
  }

  #mark() {
    this.#marking = 0;
    this.#queue(() => this.#store.mark(this.#kept(), this.#cursor));
  }

  #tell(names) {
    this.dispatchEvent(new CustomEvent("change", { detail: names }));
    this.dispatchEvent(new Event("history"));
  }

  #queue(step) {
    this.#work = this.#work.then(step).catch((error) => this.#unkept(error));
    return this.#work;
  }

  #unkept(error) {
    this.say(`History cannot be kept in this browser: ${error.message}`, "bad");
  }

  async #restored() {
    try {
      const kept = await this.#store.open();
      if (!kept) return;
      Object.assign(this.state, kept.state);
      this.#entries = kept.entries;
      this.#cursor = Math.min(kept.cursor, kept.entries.length);
      this.#tell(Object.keys(this.state));
    } catch (error) {
      this.#unkept(error);
    }
  }
}

export const session = new Session();
