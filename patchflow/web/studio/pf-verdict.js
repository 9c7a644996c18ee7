// <pf-verdict>: the chosen candidate closely: A/B with the target, how it differs in words, how sure its parameters are.

import { LitElement, css, html } from "lit";

import { compare } from "./compare.js";
import { Listens } from "./listens.js";
import { session } from "./session.js";
import { engine } from "./sound-engine.js";
import { icon, look, noteName } from "./studio-look.js";

const SHOWN = 12; // parameters
const METRICS = { perceptual: "overall" };

class Verdict extends LitElement {
  static properties = { candidate: {}, rank: {}, uncertainty: {} };

  static styles = [look, css`
    :host { display: block; overflow: auto; min-height: 0; background: var(--pf-panel);
      border: 1px solid var(--pf-line); border-radius: var(--pf-radius); }
    .body { padding: 12px; display: grid; gap: 12px; }
    .ab { display: grid; grid-template-columns: 1fr auto 1fr; border-radius: 10px; overflow: hidden;
      border: 1px solid var(--pf-edge); }
    .ab button { border: 0; border-radius: 0; min-height: 44px; background: var(--pf-well); font-weight: 600; }
    .ab .flip { background: var(--pf-raised); padding: 0 10px; }
    .ab .a[aria-pressed="true"] { background: var(--pf-second); color: var(--pf-on-second); }
    .ab .b[aria-pressed="true"] { background: var(--pf-accent); color: var(--pf-on-accent); }
    .word { font-size: 22px; font-weight: 700; letter-spacing: -.01em; }
    table { border-collapse: collapse; width: 100%; font-size: 12px; }
    th { text-align: left; font-weight: 500; color: var(--pf-quiet); padding: 4px 8px 4px 0; white-space: nowrap;
      vertical-align: top; }
    td { padding: 4px 0; }
    td.alike { color: var(--pf-quiet); }
    .actions { display: flex; gap: 8px; flex-wrap: wrap; }
    .actions button { flex: 1; }
    summary { cursor: pointer; font-size: 12px; font-weight: 600; color: var(--pf-quiet); min-height: 24px; }
    .sure { display: grid; grid-template-columns: minmax(0, 1fr) 70px; gap: 3px 8px; font-size: 12px;
      align-items: center; }
    .bar { height: 6px; border-radius: 3px; background: var(--pf-well); overflow: hidden; }
    .bar i { display: block; height: 100%; background: var(--pf-second); }
    .none { padding: 20px; display: grid; place-content: center; height: 100%; text-align: center; gap: 6px; }
  `];

  constructor() {
    super();
    new Listens(this, engine, { ab: () => this.requestUpdate() });
  }

  render() {
    const { preset, sound } = session.state;
    return html`<div class="body">
      ${sound && preset ? this.#ab() : ""}
      ${this.candidate ? this.#words(this.candidate) : html`<p
        class="quiet small">The current preset is none of the candidates. Choose a card to see how it compares;
        A/B plays the current preset all the same.</p>`}
    </div>`;
  }

  #ab() {
    const side = engine.comparing ? engine.side : "";
    return html`<div><div class="ab" role="group" aria-label="A/B">
        <button class="a" aria-pressed=${String(side === "target")} @click=${() => this.#side("target")}>Target</button>
        <button class="flip" aria-label="Flip" title="Flip (Space)"
          @click=${() => compare.flip()}>${icon("flip")}</button>
        <button class="b" aria-pressed=${String(side === "candidate")}
          @click=${() => this.#side("candidate")}>Preset</button></div>
      <p class="small quiet"
        style="margin-top:6px">${side ? html`Looped and equally loud. <kbd>Space</kbd> flips, <kbd>Esc</kbd> ends.`
        : compare.waiting ? "Rendering: it begins in a moment …" : html`<kbd>Space</kbd> loops both, equally loud, and flips.`}</p></div>`;
  }

  #words({ closeness, tuning, distance, differences, preset, note, kind }) {
    const rows = [...differences].sort((a, b) => Number(b.counts) - Number(a.counts));
    return html`<div><span class="word">${closeness}</span><p
      class="small quiet">Candidate ${this.rank} · ${preset.synth} · on ${noteName(note.pitch)}
        · ${distance.toFixed(1)} dB${kind ? ` · ${kind}` : ""}</p></div>
      <table><caption class="unseen">How it differs from the target</caption><tbody>
        <tr><th scope="row">tuning</th><td>${tuning || "no pitch to compare"}</td></tr>
        ${rows.map((one) => html`<tr><th scope="row">${one.name}</th><td
          class=${one.counts ? "" : "alike"}>${one.counts ? without(one.text, one.name) : "alike"}</td></tr>`)}
      </tbody></table>
      <div class="actions"><button class="main"
        @click=${() => session.set({ view: "shape" })}>${icon("shape")} Take to Shape</button></div>
      ${this.#sure()}${this.#distances()}`;
  }

  #sure() {
    if (!this.uncertainty) return "";
    const known = Object.entries(this.uncertainty).filter(([, value]) => Number.isFinite(value));
    const unsure = known.sort((a, b) => b[1] - a[1]).slice(0, SHOWN);
    const sure = known.filter(([, value]) => value < 0.05).length;
    return html`<details><summary>How sure each parameter is: ${sure} of ${known.length} are sure</summary>
      <p class="small quiet">How much a parameter varies over all presets that are nearly as close. The least sure first.</p>
      <div class="sure">${unsure.map(([name, value]) => html`<span class="cut"
        title=${name}>${name.replaceAll("_", " ")}</span>
        <span class="bar" role="img" aria-label="${name}: ${Math.round(100 * (1 - value))} percent sure"><i
          style="width:${100 * Math.max(0, 1 - 2 * value)}%"></i></span>`)}</div></details>`;
  }

  #distances() {
    const all = Object.entries(this.candidate.distances ?? {}).filter(([, value]) => Number.isFinite(value));
    if (!all.length) return "";
    return html`<details><summary>Distances in numbers</summary><table><tbody>${all.map(([name, value]) => html`<tr>
      <th scope="row">${METRICS[name] ?? name.replaceAll("_", " ")}</th><td>${value.toPrecision(3)}</td></tr>`)}</tbody></table></details>`;
  }

  async #side(side) {
    if (engine.comparing) engine.flip(side);
    else await compare.start(side);
  }
}

/** A sentence without the word that stands before it already. */
function without(text, name) {
  return text.startsWith(`${name} `) ? text.slice(name.length + 1) : text;
}

customElements.define("pf-verdict", Verdict);
export { Verdict };
