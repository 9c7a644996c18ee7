// <pf-knob>: a rotary knob of one parameter; <pf-choice>: a parameter with named options.
//
// Properties: `parameter`, `value`, `base` (the value it is compared with), `sure` ([low, high] as places: between
// which the match is not sure, a faint ring), `label`, `locked`, `group` (whose name is left out of the label). Drag up
// and down, with Shift ten times finer; wheel where it has the focus; arrow keys, Page Up and Down, Home, End; Delete or
// a double click for the default; a digit or Enter to type a value; Ctrl+L to lock.
// Events: `turn` {values: {name: value}, live: true while it goes on}, `lock` {names, on}.

import { LitElement, css, html, nothing, svg } from "lit";
import { SHAPE_LOOK, SWITCH, arc, tell } from "./shape-look.js";
import { clamp, isSame, isSwitch, moved, nameInGroup, placeOf, readValue, valueAt, written } from "./shape-values.js";
import { icon } from "./studio-look.js";

const SWEEP = 135; // degrees to either side of up
const TRAVEL = 180; // pixels of dragging from end to end
const FINE = 0.1;
const LONG = /\S{9}/; // a word that would reach into the next knob's
const SETTLE = 350; // ms after the last key or notch of the wheel, when one turn of the knob has ended

const cell = css`
  :host {
    position: relative;
    text-align: center;
  }
  .name {
    font-size: var(--pf-knob-name, 11px);
    line-height: 14px;
    letter-spacing: -0.015em;
    margin: 0 -2px;
    color: var(--pf-quiet);
    display: -webkit-box;
    -webkit-box-orient: vertical;
    -webkit-line-clamp: 3;
    overflow: hidden;
  }
  .name.long {
    font-size: min(var(--pf-knob-name, 11px), 10px);
    letter-spacing: -0.03em;
  }
  :host([changed]) .name {
    color: var(--pf-accent);
  }
  .lock {
    position: absolute;
    bottom: -1px;
    right: -3px;
    width: 18px;
    min-height: 18px;
    padding: 0;
    border: 0;
    border-radius: 50%;
    background: none;
    opacity: 0;
    color: var(--pf-quiet);
  }
  .lock svg.icon {
    width: 13px;
    height: 13px;
  }
  :host(:hover) .lock,
  :host(:focus-within) .lock,
  :host([locked]) .lock {
    opacity: 1;
  }
  :host([locked]) .lock {
    color: var(--pf-second);
  }
  @media (pointer: coarse) {
    .lock {
      width: 32px;
      min-height: 32px;
      bottom: -8px;
      right: -10px;
    }
  }
`;

/** What knobs and choices share: their name, and that they can be locked. */
class Control extends LitElement {
  static properties = {
    parameter: { attribute: false },
    value: { attribute: false },
    base: { attribute: false },
    sure: { attribute: false },
    group: { attribute: false },
    label: { attribute: false },
    locked: { type: Boolean, reflect: true },
  };

  get title_() {
    return this.label || nameInGroup(this.parameter, this.group);
  }

  /** What screen readers say: with the group, since they do not see where a knob stands. */
  get spoken() {
    const group = this.group ? `${this.group.replace(/[._]+/g, " ")} ` : "";
    return `${group}${this.title_}`;
  }

  get differs() {
    return this.base !== undefined && !isSame(this.parameter, this.value, this.base);
  }

  willUpdate() {
    this.toggleAttribute("changed", Boolean(this.parameter) && this.differs);
  }

  give(value, live = false) {
    if (this.locked) return;
    this.value = value;
    tell(this, "turn", { values: { [this.parameter.name]: value }, live });
  }

  lock() {
    tell(this, "lock", { names: [this.parameter.name], on: !this.locked });
  }

  lockButton() {
    return html`<button class="lock" tabindex="-1" aria-label=${`${this.locked ? "Unlock" : "Lock"} ${this.spoken}`}
      aria-pressed=${String(Boolean(this.locked))} title=${`${this.locked ? "Unlock" : "Lock"} (Ctrl+L)`}
      @click=${this.lock}>${icon("lock")}</button>`;
  }

