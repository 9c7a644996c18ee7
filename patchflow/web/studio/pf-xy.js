// <pf-xy>: a pad: two macros at once, or a morph of four corners.
//
// Drag in it, or with the keyboard: arrow keys move, with Shift finer, Home goes to the middle. In a morph the pad is the
// square of steps that <pf-morph> had made; the nearest is heard, and kept there.

import { LitElement, css, html, nothing } from "lit";
import { Listens } from "./listens.js";
import { REACH, macrosOf, turnWords } from "./pf-macros.js";
import { session } from "./session.js";
import { SHAPE_LOOK } from "./shape-look.js";
import { clamp } from "./shape-values.js";

const STEP = 0.05; // of the pad, for an arrow key
const EDGE = 0.06; // of the pad, around the steps of a morph

export class XyPad extends LitElement {
  static properties = {
    macros: { state: true },
    words: { state: true },
    mode: { state: true },
    spot: { state: true },
  };

  static styles = [
    SHAPE_LOOK,
    css`
      :host {
        display: grid;
        grid-template-columns: minmax(0, 1fr) auto;
        gap: 8px;
        padding: 8px;
        background: var(--pf-panel);
        border: 1px solid var(--pf-line);
        border-radius: var(--pf-radius);
      }
      .side {
        display: grid;
        align-content: start;
        gap: 6px;
        min-width: 0;
      }
      .tabs {
        justify-self: start;
      }
      .tabs button {
        padding: 0 8px;
      }
      label {
        max-width: 260px;
        display: grid;
        grid-template-columns: 14px minmax(0, 1fr);
        align-items: center;
        gap: 4px;
        color: var(--pf-quiet);
        font-size: 12px;
      }
      .pad {
        position: relative;
        width: 152px;
        height: 152px;
        border-radius: 8px;
        background:
          linear-gradient(var(--pf-line), var(--pf-line)) 50% 0 / 1px 100% no-repeat,
          linear-gradient(var(--pf-line), var(--pf-line)) 0 50% / 100% 1px no-repeat,
          radial-gradient(circle at 50% 50%, color-mix(in oklab, var(--pf-second) 12%, var(--pf-well)), var(--pf-well) 72%);
        cursor: crosshair;
        touch-action: none;
        overflow: hidden;
      }
      .pad[aria-disabled="true"] {
        cursor: default;
        opacity: 0.55;
      }
      .spot {
        position: absolute;
        width: 18px;
        height: 18px;
        margin: -9px;
        border-radius: 50%;
        background: var(--pf-accent);
        border: 2px solid var(--pf-panel);
        box-shadow: 0 0 0 1px var(--pf-accent);
        pointer-events: none;
      }
      .step {
        position: absolute;
        width: 5px;
        height: 5px;
        margin: -2.5px;
        border-radius: 50%;
        background: var(--pf-edge);
        pointer-events: none;
      }
      .step.now {
        background: var(--pf-accent);
      }
      .corner,
      .end {
        position: absolute;
        font-size: 11px;
        line-height: 14px;
        color: var(--pf-quiet);
        pointer-events: none;
        max-width: 64px;
      }
      .corner {
        font-weight: 700;
        color: var(--pf-second);
      }
    `,
  ];

  #synth = "";

