// <pf-keys>: the keyboard at the foot of the page: by mouse and touch, by the computer's keys, and by MIDI.
//
// Where a key is struck says how hard: soft at its top, hard at its foot. The computer's middle row has the white keys, the
// row above it the black ones, wherever their letters are. Plays the current preset of `session` through `engine`; keys
// whose note is rendered already are marked, and sound at once. `midi(bytes)` takes a message of Web MIDI.

import { LitElement, css, html } from "lit";

import { session } from "./session.js";
import { engine } from "./sound-engine.js";
import { look, noteName } from "./studio-look.js";
import { inDialog, isTyping } from "./studio-shortcuts.js";

const BLACK = new Set([1, 3, 6, 8, 10]);
const CODES = ["KeyA", "KeyW", "KeyS", "KeyE", "KeyD", "KeyF", "KeyT", "KeyG", "KeyY", "KeyH", "KeyU", "KeyJ", "KeyK",
  "KeyO", "KeyL", "KeyP"];
const KEY_WIDTH = 34; // px of a white key, at least
const [SOFT, HARD] = [30, 127];
const [LOWEST, HIGHEST] = [24, 108];
const PEDAL = 64;

class Keys extends LitElement {
  static properties = {
    down: { state: true }, octave: { state: true }, velocity: { state: true }, octaves: { state: true },
    computer: { state: true }, inputs: { state: true }, ready: { state: true }, focus: { state: true }, names: { state: true },
  };

  static styles = [look, css`
    :host { display: block; padding: 0 12px 10px; }
    .keys { position: relative; height: 104px; border-radius: 0 0 10px 10px; overflow: hidden; touch-action: none;
      user-select: none;
      background: #08090b; border-top: 3px solid color-mix(in srgb, var(--pf-accent) 70%, #000); padding: 0;
        display: flex; gap: 1px; }
    .key { min-height: 0; padding: 0; margin: 0; position: relative; cursor: pointer; transition: none; }
    .key:active { transform: none; }
    .white { flex: 1 1 0; min-width: 0; border: 0; border-radius: 0 0 5px 5px; display: flex; flex-direction: column;
      justify-content: end;
      align-items: center; gap: 2px; padding-bottom: 5px; color: #6a6458; font-size: 10px;
      background: linear-gradient(#d9d5cb, #f6f3ec 22%, #f1ede4 88%, #d4cfc3);
        box-shadow: inset 0 -4px 0 #c2bbac, inset 0 1px 0 #fff; }
    .white.on { background: linear-gradient(#e0b269, #f7c678 60%, #f5a742); box-shadow: inset 0 2px 8px #7a4c0c66;
      color: #4a2c00; }
    .black { position: absolute; top: 0; height: 62%; border: 0; border-radius: 0 0 4px 4px; z-index: 1;
      color: #b7b2a8; font-size: 10px;
      display: flex; align-items: end; justify-content: center; padding-bottom: 5px;
      background: linear-gradient(90deg, #0a0b0d, #34363b 18%, #1b1d20 80%, #0a0b0d);
        box-shadow: 0 3px 5px #0009, inset 0 -5px 0 #000; }
    .black.on { background: linear-gradient(#8a5410, #c98226); box-shadow: 0 1px 2px #000; color: #fff; }
    .key:focus-visible { outline: 3px solid var(--pf-second); outline-offset: -3px; z-index: 2; }
    .cached::after { content: ""; position: absolute; width: 4px; height: 4px; border-radius: 50%;
      background: #2a8f83; bottom: 38px;
      left: calc(50% - 2px); }
    .black.cached::after { background: #5cd6c8; bottom: 24px; }
    /* Drawn, not written: a screen reader says the name of the key, and no letter before it. */
    .key i::before { content: attr(data-text); font-style: normal; }
    .key i:first-child { font-weight: 700; }
    .strip { display: flex; align-items: center; gap: 12px; height: 32px; font-size: 12px; color: var(--pf-quiet); }
    .strip button { min-height: 24px; font-size: 12px; padding: 0 8px; }
    .strip label { display: flex; gap: 6px; align-items: center; }
    .strip output { min-width: 3ch; color: var(--pf-ink); }
    .latency { margin-left: auto; }
    @media (pointer: coarse) { .strip { height: 48px; } .strip button { min-height: 44px; min-width: 44px; }
    .keys { height: 120px; } }
    @media (pointer: coarse) and (max-height: 820px) { .keys { height: 96px; } }
    @media (max-width: 800px) { .wide { display: none !important; } }
    @media (max-width: 640px) { .strip > * { flex: none; } .latency { display: none; } }
  `];

