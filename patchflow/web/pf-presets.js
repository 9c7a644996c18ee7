// <pf-presets>: which parameters moved, and how far: one bar a parameter, from where it was to where it is.
//
//   <pf-presets most="6" label="What moved"><table>
//     <thead><tr><th>Parameter</th><th>Before</th><th>After</th></tr></thead>
//     <tbody><tr><th>op1.level</th><td>0.20</td><td>0.85</td></tr> ...</tbody>
//   </table></pf-presets>
//
// Positions are on the range of the parameter, from 0 to 1. Those that moved most come first; `most` are shown, and a
// button shows the others. The table stays for screen readers and for pages without scripts. In a narrow place, names
// stand above their bars.

import { LOOK, plain, readTable } from "./pf-look.js";

const SHEET = `${LOOK}
  :host { display: block; font-size: .8125rem; min-width: 0; container-type: inline-size; }
  .line { display: grid; grid-template-columns: minmax(0, 1.5fr) minmax(3.5rem, 1fr) 3.2rem; column-gap: .5rem;
    align-items: center; line-height: 1.6; }
  .name { overflow-wrap: anywhere; }
  @container (max-width: 17rem) {
    .line { grid-template-columns: minmax(0, 1fr) 3.2rem; line-height: 1.4; margin-bottom: .25rem; }
    .name { grid-column: 1 / -1; }
  }
  .key { display: flex; flex-wrap: wrap; gap: 0 1rem; margin: 0 0 .3rem; color: var(--_quiet); }
  .key span { display: flex; gap: .35rem; align-items: center; }
  .key .dot { position: static; margin: 0; }
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
    const { columns, rows } = readTable(this);
    const lines = rows.map(([name, before, after]) => [name, Number(before), Number(after ?? before)]);
    lines.sort((a, b) => Math.abs(b[2] - b[1]) - Math.abs(a[2] - a[1]));
    const most = Number(this.getAttribute("most")) || 6;
    const shown = this.#all ? lines : lines.slice(0, most);
    this.shadowRoot.innerHTML = `<style>${SHEET}</style>
      <div aria-hidden="true">${key(columns)}${shown.map(line).join("")}</div>
      ${lines.length > most ? `<button type="button">${this.#all ? "Fewer" : `All ${lines.length}`}</button>` : ""}
      <div class="unseen"><slot></slot></div>`;
    this.shadowRoot.querySelector("button")?.addEventListener("click", () => {
      this.#all = !this.#all;
      this.#draw();
      this.shadowRoot.querySelector("button").focus();
    });
  }
}

/** What the two ends of a bar are. */
function key([, before, after]) {
  if (!after) return "";
  return `<p class="key"><span><i class="dot"></i>${plain(before)}</span>
    <span><i class="dot after"></i>${plain(after)}</span></p>`;
}

/** Returns a name that is broken where its parts end, if it must be broken. */
function broken(name) {
  return plain(name).replace(/([._ ])(?=\w)/g, "$1<wbr>");
}

function line([name, before, after]) {
  const left = 100 * Math.min(before, after);
  const change = Math.round(100 * (after - before));
  return `<div class="line"><span class="name">${broken(name)}</span>
    <span class="track"><span class="way" style="left:${left}%;width:${100 * Math.abs(after - before)}%"></span>
      <span class="dot" style="left:${100 * before}%"></span>
      <span class="dot after" style="left:${100 * after}%"></span></span>
    <span class="change">${change > 0 ? "+" : ""}${change} %</span></div>`;
}

customElements.define("pf-presets", Presets);
export { Presets };
