// <pf-shape>: the Shape view: macros and the XY pad above, the synth's panel below, variations and morph to the right.

import { LitElement, css, html } from "lit";
import "./pf-macros.js";
import "./pf-morph.js";
import "./pf-panel.js";
import "./pf-variations.js";
import "./pf-xy.js";
import { SHAPE_LOOK } from "./shape-look.js";

const SIDES = [
  ["vary", "Vary"],
  ["breed", "Breed"],
  ["morph", "Morph"],
];

export class Shape extends LitElement {
  static properties = { side: { state: true } };

  static styles = [
    SHAPE_LOOK,
    css`
      :host {
        display: grid;
        grid-template-columns: minmax(0, 1fr) 300px;
        grid-template-rows: auto minmax(0, 1fr);
        gap: 10px;
        height: 100%;
        min-height: 0;
      }
      .above {
        display: grid;
        grid-template-columns: minmax(0, 1fr) 304px;
        gap: 10px;
        min-width: 0;
      }
      pf-panel {
        min-height: 0;
        grid-column: 1;
        grid-row: 2;
      }
      aside {
        grid-column: 2;
        grid-row: 1 / span 2;
        display: grid;
        grid-template-rows: auto minmax(0, 1fr);
        gap: 10px;
        padding: 10px;
        min-height: 0;
        box-shadow: none;
      }
      aside > .tabs {
        justify-self: start;
      }
      pf-morph {
        overflow: auto;
      }
      @media (max-width: 1100px) {
        :host {
          grid-template-columns: minmax(0, 1fr);
          grid-template-rows: repeat(3, max-content);
          overflow: auto;
        }
        aside {
          grid-column: 1;
          grid-row: 3;
          grid-template-rows: auto auto;
        }
      }
      @media (max-width: 860px) {
        .above {
          grid-template-columns: minmax(0, 1fr);
        }
      }
    `,
  ];

  constructor() {
    super();
    this.side = "vary";
  }

  render() {
    return html`
      <div class="above"><pf-macros></pf-macros><pf-xy></pf-xy></div>
      <pf-panel></pf-panel>
      <aside class="card" aria-label="Variations and morph">
        <div class="tabs" role="tablist" aria-label="Vary, breed or morph" @keydown=${this.#key}>
          ${SIDES.map(([name, title]) => html`<button role="tab" id=${`side-${name}`}
            aria-controls=${name === "morph" ? "morph" : "variations"} aria-selected=${String(this.side === name)}
            tabindex=${this.side === name ? 0 : -1} @click=${() => (this.side = name)}>${title}</button>`)}
        </div>
        <pf-variations id="variations" role="tabpanel" aria-labelledby=${`side-${this.side === "breed" ? "breed" : "vary"}`}
          .mode=${this.side === "breed" ? "breed" : "vary"} ?hidden=${this.side === "morph"}></pf-variations>
        <pf-morph id="morph" role="tabpanel" aria-labelledby="side-morph" ?hidden=${this.side !== "morph"}></pf-morph>
      </aside>
    `;
  }

  #key(event) {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    event.stopPropagation();
    const at = SIDES.findIndex(([name]) => name === this.side);
    [this.side] = SIDES[(at + by + SIDES.length) % SIDES.length];
    this.updateComplete.then(() => this.renderRoot.querySelector(`#side-${this.side}`).focus());
  }
}

customElements.define("pf-shape", Shape);