  constructor() {
    super();
    this.macros = [];
    this.words = [];
    this.mode = "macros";
    this.spot = null;
    new Listens(this, session, { change: (event) => this.#changed(event.detail) });
  }

  connectedCallback() {
    super.connectedCallback();
    this.#changed(["base"]);
  }

  /** The square of a morph of four, if there is one: {presets, side, names}. */
  get square() {
    const { morph } = session.state;
    return morph?.side ? morph : null;
  }

  render() {
    const isMorph = this.mode === "morph" && this.square;
    const place = this.#place(isMorph);
    return html`<div class="side">
        <h2>XY pad</h2>
        <div class="tabs" role="group" aria-label="What the pad moves">
          <button aria-pressed=${String(!isMorph)} @click=${() => (this.mode = "macros")}>Macros</button>
          <button aria-pressed=${String(Boolean(isMorph))} ?disabled=${!this.square} title="A morph of four slots"
            @click=${() => (this.mode = "morph")}>Morph</button>
        </div>
        ${isMorph ? this.#corners() : this.#axes()}
      </div>
      <div class="pad" role="slider" tabindex="0" aria-label=${isMorph ? "Morph of four corners" : "Pad of two macros"}
        aria-valuemin="0" aria-valuemax="100" aria-valuenow=${Math.round(place.x * 100)} aria-valuetext=${this.#said(isMorph)}
        aria-disabled=${String(!this.#isReady(isMorph))} @pointerdown=${this.#press} @keydown=${this.#key}
        @dblclick=${() => this.#to({ x: 0.5, y: 0.5 })}>
        ${isMorph ? this.#steps() : this.#ends()}
        <span class="spot" style=${spotAt(place, Boolean(isMorph))}></span>
      </div>`;
  }

  #isReady(isMorph) {
    return Boolean(isMorph || (session.state.base && this.words.length === 2));
  }

  #place(isMorph) {
    if (this.spot) return this.spot;
    if (isMorph) {
      const { side, at } = this.square;
      const now = at ?? 0;
      return { x: (now % side) / (side - 1), y: 1 - Math.floor(now / side) / (side - 1) };
    }
    const [x, y] = this.words.map((word) => session.turned[word] ?? 0);
    return { x: ((x ?? 0) + REACH) / (2 * REACH), y: ((y ?? 0) + REACH) / (2 * REACH) };
  }

