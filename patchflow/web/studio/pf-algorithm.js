// <pf-algorithm>: a DX7 algorithm as boxes and lines: carriers stand at the bottom, the feedback is a loop.
//
// Properties: `number` (1 to 32), `outputs` ({operator: 0..99}: silent operators are pale), `chosen` (an operator).
// Event: `operator` {number} when a box is pressed. Screen readers get a sentence. <pf-algorithms>: all of them.

import { LitElement, css, html, nothing, svg } from "lit";
import { SHAPE_LOOK, tell } from "./shape-look.js";

// carriers | modulator and what it modulates, in pairs | feedback, from and to
const ALGORITHMS = [
  "13|21 43 54 65|66", "13|21 43 54 65|22", "14|21 32 54 65|66", "14|21 32 54 65|46", "135|21 43 65|66",
  "135|21 43 65|56", "13|21 43 53 65|66", "13|21 43 53 65|44", "13|21 43 53 65|22", "14|21 32 54 64|33",
  "14|21 32 54 64|66", "13|21 43 53 63|22", "13|21 43 53 63|66", "13|21 43 54 64|66", "13|21 43 54 64|22",
  "1|21 31 51 43 65|66", "1|21 31 51 43 65|22", "1|21 31 41 54 65|33", "145|21 32 64 65|66", "124|31 32 54 64|33",
  "1245|31 32 64 65|33", "1345|21 63 64 65|66", "1245|32 64 65|66", "12345|63 64 65|66", "12345|64 65|66",
  "124|32 54 64|66", "124|32 54 64|33", "136|21 43 54|55", "1235|43 65|66", "1236|43 54|55", "12345|65|66",
  "123456||66",
];

/** Returns what an algorithm connects: carriers, [modulator, modulated] and [feedback from, to]. */
export function algorithmOf(number) {
  const [carriers, edges, loop] = (ALGORITHMS[number - 1] || ALGORITHMS[0]).split("|");
  const pairs = edges ? edges.split(" ").map((pair) => [...pair].map(Number)) : [];
  return { carriers: [...carriers].map(Number), edges: pairs, feedback: [...loop].map(Number) };
}

/** Returns an algorithm as a sentence. */
export function algorithmInWords(number) {
  const { carriers, edges, feedback } = algorithmOf(number);
  const parts = edges.map(([modulator, modulated]) => `${modulator} modulates ${modulated}`);
  const [from, to] = feedback;
  const back = `${from} feeds back to ${from === to ? "itself" : to}`;
  const heard = carriers.length === 1 ? `Operator ${carriers[0]} is heard` : `Operators ${listed(carriers)} are heard`;
  return `Algorithm ${number}. ${heard}; ${[...parts, back].join(", ")}.`;
}

function listed(items) {
  return `${items.slice(0, -1).join(", ")} and ${items.at(-1)}`;
}

/** Returns where each operator stands: column and row, row 0 at the bottom. */
function layout({ carriers, edges }) {
  const places = new Map();
  const above = (operator) => edges.filter(([, to]) => to === operator).map(([from]) => from);
  let column = 0;
  const stand = (operator, row) => {
    if (places.has(operator)) return places.get(operator).column;
    const parents = above(operator).filter((from) => !places.has(from));
    const taken = parents.map((from) => stand(from, row + 1));
    const mine = taken.length ? (taken[0] + taken.at(-1)) / 2 : column++;
    places.set(operator, { column: mine, row });
    return mine;
  };
  for (const carrier of carriers) stand(carrier, 0);
  // A modulator of several stands in the middle over all of them.
  for (const [operator, place] of places) {
    const below = edges.filter(([from]) => from === operator).map(([, to]) => places.get(to).column);
    if (below.length > 1) place.column = (Math.min(...below) + Math.max(...below)) / 2;
  }
  return { places, columns: column };
}

const BOX = 26;
const STEP = 38;
const RISE = 40;
const ROWS = 4;
const COLUMNS = 4; // at least, so that boxes of most algorithms are of one size

export class Algorithm extends LitElement {
  static properties = {
    number: { type: Number },
    outputs: { attribute: false },
    chosen: { type: Number },
  };

  static styles = [
    SHAPE_LOOK,
    css`
      svg {
        display: block;
        width: 100%;
        height: auto;
      }
      rect {
        fill: var(--pf-raised);
        stroke: var(--pf-edge);
        stroke-width: 1.2;
      }
      .carrier rect {
        fill: var(--pf-accent);
        stroke: var(--pf-accent);
      }
      .chosen rect {
        stroke: var(--pf-ink);
        stroke-width: 2.4;
      }
      .silent {
        opacity: 0.42;
      }
      text {
        font: 600 13px var(--pf-font);
        fill: var(--pf-ink);
        text-anchor: middle;
        dominant-baseline: central;
      }
      .carrier text {
        fill: var(--pf-on-accent);
      }
      path {
        fill: none;
        stroke: var(--pf-edge);
        stroke-width: 1.6;
      }
      .loop {
        stroke: var(--pf-second);
      }
      g.operator {
        cursor: pointer;
      }
      g.operator:hover rect {
        stroke: var(--pf-ink);
      }
    `,
  ];

