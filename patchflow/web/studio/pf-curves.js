// <pf-envelope>: an envelope as a curve whose points can be dragged; <pf-waves>: frames of a wavetable, one behind another.
//
// Properties of <pf-envelope>: `envelope` (of shape-values.js), `values`, `base` (drawn dashed where it differs), `locks`.
// A point is a slider: drag it, or arrow keys: up and down its level, left and right its time. Event: `turn`.
// The width of a part is how far its knob is turned, so that short and long parts can both be seen and dragged: the axis
// is no clock, and times in seconds stand in the words of the points.
// Both are SVG and elements of our own: uPlot draws on a canvas, whose points no keyboard reaches and no reader reads.

import { LitElement, css, html, nothing, svg } from "lit";
import { SHAPE_LOOK, tell } from "./shape-look.js";
import { clamp, isSame, moved, placeOf, shownByCurve, valueAt, written } from "./shape-values.js";

const HOLD = 11; // percent of the width while a key is held
const LEAST = 1.2; // percent of a part that takes no time
const BEND = 0.12; // how far the curve of Vital's power goes, of the width
const SPREAD = 0.6; // short parts get more room: their width rises with this power of how far the knob is turned

/** Returns the corners of an envelope: x and y in percent (y up), and the parameters that move them. */
function cornersOf(envelope, values) {
  return envelope.rates ? rateCorners(envelope, values) : stageCorners(envelope, values);
}

function rateCorners({ rates, levels }, values) {
  const level = (index) => placeOf(levels[index], values[levels[index].name]) * 100;
  const most = (100 - HOLD - 1) / 4 - LEAST;
  const corners = [{ x: 0, y: level(3) }];
  let x = 0;
  for (let index = 0; index < 4; index += 1) {
    if (index === 3) {
      x += HOLD;
      corners.push({ x, y: level(2) });
    }
    x += LEAST + (1 - placeOf(rates[index], values[rates[index].name])) ** SPREAD * most;
    corners.push({ x, y: level(index), across: rates[index], up: levels[index], back: true, most, from: corners.at(-1).x });
  }
  return corners;
}

function stageCorners({ stages, power }, values) {
  const place = (stage) => placeOf(stage, values[stage.name]);
  const times = ["delay", "attack", "hold", "decay", "release"].filter((name) => stages[name]);
  const most = (100 - HOLD - 1) / times.length - LEAST;
  const sustain = stages.sustain ? place(stages.sustain) * 100 : stages.decay ? 0 : 100;
  const corners = [{ x: 0, y: 0 }];
  const add = (name, y, more = {}) => {
    const from = corners.at(-1).x;
    const x = from + LEAST + place(stages[name]) ** SPREAD * most;
    corners.push({ x, y, across: stages[name], most, from, ...more });
  };
  if (stages.delay) add("delay", 0);
  add("attack", 100);
  if (stages.hold) add("hold", 100);
  const bend = power ? -values[power.name] / 20 : 0.25;
  if (stages.decay) add("decay", sustain, { up: stages.sustain, bend });
  corners.push({ x: corners.at(-1).x + HOLD, y: corners.at(-1).y });
  if (stages.release) add("release", 0, { bend: 0.25 });
  return corners;
}

/** Returns the path through corners, in a box of 100 by 100; parts that bend are a curve. */
function pathOf(corners) {
  const parts = corners.map((corner, index) => {
    const [x, y] = [corner.x.toFixed(2), (100 - corner.y).toFixed(2)];
    if (!index) return `M${x} ${y}`;
    if (!corner.bend) return `L${x} ${y}`;
    const last = corners[index - 1];
    const half = clamp(0.5 - corner.bend * (0.5 - BEND), 0.02, 0.98);
    const turn = corner.bend > 0 ? 100 - corner.y : 100 - last.y;
    const weight = Math.abs(corner.bend);
    const middle = (100 - (last.y + corner.y) / 2) * (1 - weight) + turn * weight;
    return `Q${(last.x + (corner.x - last.x) * half).toFixed(2)} ${middle.toFixed(2)} ${x} ${y}`;
  });
  return parts.join("");
}

