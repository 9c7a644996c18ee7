// <pf-morph>: four slots A to D, and the way between two of them, or the square of all four.
//
// A slot is filled with the current preset, a candidate, a variation or a favourite of the library. A morph is a job; its
// steps are heard along a slider (two) or in the XY pad (four), and each can be kept as the current preset.

import { LitElement, css, html, nothing } from "lit";
import { api } from "./api.js";
import { Listens } from "./listens.js";
import { session } from "./session.js";
import { SHAPE_LOOK } from "./shape-look.js";
import { icon } from "./studio-look.js";

const LETTERS = ["a", "b", "c", "d"];
const STEPS = { 2: [5, 9, 17], 4: [9, 16, 25] };
const FAVOURITES = 50;

export class Morph extends LitElement {
  static properties = {
    job: { state: true },
    favourites: { state: true },
    fineness: { state: true },
  };

  static styles = [
    SHAPE_LOOK,
    css`
      :host {
        display: grid;
        gap: 10px;
        align-content: start;
      }
      .slots {
        display: grid;
        gap: 6px;
      }
      .slot {
        display: grid;
        grid-template-columns: 22px minmax(0, 1fr) auto auto;
        gap: 4px;
        align-items: center;
      }
      .letter {
        display: grid;
        place-items: center;
        width: 22px;
        height: 22px;
        border-radius: 6px;
        font-weight: 700;
        font-size: 12px;
        background: var(--pf-well);
        color: var(--pf-quiet);
      }
      .letter.full {
        background: var(--pf-second-soft);
        color: var(--pf-second);
      }
      .make {
        display: flex;
        gap: 6px;
        align-items: center;
        flex-wrap: wrap;
      }
      .make select {
        width: 92px;
      }
      progress {
        width: 100%;
        height: 6px;
        accent-color: var(--pf-accent);
      }
      .said {
        min-height: 30px;
      }
      .way {
        display: grid;
        gap: 6px;
        padding: 10px;
        border-radius: 8px;
        background: var(--pf-well);
      }
      .way input {
        width: 100%;
      }
      .names {
        display: flex;
        justify-content: space-between;
        gap: 8px;
        font-size: 12px;
      }
      .names span {
        flex: 1 1 0;
      }
      .names span:last-child {
        text-align: right;
      }
    `,
  ];

  #abort = null;

  constructor() {
    super();
    this.job = null;
    this.favourites = [];
    this.fineness = 1;
    new Listens(this, session, { change: () => this.requestUpdate() });
  }

  connectedCallback() {
    super.connectedCallback();
    this.#readFavourites();
  }

