// <pf-preset-bar>: the preset that is current: its name and synth, hear it, how loud what sounds is, take it home.

import { LitElement, css, html } from "lit";

import { api } from "./api.js";
import { compare } from "./compare.js";
import { session } from "./session.js";
import { engine } from "./sound-engine.js";
import { icon, look, noteName } from "./studio-look.js";

const QUIET_MS = 600; // of silence after which the meter is drawn no more: an idle page uses no time
const FLOOR_DB = -60;

class PresetBar extends LitElement {
  static properties = { renaming: { state: true } };

  static styles = [look, css`
    :host { display: block; padding: 6px 12px 0; }
    .bar { display: flex; align-items: center; gap: 8px; min-height: 36px; }
    .bar > * { flex: none; }
    .bar > .name, .bar > form, .bar > .none { flex: 0 1 auto; min-width: 0; }
    .bar > .grow { flex: 1 1 0; }
    .name { display: flex; align-items: baseline; gap: 8px; }
    .name strong { font-size: 15px; flex: 0 1 auto; } .name .tag { flex: none; }
    .name .from { flex: 0 1000 auto; }
    input[type="text"] { width: 16em; }
    canvas { width: 120px; height: 10px; border-radius: 5px; background: var(--pf-well);
      border: 1px solid var(--pf-line); }
    select { max-width: 7em; }
    .ab { display: flex; }
    .ab button { border-radius: 8px 0 0 8px; } .ab button + button { border-radius: 0 8px 8px 0; border-left: 0; }
    .ab button:first-child[aria-pressed="true"] { background: var(--pf-second); color: var(--pf-on-second); }
    .ab button:last-child[aria-pressed="true"] { background: var(--pf-accent); color: var(--pf-on-accent); }
    @media (max-width: 800px) { canvas, .from { display: none; } }
    @media (max-width: 640px) {
      .bar { flex-wrap: wrap; row-gap: 4px; }
      .bar > .name, .bar > form, .bar > .none { flex: 1 1 100px; } .bar > .grow { display: none; }
      .bar > .ab, .bar > label { order: 1; }
      input[type="text"] { width: 100%; min-width: 0; }
    }
  `];

  constructor() {
    super();
    this.renaming = false;
    this.frame = 0;
  }

  connectedCallback() {
    super.connectedCallback();
    session.addEventListener("change", () => this.requestUpdate());
    session.addEventListener("hear", () => this.#meter());
    for (const name of ["notes", "ab"]) engine.addEventListener(name, () => this.#meter());
    engine.addEventListener("ab", () => this.requestUpdate());
    window.addEventListener("keydown", (event) => this.#key(event));
  }

  render() {
    const { preset, note } = session.state;
    return html`<div class="bar" role="group" aria-label="Current preset">
      <button class="icon round main" title="Hear it (Space)" aria-label="Hear the preset" ?disabled=${!preset}
        @click=${() => session.hear()}>${icon("play")}</button>
      ${this.renaming ? this.#field(preset) : this.#name(preset)}
      <span class="grow"></span>
      ${this.#ab()}
      <canvas width="240" height="20" role="img" aria-label="Level"></canvas>
      <label class="row small quiet">Note <select aria-label="Note that is heard" @change=${this.#pitch}>
        ${pitches(note.pitch).map((pitch) => html`<option value=${pitch}
          ?selected=${pitch === note.pitch}>${noteName(pitch)}</option>`)}
      </select></label>
      <button ?disabled=${!preset} title="Ctrl S" @click=${this.#take}>${icon("download")} Take home</button>
    </div>
    <dialog id="takeaway" aria-label="Take home"></dialog>`;
  }

  /** A/B is at hand in every view; the match view has its own, larger one. */
  #ab() {
    const { sound, preset, view } = session.state;
    if (!sound || !preset || view === "match") return "";
    const side = engine.comparing ? engine.side : "";
    return html`<div class="ab" role="group" aria-label="A/B">
      <button aria-pressed=${String(side === "target")} title="Flip (Space)"
        @click=${() => this.#side("target")}>Target</button>
      <button aria-pressed=${String(side === "candidate")} title="Flip (Space)"
        @click=${() => this.#side("candidate")}>Preset</button></div>`;
  }

  async #side(side) {
    if (engine.comparing && engine.side === side) compare.stop();
    else if (engine.comparing) engine.flip(side);
    else await compare.start(side);
  }

  #name(preset) {
    if (!preset) return html`<span class="quiet cut none">No preset yet: match a sound, or load one from the library</span>`;
    return html`<div class="name"><strong class="cut" title=${preset.name}>${preset.name}</strong><span class="tag">${preset.synth}</span>
      ${preset.from ? html`<span class="quiet small cut from" title=${preset.from}>${preset.from}</span>` : ""}</div>
      <button class="plain small" @click=${() => { this.renaming = true; }}>Rename</button>`;
  }

  #field(preset) {
    return html`<form class="row" @submit=${this.#rename}><input type="text" name="name"
      maxlength="80" required .value=${preset.name}
      aria-label="Name of the preset" @keydown=${(event) => { if (event.key === "Escape") this.renaming = false; }}>
      <button>Keep</button></form>`;
  }

  updated(changed) {
    if (changed.has("renaming") && this.renaming) this.renderRoot.querySelector("input[name=name]").select();
  }

  async #rename(event) {
    event.preventDefault();
    const name = new FormData(event.target).get("name").trim();
    this.renaming = false;
    const { preset, base } = session.state;
    if (!name || name === preset.name) return;
    try {
      const renamed = await api.post("/presets/edit", { preset: preset.id, values: {}, name });
      session.change(`Rename to ${name}`, { preset: renamed, base: base?.id === preset.id ? renamed : base });
    } catch (error) {
      session.fail(error);
    }
  }

  #pitch(event) {
    session.set({ note: { ...session.state.note, pitch: Number(event.target.value) } });
    session.hear();
  }

  async #take() {
    try {
      await import("./pf-takeaway.js");
    } catch (error) {
      session.fail(error);
      return;
    }
    const dialog = this.renderRoot.querySelector("dialog");
    if (!dialog.firstChild) dialog.append(document.createElement("pf-takeaway"));
    dialog.firstChild.show();
    dialog.showModal();
  }

  #key(event) {
    if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "s") return;
    event.preventDefault();
    if (session.state.preset) this.#take();
  }

  #meter() {
    if (this.frame || !engine.context) return;
    let silent = performance.now();
    const samples = new Float32Array(2048);
    const draw = () => {
      engine.level.getFloatTimeDomainData(samples);
      const peak = samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
      this.#draw(peak);
      if (peak > 1e-4) silent = performance.now();
      this.frame = performance.now() - silent < QUIET_MS ? requestAnimationFrame(draw) : 0;
    };
    this.frame = requestAnimationFrame(draw);
  }

  #draw(peak) {
    const canvas = this.renderRoot.querySelector("canvas");
    const context = canvas.getContext("2d");
    const share = Math.max(0, 1 - (20 * Math.log10(peak || 1e-9)) / FLOOR_DB);
    const style = getComputedStyle(this);
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.fillStyle = style.getPropertyValue(peak > 0.95 ? "--pf-bad" : "--pf-second");
    context.fillRect(0, 0, share * canvas.width, canvas.height);
  }
}

/** The notes one can choose: C1 to C7, and the one that is chosen. */
function pitches(chosen) {
  const all = Array.from({ length: 73 }, (_, i) => 24 + i);
  return all.includes(chosen) ? all : [chosen, ...all];
}

customElements.define("pf-preset-bar", PresetBar);
export { PresetBar };
