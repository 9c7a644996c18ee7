// <pf-presets>: which parameters moved, and how far: one bar a parameter, from where it was to where it is.
//
//   <pf-presets most="6" label="What moved"><table>
//     <thead><tr><th>Parameter</th><th>Before</th><th>After</th></tr></thead>
//     <tbody><tr><th>op1.level</th><td>0.20</td><td>0.85</td></tr> ...</tbody>
//   </table></pf-presets>
//
// Positions are on the range of the parameter, from 0 to 1. Those that moved most come first; `most` are shown, and a
// button shows the others. The table stays for screen readers and for pages without scripts.

import { LOOK, plain, readTable } from "./pf-look.js";

const SHEET = `${LOOK}
  :host { display: block; font-size: .8125rem; min-width: 0; }
  .line { display: grid; grid-template-columns: minmax(0, 1.5fr) minmax(3.5rem, 1fr) 3.2rem; gap: .5rem;
    align-items: center; line-height: 1.6; }
  .name { overflow-wrap: anywhere; }
  .track { position: relative; height: .75rem; border-bottom: 1px solid var(--_line); }
  .way { position: absolute; top: .3rem; height: .25rem; background: var(--_accent); }
  .dot { position: absolute; top: .1rem; width: .6rem; height: .6rem; margin-left: -.3rem; border-radius: 50%;
    border: 2px solid var(--_accent); background: var(--_ground); box-sizing: border-box; }
  .after { background: var(--_accent); }
  .change { text-align: right; font-variant-numeric: tabular-nums; }
  button { font: inherit; color: var(--_accent); background: none; border: 0; padding: .4rem 0; cursor: pointer;
    min-height: 1.75rem; min-width: 3rem; text-align: left;
    text-decoration: underline; }
  .unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
`;

class Presets extends HTMLElement {
  #all = false;

  connectedCallback() {
    if (!this.shadowRoot) this.attachShadow({ mode: "open" });
    this.#draw();
  }

  #draw() {
    const { rows } = readTable(this);
    const lines = rows.map(([name, before, after]) => [name, Number(before), Number(after ?? before)]);
    lines.sort((a, b) => Math.abs(b[2] - b[1]) - Math.abs(a[2] - a[1]));
    const most = Number(this.getAttribute("most")) || 6;
    const shown = this.#all ? lines : lines.slice(0, most);
    this.shadowRoot.innerHTML = `<style>${SHEET}</style>
      <div aria-hidden="true">${shown.map(line).join("")}</div>
      ${lines.length > most ? `<button type="button">${this.#all ? "Fewer" : `All ${lines.length}`}</button>` : ""}
      <div class="unseen"><slot></slot></div>`;
    this.shadowRoot.querySelector("button")?.addEventListener("click", () => {
      this.#all = !this.#all;
      this.#draw();
      this.shadowRoot.querySelector("button").focus();
    });
  }
}

function line([name, before, after]) {
  const left = 100 * Math.min(before, after);
  const change = Math.round(100 * (after - before));
  return `<div class="line"><span class="name">${plain(name)}</span>
    <span class="track"><span class="way" style="left:${left}%;width:${100 * Math.abs(after - before)}%"></span>
      <span class="dot" style="left:${100 * before}%"></span>
      <span class="dot after" style="left:${100 * after}%"></span></span>
    <span class="change">${change > 0 ? "+" : ""}${change} %</span></div>`;
}

customElements.define("pf-presets", Presets);
export { Presets };