export class Envelope extends LitElement {
  static properties = {
    envelope: { attribute: false },
    values: { attribute: false },
    base: { attribute: false },
    locks: { attribute: false },
    label: { attribute: false },
  };

  static styles = [
    SHAPE_LOOK,
    css`
      .plot {
        position: relative;
        height: var(--pf-curve, 58px);
        padding: 6px 7px;
        border-radius: 8px;
        background: var(--pf-well);
        touch-action: none;
      }
      .inner {
        position: relative;
        height: 100%;
      }
      svg {
        display: block;
        width: 100%;
        height: 100%;
        overflow: visible;
      }
      path {
        vector-effect: non-scaling-stroke;
        fill: none;
        stroke-linejoin: round;
      }
      .line {
        stroke: var(--pf-accent);
        stroke-width: 1.8;
      }
      .under {
        fill: var(--pf-accent-soft);
      }
      .was {
        stroke: var(--pf-quiet);
        stroke-width: 1.2;
        stroke-dasharray: 3 3;
      }
      .point {
        position: absolute;
        width: 24px;
        height: 24px;
        margin: -12px;
        border-radius: 50%;
        cursor: move;
        touch-action: none;
      }
      .point::after {
        content: "";
        position: absolute;
        inset: 7.5px;
        border-radius: 50%;
        background: var(--pf-panel);
        border: 2px solid var(--pf-accent);
      }
      .point:hover::after {
        background: var(--pf-accent);
      }
      .point[aria-disabled="true"] {
        cursor: not-allowed;
      }
      .point[aria-disabled="true"]::after {
        border-color: var(--pf-edge);
      }
      .point:focus-visible {
        outline-offset: -5px;
      }
    `,
  ];

  render() {
    if (!this.envelope || !this.values) return nothing;
    const corners = cornersOf(this.envelope, this.values);
    const line = pathOf(corners);
    const shown = shownByCurve(this.envelope);
    const differs = this.base && shown.some((one) => !isSame(one, this.values[one.name], this.base[one.name]));
    return html`<div class="plot" role="group" aria-label=${`${this.label || "Envelope"}, curve`}>
      <div class="inner">
        <svg viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden="true">
          <path class="under" d=${`${line}V100H0Z`}></path>
          ${differs ? svg`<path class="was" d=${pathOf(cornersOf(this.envelope, this.base))}></path>` : nothing}
          <path class="line" d=${line}></path>
        </svg>
        ${corners.filter((corner) => corner.across).map((corner, index) => this.#point(corner, index))}
      </div>
    </div>`;
  }

  #point(corner, index) {
    const now = corner.up || corner.across;
    const isLocked = this.#isLocked(corner.up) && this.#isLocked(corner.across);
    const words = [corner.up, corner.across].filter(Boolean).map((one) => this.#said(one)).join(", ");
    return html`<div class="point" role="slider" tabindex="0" style=${`left:${corner.x}%;top:${100 - corner.y}%`}
      aria-label=${`${this.label || "Envelope"}, point ${index + 1}`} aria-valuetext=${words} title=${words}
      aria-valuemin=${now.low} aria-valuemax=${now.high} aria-valuenow=${this.values[now.name]}
      aria-disabled=${String(isLocked)} @keydown=${(event) => this.#key(event, corner)}
      @pointerdown=${(event) => this.#press(event, index)}></div>`;
  }