  constructor() {
    super();
    this.down = new Map(); // pitch -> how many hold it: a pointer, a key, MIDI
    this.octave = 4;
    this.velocity = 100;
    this.octaves = 5;
    this.computer = true;
    this.inputs = null; // names of MIDI inputs; null is not connected
    this.ready = 0;
    this.focus = 60;
    this.names = new Map();
    this.pointers = new Map();
    this.codes = new Map();
    this.pedal = false;
    this.held = new Set(); // notes that the pedal holds
  }

  connectedCallback() {
    super.connectedCallback();
    window.addEventListener("keydown", this.#keyDown, true);
    window.addEventListener("keyup", this.#keyUp, true);
    window.addEventListener("blur", this.#letGo);
    engine.addEventListener("notes", () => this.requestUpdate());
    engine.addEventListener("latency", () => this.requestUpdate());
    session.addEventListener("change", (event) => this.#changed(event.detail));
    this.sized = new ResizeObserver(() => this.#resize());
    this.sized.observe(this);
    this.#layout();
    navigator.permissions?.query({ name: "midi" }).then((found) => found.state === "granted" && this.connect(), () => {});
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    window.removeEventListener("keydown", this.#keyDown, true);
    window.removeEventListener("keyup", this.#keyUp, true);
    window.removeEventListener("blur", this.#letGo);
    this.sized.disconnect();
  }

  /** The lowest key. */
  get lowest() {
    const middle = 12 * (this.octave + 1);
    const room = Math.floor((this.octaves - 1) / 2);
    return Math.min(Math.max(middle - 12 * room, LOWEST), Math.max(HIGHEST - 12 * this.octaves, LOWEST));
  }

  render() {
    const { own, base, output } = engine.latencies;
    const heard = own === null ? "" : `${own.toFixed(1)} ms ours + ${(base + output).toFixed(0)} ms the browser's`;
    return html`<div class="strip" role="group" aria-label="Playing">
        <span class="row"><button aria-label="Octave down" title="Octave down (←)"
          @click=${() => this.#shift(-1)}>−</button>
          <span>Octave <output>${this.octave}</output></span>
          <button aria-label="Octave up" title="Octave up (→)" @click=${() => this.#shift(1)}>+</button></span>
        <label class="wide">Velocity <input type="range" min="1" max="127" .value=${String(this.velocity)}
          @input=${(event) => { this.velocity = Number(event.target.value); }}><output>${this.velocity}</output></label>
        <label class="wide"><input type="checkbox" .checked=${this.computer}
          @change=${(event) => { this.computer = event.target.checked; }}>
          Computer keys play</label>
        ${this.#midiState()}
        <span class="latency" title="From the key to the loudspeaker, as far as it can be measured">
          ${heard ? `Latency ${heard}` : session.state.preset ? "Keys with a dot sound at once" : ""}</span>
      </div>
      <div class="keys" role="group" aria-label="Piano keys" @pointerdown=${this.#press} @pointermove=${this.#slide}
        @pointerup=${this.#lift} @pointercancel=${this.#lift} @lostpointercapture=${this.#lift} @keydown=${this.#walk}>
        ${this.#keys()}</div>`;
  }

  #midiState() {
    if (!navigator.requestMIDIAccess) return html`<span class="wide">This browser has no Web MIDI</span>`;
    if (this.inputs === null) return html`<button @click=${() => this.connect()}>Connect MIDI</button>`;
    return html`<span class="cut wide">MIDI: ${this.inputs.length ? this.inputs.join(", ") : "no input is plugged in"}</span>`;
  }

  #keys() {
    const whites = 7 * this.octaves + 1;
    const keys = [];
    let white = 0;
    for (let pitch = this.lowest; pitch <= this.lowest + 12 * this.octaves; pitch += 1) {
      const black = BLACK.has(pitch % 12);
      keys.push(this.#key(pitch, black, black ? (100 * white) / whites : 0, 100 / whites));
      if (!black) white += 1;
    }
    return keys;
  }

  #key(pitch, black, left, width) {
    const { preset } = session.state;
    const letter = this.computer ? this.names.get(CODES[pitch - 12 * (this.octave + 1)]) ?? "" : "";
    const classes = ["key", black ? "black" : "white", this.down.has(pitch) ? "on" : "",
      engine.has(preset, pitch, this.velocity) ? "cached" : ""].join(" ");
    const place = black ? `left:${left - 0.31 * width}%;width:${0.62 * width}%` : "";
    const name = !black && pitch % 12 === 0 ? noteName(pitch) : "";
    return html`<button class=${classes} style=${place} data-pitch=${pitch} aria-label=${noteName(pitch)}
      aria-pressed=${String(this.down.has(pitch))} tabindex=${pitch === this.focus ? 0 : -1}>
      <i data-text=${letter}></i>${black ? "" : html`<i data-text=${name || "\u00a0"}></i>`}</button>`;
  }

  /** Strikes a note: `at` is when the event happened. */
  async strike(pitch, velocity, at = performance.now()) {
    const { preset } = session.state;
    this.down = new Map(this.down).set(pitch, (this.down.get(pitch) ?? 0) + 1);
    if (!preset) {
      session.say("There is no preset to play yet: match a sound, or load one from the library.", "bad");
      return;
    }
    this.dispatchEvent(new CustomEvent("pf-note", { detail: { pitch, velocity }, bubbles: true, composed: true }));
    try {
      await engine.playNote(preset, { pitch, velocity, at });
    } catch (error) {
      session.fail(error);
    }
  }

  /** Lets a note go, unless something else or the pedal holds it. */
  release(pitch) {
    const left = (this.down.get(pitch) ?? 0) - 1;
    const down = new Map(this.down);
    if (left > 0) down.set(pitch, left);
    else down.delete(pitch);
    this.down = down;
    if (left > 0) return;
    if (this.pedal) this.held.add(pitch);
    else engine.stopNote(pitch);
  }

  /** Asks for the MIDI inputs, and listens to all of them, also to those that are plugged in later. */
  async connect() {
    try {
      const access = await navigator.requestMIDIAccess();
      const listen = () => {
        const inputs = [...access.inputs.values()].filter((input) => input.state === "connected");
        for (const input of inputs) input.onmidimessage = (event) => this.midi(event.data, event.timeStamp);
        this.inputs = inputs.map((input) => input.name);
      };
      access.onstatechange = listen;
      listen();
    } catch (error) {
      session.say(`MIDI is not to be had: ${error.message}`, "bad");
    }
  }

  /** Takes a MIDI message: note on, note off, the sustain pedal. */
  midi([status, first, second], at = performance.now()) {
    const kind = status & 0xf0;
    if (kind === 0x90 && second > 0) this.strike(first, second, at);
    else if (kind === 0x80 || kind === 0x90) this.release(first);
    else if (kind === 0xb0 && first === PEDAL) this.#pedalTo(second >= 64);
  }

  #pedalTo(on) {
    this.pedal = on;
    if (on) return;
    for (const pitch of this.held) if (!this.down.has(pitch)) engine.stopNote(pitch);
    this.held.clear();
  }

  #changed(names) {
    if (names.includes("preset") && session.state.preset && engine.context) {
      const middle = 12 * (this.octave + 1);
      const pitch = this.last ?? middle + 4;
      engine.prefetch(session.state.preset, [0, 1, -1, 2, -2, 3, -3, 4, 5, 7, -5, 12, -12].map((step) => pitch + step));
    }
    this.requestUpdate();
  }

  #shift(by) {
    this.octave = Math.min(Math.max(this.octave + by, 1), 7);
    this.focus = 12 * (this.octave + 1);
    session.say(`Octave ${this.octave}`, "quiet");
  }

  #press(event) {
    const pitch = this.#under(event);
    if (pitch === null) return;
    event.currentTarget.setPointerCapture(event.pointerId);
    this.#take(event, pitch);
  }

  #slide(event) {
    if (!this.pointers.has(event.pointerId)) return;
    const pitch = this.#under(event);
    if (pitch === null || pitch === this.pointers.get(event.pointerId)) return;
    this.release(this.pointers.get(event.pointerId));
    this.#take(event, pitch);
  }

  #lift(event) {
    if (!this.pointers.has(event.pointerId)) return;
    this.release(this.pointers.get(event.pointerId));
    this.pointers.delete(event.pointerId);
  }