  render() {
    const filled = this.#filled();
    const many = filled.length === 4 ? 4 : 2;
    const fault = this.#fault(filled);
    const isBusy = Boolean(this.#abort);
    return html`
      <div class="slots" role="group" aria-label="Slots">${LETTERS.map((letter) => this.#slot(letter))}</div>
      <div class="make">
        ${isBusy
          ? html`<button @click=${this.#cancel}>Stop</button>`
          : html`<button class="main" ?disabled=${Boolean(fault)} @click=${this.#make}>${many === 4
              ? "Morph the square"
              : `Morph ${filled.map((letter) => letter.toUpperCase()).slice(0, 2).join(" → ") || "A → B"}`}</button>`}
        <select aria-label="Steps of the morph" @change=${(event) => (this.fineness = event.currentTarget.selectedIndex)}>
          ${STEPS[many].map((count, index) => html`<option .selected=${index === this.fineness}>${count} steps</option>`)}
        </select>
      </div>
      ${this.#said(fault)}
      ${this.#way()}
    `;
  }

  #filled() {
    return LETTERS.filter((letter) => session.state.slots[letter]);
  }

  #fault(filled) {
    if (filled.length < 2) return "Fill two slots for a way, four for a square.";
    if (filled.length === 3) return "Fill the fourth slot, or empty one.";
    const synths = new Set(filled.map((letter) => session.state.slots[letter].synth));
    return synths.size > 1 ? "All slots need a preset of the same synth." : "";
  }

  #said(fault) {
    const progress = this.job?.progress;
    if (this.#abort) {
      return html`<div class="said"><progress max="1" .value=${progress?.total ? progress.done / progress.total : 0}
        aria-label="Progress of the morph"></progress>
        <p class="small quiet cut">${this.job?.place ? `${this.job.place} before it in the queue` : progress?.stage || "starting"}</p></div>`;
    }
    return html`<p class="said small quiet">${fault || "Every step is played and measured on the way."}</p>`;
  }

  #slot(letter) {
    const preset = session.state.slots[letter];
    const name = letter.toUpperCase();
    const sources = this.#sources();
    return html`<div class="slot">
      <span class=${preset ? "letter full" : "letter"} aria-hidden="true">${name}</span>
      <select aria-label=${`Preset in slot ${name}`} @change=${(event) => this.#fill(letter, event.currentTarget)}>
        <option value="" .selected=${true}>${preset ? preset.name || "without a name" : "empty"}</option>
        ${sources.map(({ title, presets }) => html`<optgroup label=${title}>${presets.map((one) =>
          html`<option value=${one.value}>${one.name}</option>`)}</optgroup>`)}
      </select>
      <button class="icon plain" aria-label=${`Hear ${name}`} title=${`Hear ${name}`} ?disabled=${!preset}
        @click=${() => session.hear(preset)}>${icon("play")}</button>
      <button class="icon plain" aria-label=${`Empty ${name}`} title=${`Empty ${name}`} ?disabled=${!preset}
        @click=${() => session.setSlot(letter, null)}>${icon("close")}</button>
    </div>`;
  }

  /** Where a slot can be filled from, by kind. */
  #sources() {
    const { preset, candidates, variations } = session.state;
    const found = [];
    if (preset) found.push({ title: "Now", presets: [{ value: "now", name: `Current: ${preset.name || "without a name"}` }] });
    const numbered = (items, kind) => items.map((one, index) => ({
      value: `${kind}:${index}`,
      name: `${index + 1}. ${one.preset.name || one.preset.synth}`,
    }));
    if (candidates?.length) found.push({ title: "Candidates", presets: numbered(candidates, "candidate") });
    if (variations?.items?.length) found.push({ title: "Variations", presets: numbered(variations.items, "variation") });
    const kept = this.favourites.map((entry) => ({ value: `library:${entry.key}`, name: entry.name }));
    if (kept.length) found.push({ title: "Favourites", presets: kept });
    return found;
  }

  async #fill(letter, select) {
    const [kind, ...rest] = select.value.split(":");
    select.selectedIndex = 0;
    try {
      const preset = await this.#presetOf(kind, rest.join(":"));
      session.setSlot(letter, preset);
      session.hear(preset);
    } catch (error) {
      session.fail(error);
    }
  }

  #presetOf(kind, key) {
    const { preset, candidates, variations } = session.state;
    if (kind === "now") return preset;
    if (kind === "candidate") return candidates[Number(key)].preset;
    if (kind === "variation") return variations.items[Number(key)].preset;
    return api.get(`/library/${encodeURIComponent(key)}/preset`);
  }

  async #readFavourites() {
    try {
      const found = await api.get("/library", { favourites: true, limit: FAVOURITES });
      this.favourites = found.entries;
    } catch (error) {
      if (error.status !== 404) session.fail(error);
    }
  }

  #make = async () => {
    const letters = this.#filled();
    const presets = letters.map((letter) => session.state.slots[letter]);
    const steps = STEPS[presets.length][this.fineness];
    const request = { kind: "morph", presets: presets.map((one) => one.id), steps, lock: session.locksOf(presets[0]) };
    this.#abort = new AbortController();
    session.say(`Morphing ${letters.join(", ").toUpperCase()}`, "quiet");
    try {
      const result = await api.job(request, (job) => (this.job = job), this.#abort.signal);
      const made = result.presets.map((step) => step.preset);
      const side = presets.length === 4 ? result.columns : 0;
      session.set({ morph: { presets: made, side, names: presets.map((one) => one.name), at: 0 } });
      session.say(side ? "The square is in the XY pad" : `${made.length} steps: move the slider`);
      session.hear(made[0]);
    } catch (error) {
      session.fail(error);
    } finally {
      this.#abort = null;
      this.job = null;
      this.requestUpdate();
    }
  };

  #cancel = () => {
    this.#abort?.abort();
  };

  #way() {
    const { morph } = session.state;
    if (!morph) return nothing;
    const at = morph.at ?? 0;
    const step = morph.presets[at];
    const keep = html`<button @click=${() => this.#keep(step, at)}>Keep this step</button>`;
    if (morph.side) {
      return html`<div class="way"><p class="small">${`Step ${at + 1} of ${morph.presets.length}: move in the XY pad.`}</p>${keep}</div>`;
    }
    return html`<div class="way">
      <div class="names"><span class="cut">${morph.names[0]}</span><span class="cut">${morph.names[1]}</span></div>
      <input type="range" min="0" max=${morph.presets.length - 1} step="1" .value=${String(at)} aria-label="Step of the morph"
        aria-valuetext=${`step ${at + 1} of ${morph.presets.length}`} @keydown=${(event) => event.stopPropagation()}
        @input=${(event) => this.#to(Number(event.currentTarget.value))}>
      <div class="row"><span class="small quiet grow">Step ${at + 1} of ${morph.presets.length}</span>${keep}</div>
    </div>`;
  }

  #to(at) {
    const { morph } = session.state;
    if (at === morph.at) return;
    session.set({ morph: { ...morph, at } });
    session.hear(morph.presets[at]);
  }

  #keep(preset, at) {
    session.load(preset, `Keep step ${at + 1} of the morph`);
    session.say(`Step ${at + 1} is the preset now`, "quiet");
  }
}

customElements.define("pf-morph", Morph);