  render() {
    const found = algorithmOf(this.number || 1);
    const { places, columns } = layout(found);
    const rows = Math.max(...[...places.values()].map((place) => place.row)) + 1;
    const wide = Math.max(columns, COLUMNS) * STEP + 8;
    const left = (wide - columns * STEP) / 2 + STEP / 2 - 3;
    const at = (operator) => {
      const { column, row } = places.get(operator);
      return { x: left + column * STEP, y: (ROWS - (ROWS - rows) / 2 - row) * RISE - 14 };
    };
    return html`<svg viewBox="0 0 ${wide} ${ROWS * RISE + 10}" role="img"
      aria-label=${algorithmInWords(this.number || 1)}>
      ${found.edges.map(([from, to]) => svg`<path d=${wire(at(from), at(to))}></path>`)}
      ${this.#ground(found.carriers.map(at))}
      <path class="loop" d=${loop(at(found.feedback[0]), at(found.feedback[1]))}></path>
      ${[...places.keys()].map((operator) => this.#box(operator, at(operator), found.carriers.includes(operator)))}
    </svg>`;
  }

  #ground(carriers) {
    const xs = carriers.map((place) => place.x);
    const y = carriers[0].y + BOX / 2 + 9;
    const lines = carriers.map((place) => `M${place.x} ${place.y + BOX / 2}V${y}`).join("");
    return svg`<path d=${`${lines}M${Math.min(...xs) - 8} ${y}H${Math.max(...xs) + 8}`}></path>`;
  }

  #box(operator, { x, y }, isCarrier) {
    const isSilent = this.outputs && this.outputs[operator] === 0;
    const names = ["operator", isCarrier ? "carrier" : "", isSilent ? "silent" : ""];
    if (this.chosen === operator) names.push("chosen");
    return svg`<g class=${names.filter(Boolean).join(" ")} @click=${() => tell(this, "operator", { number: operator })}>
      <rect x=${x - BOX / 2} y=${y - BOX / 2} width=${BOX} height=${BOX} rx="6"></rect>
      <text x=${x} y=${y + 0.5}>${operator}</text></g>`;
  }
}

function wire(from, to) {
  const start = from.y + BOX / 2;
  const end = to.y - BOX / 2;
  if (Math.abs(from.x - to.x) < 1) return `M${from.x} ${start}V${end}`;
  const middle = end - 6;
  return `M${from.x} ${start}V${middle}H${to.x}V${end}`;
}

/** A loop to the right of an operator, or from the right of one to the top of another above it. */
function loop(from, to) {
  const right = Math.max(from.x, to.x) + BOX / 2 + 6;
  const top = to.y - BOX / 2;
  return `M${from.x + BOX / 2} ${from.y}H${right}V${top - 6}H${to.x}V${top}`;
}

/** <pf-algorithms>: all 32 in a dialog, to choose one by its picture. Property `number`; event: `algorithm` {number}. */
export class Algorithms extends LitElement {
  static properties = { number: { type: Number }, isOpen: { state: true } };

  static styles = [
    SHAPE_LOOK,
    css`
      .open {
        width: 100%;
      }
      dialog {
        padding: 16px;
        border: 1px solid var(--pf-line);
        border-radius: 14px;
        background: var(--pf-panel);
        color: inherit;
        box-shadow: 0 24px 80px #000a;
        max-width: min(900px, 94vw);
        max-height: 90vh;
      }
      dialog::backdrop {
        background: #0008;
      }
      header {
        display: flex;
        justify-content: space-between;
        align-items: center;
        margin-bottom: 10px;
      }
      .grid {
        display: grid;
        grid-template-columns: repeat(8, minmax(0, 1fr));
        gap: 6px;
      }
      .grid button {
        display: grid;
        padding: 4px 6px;
        height: auto;
        justify-items: stretch;
        background: var(--pf-well);
        border-color: transparent;
      }
      .grid button:hover {
        border-color: var(--pf-edge);
      }
      .grid button[aria-pressed="true"] {
        border-color: var(--pf-accent);
        color: var(--pf-ink);
      }
      .grid pf-algorithm {
        pointer-events: none;
      }
      @media (max-width: 800px) {
        .grid {
          grid-template-columns: repeat(4, minmax(0, 1fr));
        }
      }
    `,
  ];

  render() {
    return html`<button class="open" @click=${this.#open}>See all 32</button>
      <dialog aria-labelledby="title" @close=${() => (this.isOpen = false)}>
        <header><h2 id="title">Algorithms</h2>
          <form method="dialog"><button>Close</button></form></header>
        ${this.isOpen
          ? html`<div class="grid" @keydown=${this.#key}>${ALGORITHMS.map((_, index) => this.#one(index + 1))}</div>`
          : nothing}
      </dialog>`;
  }

  #one(number) {
    return html`<button aria-pressed=${String(number === this.number)} @click=${() => this.#choose(number)}>
      <span class="unseen">${algorithmInWords(number)}</span>
      <span aria-hidden="true"><pf-algorithm .number=${number}></pf-algorithm>${number}</span></button>`;
  }

  #open() {
    this.isOpen = true;
    this.renderRoot.querySelector("dialog").showModal();
    this.updateComplete.then(() => this.#focus(this.number - 1));
  }

  #choose(number) {
    this.renderRoot.querySelector("dialog").close();
    tell(this, "algorithm", { number });
  }

  #focus(index) {
    this.renderRoot.querySelectorAll(".grid button")[index]?.focus();
  }

  #key(event) {
    const columns = getComputedStyle(event.currentTarget).gridTemplateColumns.split(" ").length;
    const by = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[event.key];
    if (!by) return;
    event.preventDefault();
    event.stopPropagation();
    const at = [...event.currentTarget.children].indexOf(event.target.closest("button"));
    this.#focus(at + by);
  }
}

customElements.define("pf-algorithm", Algorithm);
customElements.define("pf-algorithms", Algorithms);