  #said(parameter) {
    const word = parameter.name.split(/[._]/).at(-1).replace(/(\d)$/, " $1");
    return `${word} ${written(parameter, this.values[parameter.name])}`;
  }

  #isLocked(parameter) {
    return !parameter || Boolean(this.locks?.has(parameter.name));
  }

  #key(event, corner) {
    const [step, parameter] = {
      ArrowUp: [1, corner.up],
      ArrowDown: [-1, corner.up],
      ArrowRight: [corner.back ? -1 : 1, corner.across],
      ArrowLeft: [corner.back ? 1 : -1, corner.across],
    }[event.key] || [0, null];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    if (!parameter || this.#isLocked(parameter)) return;
    const value = moved(parameter, this.values[parameter.name], step * (event.shiftKey ? 0.1 : 2));
    this.#give({ [parameter.name]: value }, false);
  }

  #press(event, index) {
    if (event.button !== 0) return;
    const point = event.currentTarget;
    const box = this.renderRoot.querySelector(".inner").getBoundingClientRect();
    point.focus();
    event.preventDefault();
    point.setPointerCapture(event.pointerId);
    let given = null;
    const move = (next) => {
      const corner = cornersOf(this.envelope, this.values).filter((one) => one.across)[index];
      const x = ((next.clientX - box.left) / box.width) * 100;
      const y = 1 - (next.clientY - box.top) / box.height;
      const far = clamp((x - corner.from - LEAST) / corner.most) ** (1 / SPREAD);
      const values = {};
      if (!this.#isLocked(corner.across)) values[corner.across.name] = valueAt(corner.across, corner.back ? 1 - far : far);
      if (corner.up && !this.#isLocked(corner.up)) values[corner.up.name] = valueAt(corner.up, y);
      const isNew = Object.entries(values).some(([name, value]) => this.values[name] !== value);
      if (!isNew) return;
      given = values;
      this.#give(values, true);
    };
    const end = () => {
      point.removeEventListener("pointermove", move);
      point.removeEventListener("pointerup", end);
      point.removeEventListener("pointercancel", end);
      if (given) this.#give(given, false);
    };
    point.addEventListener("pointermove", move);
    point.addEventListener("pointerup", end);
    point.addEventListener("pointercancel", end);
  }

  #give(values, live) {
    this.values = { ...this.values, ...values };
    tell(this, "turn", { values, live });
  }
}

const MOST_FRAMES = 24;

export class Waves extends LitElement {
  static properties = {
    frames: { attribute: false },
    at: { type: Number },
    label: { attribute: false },
  };

  static styles = [
    SHAPE_LOOK,
    css`
      svg {
        display: block;
        width: 100%;
        height: var(--pf-curve, 58px);
        border-radius: 8px;
        background: var(--pf-well);
      }
      path {
        vector-effect: non-scaling-stroke;
        stroke-linejoin: round;
        stroke-width: 1;
        stroke: color-mix(in oklab, var(--pf-second) 55%, var(--pf-well));
        fill: none;
      }
      .now {
        stroke: var(--pf-accent);
        stroke-width: 2;
      }
    `,
  ];

  render() {
    if (!this.frames?.length) return nothing;
    const count = this.frames.length;
    const step = Math.max(1, Math.ceil(count / MOST_FRAMES));
    const now = Math.round(clamp(this.at || 0) * (count - 1));
    const shown = this.frames.map((_, index) => index).filter((index) => index % step === 0 || index === now);
    const words = `${this.label || "Wavetable"}: ${count === 1 ? "one wave" : `frame ${now + 1} of ${count}`}`;
    return html`<svg viewBox="0 0 100 100" preserveAspectRatio="none" role="img" aria-label=${words}>
      ${shown.reverse().map((index) => svg`<path d=${this.#line(index, count)}></path>`)}
      <path class="now" d=${this.#line(now, count)}></path>
    </svg>`;
  }

  /** Later frames stand further back: higher, and to the right. */
  #line(index, count) {
    const frame = this.frames[index];
    const far = count > 1 ? index / (count - 1) : 0.5;
    const deep = count > 1 ? 1 : 0;
    const left = 4 + far * 20 * deep;
    const middle = 64 - (count > 1 ? far * 36 : 14);
    const tall = count > 1 ? 20 : 38;
    const every = Math.max(1, Math.floor(frame.length / 96));
    const points = [];
    for (let place = 0; place < frame.length; place += every) {
      const x = left + (place / Math.max(1, frame.length - 1)) * (92 - 20 * deep);
      points.push(`${x.toFixed(1)} ${(middle - frame[place] * tall).toFixed(1)}`);
    }
    return `M${points.join("L")}`;
  }
}

customElements.define("pf-envelope", Envelope);
customElements.define("pf-waves", Waves);