  #take(event, pitch) {
    this.pointers.set(event.pointerId, pitch);
    this.last = pitch;
    this.strike(pitch, this.#hardness(event, pitch), event.timeStamp);
  }

  #under(event) {
    const key = this.renderRoot.elementFromPoint(event.clientX, event.clientY)?.closest("[data-pitch]");
    return key ? Number(key.dataset.pitch) : null;
  }

  #hardness(event, pitch) {
    const place = this.renderRoot.querySelector(`[data-pitch="${pitch}"]`).getBoundingClientRect();
    const share = Math.min(Math.max((event.clientY - place.top) / place.height, 0), 1);
    return Math.round(SOFT + share * (HARD - SOFT));
  }

  /** Keys of the computer on the piano's own keys: arrows go to the next key, Enter and Space strike it. */
  #walk = (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step) {
      const highest = this.lowest + 12 * this.octaves;
      this.focus = Math.min(Math.max(Number(event.target.dataset.pitch) + step, this.lowest), highest);
      this.updateComplete.then(() => this.renderRoot.querySelector(`[data-pitch="${this.focus}"]`).focus());
    } else if (event.key === "Enter" || event.key === " ") {
      if (!event.repeat) this.#code(event.code, Number(event.target.dataset.pitch), event);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  };

  #keyDown = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event) || inDialog(event)) return;
    if (!this.computer) return;
    const at = CODES.indexOf(event.code);
    if (at >= 0) {
      event.preventDefault();
      if (!event.repeat) this.#code(event.code, 12 * (this.octave + 1) + at, event);
      return;
    }
    this.#other(event);
  };

  #other(event) {
    const harder = { KeyC: -10, KeyV: 10 }[event.code];
    if (harder) {
      this.velocity = Math.min(Math.max(this.velocity + harder, 1), 127);
      session.say(`Velocity ${this.velocity}`, "quiet");
    }
    const octave = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    // Arrows belong to whatever has the focus; only where nothing has it they change the octave.
    if (octave && document.activeElement?.shadowRoot?.activeElement == null) this.#shift(octave);
    if (harder || (octave && document.activeElement?.shadowRoot?.activeElement == null)) event.preventDefault();
  }

  #code(code, pitch, event) {
    if (this.codes.has(code)) return;
    this.codes.set(code, pitch);
    this.last = pitch;
    this.strike(pitch, this.velocity, event.timeStamp);
  }

  #keyUp = (event) => {
    if (!this.codes.has(event.code)) return;
    this.release(this.codes.get(event.code));
    this.codes.delete(event.code);
  };

  /** The window lost the focus: key-ups will not come. */
  #letGo = () => {
    for (const pitch of [...this.codes.values(), ...this.pointers.values()]) this.release(pitch);
    this.codes.clear();
    this.pointers.clear();
  };

  #resize() {
    const octaves = Math.min(Math.max(Math.floor((this.clientWidth - 24) / KEY_WIDTH / 7), 2), 5);
    if (octaves !== this.octaves) this.octaves = octaves;
  }

  /** Which letters the keys have on this machine; those of an English keyboard where the browser does not say. */
  async #layout() {
    this.names = new Map(CODES.map((code) => [code, code.slice(3)]));
    try {
      const map = await navigator.keyboard.getLayoutMap();
      this.names = new Map(CODES.map((code) => [code, (map.get(code) ?? code.slice(3)).toUpperCase()]));
    } catch {
      // Only Chromium knows the layout.
    }
  }
}

customElements.define("pf-keys", Keys);
export { Keys };