  #axes() {
    const select = (index, name) => html`<label>${name}<select aria-label=${`Macro of the ${name} axis`}
      ?disabled=${!this.macros.length} @change=${(event) => this.#choose(index, event.currentTarget.value)}>
      ${this.macros.map((one) => html`<option value=${one.word} .selected=${one.word === this.words[index]}>${one.title}
      </option>`)}</select></label>`;
    return html`${select(0, "X")}${select(1, "Y")}`;
  }

  #corners() {
    const { names } = this.square;
    return html`<p class="small quiet">${["A", "B", "C", "D"].map((letter, index) =>
      html`<span class="cut" style="display:block">${letter} ${names[index]}</span>`)}</p>`;
  }

  #ends() {
    const [x, y] = this.words.map((word) => this.macros.find((one) => one.word === word));
    if (!x || !y) return nothing;
    return html`<span class="end cut" style="left:4px;top:calc(50% + 10px)">${x.low_word}</span>
      <span class="end cut" style="right:4px;top:calc(50% + 10px)">${x.high_word}</span>
      <span class="end cut" style="left:calc(50% + 4px);bottom:2px">${y.low_word}</span>
      <span class="end cut" style="left:calc(50% + 4px);top:2px">${y.high_word}</span>`;
  }

  #steps() {
    const { side, at, presets } = this.square;
    const corner = (letter, style) => html`<span class="corner" style=${style}>${letter}</span>`;
    return html`${presets.map((_, index) => html`<span class=${index === at ? "step now" : "step"} style=${
      spotAt({ x: (index % side) / (side - 1), y: 1 - Math.floor(index / side) / (side - 1) }, true)}></span>`)}
      ${corner("A", "left:14px;top:12px")}${corner("B", "right:14px;top:12px")}
      ${corner("C", "left:14px;bottom:12px")}${corner("D", "right:14px;bottom:12px")}`;
  }

  #said(isMorph) {
    if (isMorph) {
      const { side, at } = this.square;
      return at === undefined ? "no step heard yet" : `column ${(at % side) + 1} of ${side}, row ${Math.floor(at / side) + 1} of ${side}`;
    }
    const parts = this.words.map((word) => `${word} ${(session.turned[word] ?? 0).toFixed(2)}`);
    return parts.join(", ") || "no macros";
  }

  #choose(index, word) {
    const words = [...this.words];
    if (words[1 - index] === word) words[1 - index] = words[index];
    words[index] = word;
    this.words = words;
  }

  #press(event) {
    if (event.button !== 0) return;
    const pad = event.currentTarget;
    pad.focus();
    event.preventDefault();
    pad.setPointerCapture(event.pointerId);
    const move = (next) => {
      const box = pad.getBoundingClientRect();
      const edge = this.mode === "morph" && this.square ? EDGE : 0;
      const inside = (part) => clamp((part - edge) / (1 - 2 * edge));
      const x = inside((next.clientX - box.left) / box.width);
      this.#to({ x, y: inside(1 - (next.clientY - box.top) / box.height) }, true);
    };
    const end = () => {
      pad.removeEventListener("pointermove", move);
      pad.removeEventListener("pointerup", end);
      pad.removeEventListener("pointercancel", end);
      this.spot = null;
    };
    pad.addEventListener("pointermove", move);
    pad.addEventListener("pointerup", end);
    pad.addEventListener("pointercancel", end);
    move(event);
  }

  #key(event) {
    const [x, y] = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key] || [0, 0];
    if (event.key === "Home") this.#to({ x: 0.5, y: 0.5 });
    else if (!x && !y) return;
    else this.#by(x, y, event.shiftKey);
    event.preventDefault();
    event.stopPropagation();
  }

  #by(x, y, isFine) {
    const isMorph = this.mode === "morph" && this.square;
    const step = isMorph ? 1 / (this.square.side - 1) : isFine ? STEP / 5 : STEP;
    const place = this.#place(isMorph);
    this.#to({ x: clamp(place.x + x * step), y: clamp(place.y + y * step) });
  }

  #to(place, isDragged = false) {
    const isMorph = this.mode === "morph" && this.square;
    if (!this.#isReady(isMorph)) return;
    if (isDragged) this.spot = place;
    if (isMorph) this.#toStep(place);
    else this.#toWords(place);
  }

  #toWords(place) {
    const amount = (part) => Math.round((part * 2 - 1) * REACH * 100) / 100;
    const words = { [this.words[0]]: amount(place.x), [this.words[1]]: amount(place.y) };
    const isNew = this.words.some((word) => (session.turned[word] ?? 0) !== words[word]);
    if (isNew) turnWords(words);
  }

  #toStep({ x, y }) {
    const { side, at, presets } = this.square;
    const next = Math.round(x * (side - 1)) + Math.round((1 - y) * (side - 1)) * side;
    if (next === at) return;
    session.set({ morph: { ...session.state.morph, at: next } });
    session.hear(presets[next]);
  }

  async #changed(names) {
    if (names.includes("morph") && this.square && this.square !== this.last) {
      if (this.square.presets !== this.last?.presets) this.mode = "morph";
      this.last = this.square;
    }
    if (names.some((name) => ["base", "macros", "morph", "slots"].includes(name))) this.requestUpdate();
    const synth = session.state.base?.synth;
    if (!synth || synth === this.#synth) return;
    this.#synth = synth;
    try {
      const macros = await macrosOf(synth);
      if (synth !== this.#synth) return;
      this.macros = macros;
      this.words = macros.slice(0, 2).map((macro) => macro.word);
    } catch {
      this.macros = []; // <pf-macros> says why
      this.words = [];
    }
  }
}

/** Returns the style of a spot in the pad; the steps of a morph keep off its edges. */
function spotAt({ x, y }, hasEdge) {
  const edge = hasEdge ? EDGE : 0;
  const percent = (part) => (100 * (edge + part * (1 - 2 * edge))).toFixed(2);
  return `left:${percent(x)}%;top:${percent(1 - y)}%`;
}

customElements.define("pf-xy", XyPad);