  /** Returns whether a key locks. */
  locks(event) {
    if (!(event.key.toLowerCase() === "l" && (event.ctrlKey || event.metaKey))) return false;
    event.preventDefault();
    event.stopPropagation();
    this.lock();
    return true;
  }
}

export class Knob extends Control {
  static properties = { typing: { state: true }, size: { type: Number }, plain: { type: Boolean } };

  static styles = [
    SHAPE_LOOK,
    cell,
    css`
      .dial {
        display: block;
        width: var(--pf-knob, 40px);
        height: var(--pf-knob, 40px);
        margin: 0 auto;
        border-radius: 50%;
        cursor: ns-resize;
        touch-action: none;
      }
      .dial:focus-visible {
        outline-offset: 0;
      }
      svg {
        display: block;
        width: 100%;
        height: 100%;
        overflow: visible;
      }
      svg path {
        fill: none;
        stroke-linecap: round;
      }
      .track {
        stroke: color-mix(in oklab, var(--pf-ink) 16%, var(--pf-panel));
        stroke-width: 3.4;
      }
      .fill {
        stroke: var(--pf-accent);
        stroke-width: 3.4;
      }
      .sure {
        stroke: var(--pf-second);
        stroke-width: 1.5;
        opacity: 0.55;
      }
      .base {
        stroke: var(--pf-ink);
        stroke-width: 1.6;
      }
      .cap {
        fill: var(--_cap, color-mix(in oklab, var(--pf-ink) 11%, var(--pf-panel)));
        stroke: color-mix(in oklab, var(--pf-ink) 22%, var(--pf-panel));
        stroke-width: 0.8;
      }
      .hand {
        stroke: var(--pf-ink);
        stroke-width: 2.4;
      }
      .dial:hover .cap {
        fill: color-mix(in oklab, var(--pf-ink) 17%, var(--pf-panel));
      }
      :host([locked]) .fill {
        stroke: var(--pf-edge);
      }
      :host([locked]) .dial {
        cursor: not-allowed;
      }
      .number {
        font-size: 11px;
        line-height: 16px;
        height: 16px;
        cursor: text;
      }
      input.number {
        display: block;
        width: 100%;
        min-height: 0;
        padding: 0 2px;
        text-align: center;
        border-radius: 4px;
        border: 1px solid var(--pf-accent);
        font-size: 11px;
      }
    `,
  ];

  render() {
    if (!this.parameter) return nothing;
    const { parameter, value } = this;
    return html`
      <div class="dial" role="slider" tabindex="0" aria-label=${this.spoken} aria-valuemin=${parameter.low}
        aria-valuemax=${parameter.high} aria-valuenow=${value} aria-valuetext=${this.#said()}
        aria-disabled=${String(Boolean(this.locked))} title=${this.#hint()} @pointerdown=${this.#press}
        @keydown=${this.#key} @wheel=${this.#wheel} @dblclick=${this.#reset}>${this.#drawn()}</div>
      ${this.plain ? nothing : html`<div class=${LONG.test(this.title_) ? "name long" : "name"} aria-hidden="true">${this.title_}</div>`}
      ${this.typing === undefined || this.typing === null
        ? html`<div class="number cut" aria-hidden="true" @click=${() => this.type()}>${written(parameter, value)}</div>`
        : html`<input class="number" type="text" inputmode="decimal" aria-label=${`Value of ${this.spoken}`}
            .value=${this.typing} @keydown=${this.#typed} @blur=${this.#leave}>`}
      ${this.plain ? nothing : this.lockButton()}
    `;
  }

  updated(changed) {
    if (!changed.has("typing") || typeof this.typing !== "string") return;
    const input = this.renderRoot.querySelector("input");
    input.focus();
    if (this.typing.length > 1) input.select();
  }

  focus() {
    this.renderRoot.querySelector(".dial").focus();
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    clearTimeout(this.settling);
  }

  /** Opens a field for the value. */
  type(text = null) {
    if (!this.locked) this.typing = text ?? String(Number(Number(this.value).toPrecision(5)));
  }

  #drawn() {
    const angle = (place) => (place * 2 - 1) * SWEEP;
    const { parameter, value, sure } = this;
    const place = placeOf(parameter, value);
    const zero = parameter.low < 0 && parameter.high > 0 ? placeOf(parameter, 0) : 0;
    const turn = (angle(place) * Math.PI) / 180;
    const hand = (radius) => `${(24 + radius * Math.sin(turn)).toFixed(2)} ${(24 - radius * Math.cos(turn)).toFixed(2)}`;
    const base = this.differs ? angle(placeOf(parameter, this.base)) : null;
    return html`<svg viewBox="0 0 48 48" aria-hidden="true">
      <circle class="cap" cx="24" cy="24" r="13.5"></circle>
      <path class="track" d=${arc(24, 24, 18.5, -SWEEP, SWEEP)}></path>
      <path class="fill" d=${arc(24, 24, 18.5, angle(zero), angle(place))}></path>
      ${sure ? svg`<path class="sure" d=${arc(24, 24, 22.7, angle(sure[0]) - 1.5, angle(sure[1]) + 1.5)}></path>` : nothing}
      ${base === null ? nothing : svg`<path class="base" d=${ray(base, 16.2, 21.5)}></path>`}
      <path class="hand" d=${`M${hand(5)}L${hand(11.5)}`}></path>
    </svg>`;
  }

  #said() {
    const parts = [written(this.parameter, this.value)];
    if (this.differs) parts.push(`changed from ${written(this.parameter, this.base)}`);
    if (this.locked) parts.push("locked");
    if (this.sure) parts.push(this.#between());
    return parts.join(", ");
  }

  #between() {
    const [low, high] = this.sure.map((place) => written(this.parameter, valueAt(this.parameter, place)));
    return low === high ? `the match is sure of it` : `the match would take ${low} to ${high}`;
  }

  #hint() {
    const lines = [`${this.parameter.name}: ${written(this.parameter, this.value)}`];
    if (this.differs) lines.push(`was ${written(this.parameter, this.base)}`);
    if (this.sure) lines.push(this.#between());
    return lines.join("\n");
  }

  #press(event) {
    if (event.button !== 0) return;
    const dial = event.currentTarget;
    dial.focus();
    if (this.locked) return;
    event.preventDefault();
    dial.setPointerCapture(event.pointerId);
    let last = event.clientY;
    let place = placeOf(this.parameter, this.value);
    let hasMoved = false;
    const move = (next) => {
      const fine = next.shiftKey ? FINE : 1;
      place = clamp(place + ((last - next.clientY) / TRAVEL) * fine);
      last = next.clientY;
      const value = valueAt(this.parameter, place);
      if (value === this.value) return;
      hasMoved = true;
      this.give(value, true);
    };
    const end = () => {
      dial.removeEventListener("pointermove", move);
      dial.removeEventListener("pointerup", end);
      dial.removeEventListener("pointercancel", end);
      if (hasMoved) this.give(this.value);
    };
    dial.addEventListener("pointermove", move);
    dial.addEventListener("pointerup", end);
    dial.addEventListener("pointercancel", end);
  }

  #key(event) {
    if (this.locks(event) || event.ctrlKey || event.metaKey || event.altKey) return;
    const by = { ArrowUp: 1, ArrowRight: 1, ArrowDown: -1, ArrowLeft: -1, PageUp: 10, PageDown: -10 }[event.key];
    if (by) this.#step(by * (event.shiftKey ? FINE : 1));
    else if (event.key === "Home") this.#settled(this.parameter.low);
    else if (event.key === "End") this.#settled(this.parameter.high);
    else if (event.key === "Delete" || event.key === "Backspace") this.#reset();
    else if (event.key === "Enter") this.type();
    else if (/^[-\d.,]$/.test(event.key)) this.type(event.key);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  #wheel(event) {
    if (this.locked || this.renderRoot.activeElement !== event.currentTarget) return; // else the panel scrolls
    event.preventDefault();
    this.#step((event.deltaY < 0 ? 2 : -2) * (event.shiftKey ? FINE : 1));
  }

  #step(steps) {
    this.#settled(moved(this.parameter, this.value, steps));
  }

  /** Gives a value now, and says a little later that the turn has ended. */
  #settled(value) {
    if (value === this.value || this.locked) return;
    this.give(value, true);
    clearTimeout(this.settling);
    this.settling = setTimeout(() => this.give(this.value), SETTLE);
  }

  #reset() {
    this.give(this.parameter.default);
  }

  #typed(event) {
    event.stopPropagation();
    if (event.key === "Escape") this.typing = null;
    if (event.key === "Enter") this.#enter(event.currentTarget.value);
    if (event.key === "Escape" || event.key === "Enter") this.updateComplete.then(() => this.focus());
  }

  #leave(event) {
    if (this.typing !== null) this.#enter(event.currentTarget.value);
  }

  #enter(text) {
    this.typing = null;
    const value = readValue(this.parameter, text);
    if (value !== null && value !== this.value) this.give(value);
  }
}

export class Choice extends Control {
  static styles = [
    SHAPE_LOOK,
    SWITCH,
    cell,
    css`
      :host {
        padding-top: var(--pf-choice-top, 9px);
      }
      select {
        width: 100%;
        min-height: 26px;
        padding: 0 2px 0 5px;
        border-color: var(--pf-line);
        text-overflow: ellipsis;
      }
      select:hover {
        border-color: var(--pf-edge);
      }
      select.short {
        appearance: none;
        padding: 0 2px;
        text-align: center;
        text-align-last: center;
        font-size: 11px;
      }
      .switch {
        margin: 4px auto;
      }
      .name {
        margin-top: 3px;
      }
      .lock {
        bottom: auto;
        top: -1px;
      }
      @media (pointer: coarse) {
        select {
          min-height: 44px;
        }
      }
    `,
  ];

  render() {
    if (!this.parameter) return nothing;
    return html`${isSwitch(this.parameter) ? this.#switch() : this.#select()}
      <div class="name" aria-hidden="true">${this.title_}</div>
      ${this.lockButton()}`;
  }

  get was() {
    return this.differs ? `${this.parameter.name}: was ${this.base}` : this.parameter.name;
  }

  focus() {
    this.renderRoot.querySelector("select, .switch").focus();
  }

  #switch() {
    const isOn = this.value === this.parameter.options[1];
    return html`<button class="switch" role="switch" aria-checked=${String(isOn)} aria-label=${this.spoken}
      title=${this.was} ?disabled=${this.locked} @keydown=${this.locks}
      @click=${() => this.give(this.parameter.options[isOn ? 0 : 1])}></button>`;
  }

  #select() {
    return html`<select class=${isShort(this.parameter) ? "short" : ""} aria-label=${this.spoken} title=${this.was}
      ?disabled=${this.locked} @keydown=${this.locks}
      @change=${(event) => this.give(event.currentTarget.value)}>
      ${this.parameter.options.map((one) => html`<option .selected=${one === this.value} value=${one}>${one}</option>`)}
    </select>`;
  }
}

/** Returns whether the options of a choice fit into the width of a knob. */
export function isShort(parameter) {
  const { options } = parameter;
  return isSwitch(parameter) || (options.length < 5 && options.every((option) => String(option).length < 6));
}

function ray(angle, from, to) {
  const turn = (angle * Math.PI) / 180;
  const at = (radius) => `${(24 + radius * Math.sin(turn)).toFixed(2)} ${(24 - radius * Math.cos(turn)).toFixed(2)}`;
  return `M${at(from)}L${at(to)}`;
}

customElements.define("pf-knob", Knob);
customElements.define("pf-choice", Choice);
