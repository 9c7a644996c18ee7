// <pf-variations>: variations of the current preset, and children of two, as cards to hear, keep and go on from.
//
// Arrow keys walk through the cards, each is heard as it gets the focus; a click hears it too, and hovering where that is
// switched on. Enter makes the card's preset the parent of the next ones, K keeps it in the library.

import { LitElement, css, html, nothing } from "lit";
import { api } from "./api.js";
import { Listens } from "./listens.js";
import { synthNamed } from "./pf-panel.js";
import { session } from "./session.js";
import { SHAPE_LOOK } from "./shape-look.js";
import { sectionsOf, titled } from "./shape-values.js";
import { icon } from "./studio-look.js";

const WORDS = [
  [0.15, "twins"],
  [0.4, "close"],
  [0.75, "of the same family"],
  [1, "other sounds"],
];
const HOW = [
  ["both", "some of each"],
  ["borrow", "parts of other presets"],
  ["walk", "steps away from here"],
];
const COUNTS = [4, 8, 12, 16];
const HOVER_MS = 180;

export class Variations extends LitElement {
  static properties = {
    amount: { state: true },
    count: { state: true },
    how: { state: true },
    sections: { state: true },
    groups: { state: true },
    other: { state: true },
    share: { state: true },
    mode: { attribute: false },
    chosen: { state: true },
    hovers: { state: true },
    job: { state: true },
    kept: { state: true },
  };

  static styles = [
    SHAPE_LOOK,
    css`
      :host {
        display: grid;
        grid-template: auto auto auto minmax(96px, 1fr) / minmax(0, 1fr);
        gap: 8px;
        min-height: 0;
      }
      .asked {
        display: grid;
        grid-template-columns: minmax(0, 1fr);
        gap: 6px;
      }
      .line {
        display: grid;
        grid-template-columns: 58px minmax(0, 1fr) auto;
        gap: 8px;
        align-items: center;
        min-height: 28px;
      }
      .line > .quiet {
        font-size: 12px;
      }
      .line output {
        min-width: 36px;
        text-align: right;
        font-size: 12px;
      }
      .line select {
        width: 100%;
      }
      details {
        position: relative;
      }
      summary {
        cursor: pointer;
        list-style: none;
        border: 1px solid var(--pf-edge);
        border-radius: 8px;
        background: var(--pf-well);
        padding: 4px 8px;
        font-size: 12px;
        min-height: var(--_dense);
      }
      summary::after {
        content: "▾";
        float: right;
        color: var(--pf-quiet);
      }
      .menu {
        position: absolute;
        z-index: 5;
        inset: calc(100% + 4px) 0 auto 0;
        display: grid;
        grid-template-columns: 1fr 1fr;
        max-height: 240px;
        padding: 8px;
        background: var(--pf-raised);
        border: 1px solid var(--pf-line);
        border-radius: 8px;
        box-shadow: 0 12px 32px #0007;
      }
      .menu label {
        display: flex;
        gap: 6px;
        align-items: center;
        min-height: 26px;
        font-size: 12px;
      }
      .go {
        display: flex;
        gap: 6px;
        align-items: center;
        min-height: 32px;
      }
      .go .main {
        min-width: 84px;
      }
      progress {
        flex: 1 1 0;
        min-width: 0;
        height: 6px;
        accent-color: var(--pf-accent);
      }
      .cards {
        display: grid;
        grid-template-columns: repeat(2, minmax(0, 1fr));
        gap: 6px;
        align-content: start;
        min-height: 0;
        padding: 2px;
        margin: -2px;
      }
      .variation {
        position: relative;
        display: grid;
        gap: 2px;
        padding: 6px;
        border-radius: 8px;
        border: 1px solid var(--pf-line);
        background: var(--pf-raised);
        cursor: pointer;
        min-width: 0;
        font-size: 12px;
      }
      .variation:hover {
        border-color: var(--pf-edge);
      }
      .variation[aria-selected="true"] {
        border-color: var(--pf-accent);
        background: color-mix(in oklab, var(--pf-accent) 9%, var(--pf-raised));
      }
      .picture {
        height: 34px;
        border-radius: 5px;
        background: var(--pf-well);
        overflow: hidden;
      }
      .picture div {
        height: 100%;
        background: linear-gradient(0deg, var(--pf-accent), var(--pf-second));
        mask-size: 100% 100%;
        mask-mode: luminance;
      }
      .star {
        position: absolute;
        right: 8px;
        top: 8px;
        color: var(--pf-accent);
      }
      .star svg.icon {
        width: 14px;
        height: 14px;
        fill: currentColor;
      }
      .nothing {
        grid-column: 1 / -1;
        padding: 20px 12px;
        text-align: center;
        color: var(--pf-quiet);
        font-size: 12px;
      }
      @media (max-width: 1100px) {
        .asked,
        .acts {
          max-width: 480px;
        }
        .cards {
          grid-template-columns: repeat(auto-fill, minmax(140px, 1fr));
        }
      }
      .acts {
        display: flex;
        gap: 4px;
        align-items: center;
        min-height: 32px;
      }
      .acts .letters {
        display: flex;
        margin-left: auto;
        gap: 2px;
      }
      .acts .letters button {
        width: max(26px, var(--_dense) - 3px);
        padding: 0;
      }
    `,
  ];

  #abort = null;
  #hover = 0;
  #synth = "";

  constructor() {
    super();
    this.amount = 0.3;
    this.count = 8;
    this.how = "both";
    this.sections = [];
    this.groups = [];
    this.other = "";
    this.share = 0.5;
    this.mode = "vary";
    this.chosen = 0;
    this.hovers = false;
    this.job = null;
    this.kept = new Set();
    this.seed = 0;
    new Listens(this, session, { change: (event) => this.#changed(event.detail) });
  }

  connectedCallback() {
    super.connectedCallback();
    this.#changed(["preset"]);
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    clearTimeout(this.#hover);
  }

  get items() {
    return session.state.variations?.items || [];
  }

  render() {
    return html`
      <div class="asked">${this.mode === "vary" ? this.#askVary() : this.#askBreed()}</div>
      ${this.#go()}
      <div>${this.#acts()}${this.#whose()}</div>
      <div class="cards scrolls" role="listbox" aria-label="Variations" aria-orientation="horizontal" @keydown=${this.#key}>
        ${this.items.length
          ? this.items.map((item, index) => this.#card(item, index))
          : html`<p class="nothing" role="option" aria-selected="false" aria-disabled="true">${this.#empty()}</p>`}
      </div>
    `;
  }

  /** Says of what the cards are variations, once another preset is the current one. */
  #whose() {
    const { preset, variations } = session.state;
    const { parent, items = [] } = variations ?? {};
    const isHere = !parent || [parent, ...items.map((item) => item.preset)].some((one) => one.id === preset?.id);
    return isHere || !items.length ? nothing : html`<p class="small quiet cut">These are of ${parent.name || "another preset"}, ${parent.synth}.</p>`;
  }

  #empty() {
    if (!session.state.preset) return "Load a preset first.";
    return this.#abort ? "They appear as they are found." : "No variations yet. Say how far, then vary.";
  }

  #askVary() {
    const word = WORDS.find(([most]) => this.amount <= most)[1];
    return html`
      <label class="line"><span class="quiet">How far</span>
        <input type="range" min="0.05" max="1" step="0.05" .value=${String(this.amount)} aria-valuetext=${`${this.amount}, ${word}`}
          @keydown=${(event) => event.stopPropagation()} @input=${(event) => (this.amount = Number(event.currentTarget.value))}>
        <output>${this.amount.toFixed(2)}</output></label>
      <p class="small quiet" style="margin:-6px 0 0 66px">${word}</p>
      <div class="line"><span class="quiet" id="what">What</span>${this.#sectionMenu()}${this.#counts()}</div>
      <label class="line"><span class="quiet">How</span>
        <select @change=${(event) => (this.how = event.currentTarget.value)}>
          ${HOW.map(([value, text]) => html`<option value=${value} .selected=${value === this.how}>${text}</option>`)}
        </select><span></span></label>`;
  }

  #askBreed() {
    const parents = this.#parents();
    return html`
      <label class="line"><span class="quiet">With</span>
        <select @change=${(event) => (this.other = event.currentTarget.value)}>
          ${parents.length ? nothing : html`<option value="">none of this synth yet</option>`}
          ${parents.map(({ preset, name }) => html`<option value=${preset.id} .selected=${preset.id === this.other}>${name}</option>`)}
        </select>${this.#counts()}</label>
      <label class="line"><span class="quiet">Share</span>
        <input type="range" min="0.1" max="0.9" step="0.05" .value=${String(this.share)}
          aria-valuetext=${`${Math.round(100 * this.share)} percent of the way to the other`}
          @keydown=${(event) => event.stopPropagation()} @input=${(event) => (this.share = Number(event.currentTarget.value))}>
        <output>${Math.round(100 * this.share)} %</output></label>
      <p class="small quiet" style="margin:-6px 0 0 66px">of the way to the other</p>`;
  }

  #counts() {
    return html`<select aria-label="How many" style="width:64px" @change=${(event) => (this.count = Number(event.currentTarget.value))}>
      ${COUNTS.map((count) => html`<option value=${count} .selected=${count === this.count}>${count}</option>`)}</select>`;
  }

  #sectionMenu() {
    const text = this.sections.length ? this.sections.map(titled).join(", ") : "everything";
    return html`<details @keydown=${this.#closeMenu}><summary class="cut" aria-label=${`What may change: ${text}`}>${text}</summary>
      <div class="menu scrolls">${this.groups.map((group) => html`<label><input type="checkbox"
        .checked=${this.sections.includes(group)} @change=${() => this.#toggle(group)}><span class="cut">${titled(group)}</span>
        </label>`)}</div></details>`;
  }

  #closeMenu(event) {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    event.currentTarget.open = false;
    event.currentTarget.querySelector("summary").focus();
  }

  #toggle(group) {
    this.sections = this.sections.includes(group)
      ? this.sections.filter((one) => one !== group)
      : [...this.sections, group];
  }

  /** Presets that the current one can be crossed with: slots, candidates, variations of the same synth. */
  #parents() {
    const { preset, slots, candidates } = session.state;
    const found = [];
    for (const [letter, one] of Object.entries(slots)) if (one) found.push({ preset: one, name: `${letter.toUpperCase()}: ${one.name}` });
    for (const [index, one] of (candidates || []).entries()) {
      found.push({ preset: one.preset, name: `Candidate ${index + 1}: ${one.preset.name}` });
    }
    for (const [index, one] of this.items.entries()) found.push({ preset: one.preset, name: `Variation ${index + 1}` });
    return found.filter((one) => one.preset.synth === preset?.synth && one.preset.id !== preset.id);
  }

  #go() {
    if (this.#abort) {
      const progress = this.job?.progress;
      const words = this.job?.place ? `${this.job.place} before it` : progress?.stage || "starting";
      return html`<div class="go"><button @click=${() => this.#abort?.abort()}>Stop</button>
        <progress max="1" .value=${progress?.total ? progress.done / progress.total : 0} aria-label="Progress"></progress>
        <span class="small quiet cut">${words}</span></div>`;
    }
    const isReady = session.state.preset && (this.mode === "vary" || this.#parents().length);
    return html`<div class="go"><button class="main" ?disabled=${!isReady} @click=${this.#make}>${
      this.mode === "vary" ? "Vary" : "Breed"}</button>
      <span class="grow"></span>
      <label class="row small quiet"><input type="checkbox" .checked=${this.hovers}
        @change=${(event) => (this.hovers = event.currentTarget.checked)}>hear on hover</label></div>`;
  }

  #card(item, index) {
    const isHere = index === this.chosen;
    const { preset } = item;
    const picture = api.url(`/presets/${preset.id}/spectrogram`, { pitch: session.state.note.pitch, hold: 1, length: 1.5 });
    const most = item.moves.slice(0, 2).map((move) => move.name.replace(/[._]+/g, " ")).join(", ");
    return html`<div class="variation" role="option" tabindex=${isHere ? 0 : -1} aria-selected=${String(isHere)}
      title=${item.text} @click=${() => this.#choose(index)} @pointerenter=${() => this.#over(index)}
      @pointerleave=${() => clearTimeout(this.#hover)} @focus=${() => this.#focused(index)}>
      <div class="picture"><div style=${`mask-image:url("${picture}")`}></div></div>
      <div class="row"><strong><span class="unseen">Variation </span>${index + 1}</strong>
        <span class="quiet small cut">${this.#distance(item)}<span class="unseen"> away</span></span></div>
      <div class="small quiet cut">${most || " "}</div>
      ${this.kept.has(preset.id) ? html`<span class="star">${icon("star")}<span class="unseen">kept</span></span>` : nothing}
    </div>`;
  }

  #distance(item) {
    return `${item.distance_db.map((one) => one.toFixed(1)).join(" and ")} dB`;
  }

  #acts() {
    const item = this.items[this.chosen];
    const disabled = !item;
    return html`<div class="acts" role="group" aria-label="With the chosen variation">
      <button ?disabled=${disabled} title="Make this the parent (Enter)" @click=${() => this.#parent(item)}>Parent</button>
      <button ?disabled=${disabled} title="Keep it in the library (K)" @click=${() => this.#keep(item)}>${icon("star")} Keep</button>
      <span class="letters">${["a", "b", "c", "d"].map((letter) => html`<button class="plain" ?disabled=${disabled}
        aria-label=${`Put it into slot ${letter.toUpperCase()}`} title=${`Into slot ${letter.toUpperCase()}`}
        @click=${() => session.setSlot(letter, item.preset)}>${letter.toUpperCase()}</button>`)}</span>
    </div>`;
  }

  #key(event) {
    const columns = getComputedStyle(event.currentTarget).gridTemplateColumns.split(" ").length;
    const by = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[event.key];
    const item = this.items[this.chosen];
    if (!item) return;
    if (by) this.#walk(this.chosen + by);
    else if (event.key === "Home") this.#walk(0);
    else if (event.key === "End") this.#walk(this.items.length - 1);
    else if (event.key === "Enter") this.#parent(item);
    else if (event.key === " ") session.hear(item.preset);
    else if (event.key.toLowerCase() === "k") this.#keep(item);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  #walk(index) {
    if (index < 0 || index >= this.items.length) return;
    this.chosen = index;
    this.updateComplete.then(() => this.renderRoot.querySelectorAll(".variation")[index].focus());
  }

  #focused(index) {
    if (this.pressed) return; // the click that follows hears it
    this.chosen = index;
    session.hear(this.items[index].preset);
  }

  #choose(index) {
    this.chosen = index;
    session.hear(this.items[index].preset);
  }

  #over(index) {
    if (!this.hovers) return;
    clearTimeout(this.#hover);
    this.#hover = setTimeout(() => this.#choose(index), HOVER_MS);
  }

  #make = async () => {
    const { preset } = session.state;
    this.seed += 1;
    const request = this.mode === "vary"
      ? { kind: "vary", preset: preset.id, amount: this.amount, count: this.count, sections: this.sections, how: this.how }
      : { kind: "breed", presets: [preset.id, this.other || this.#parents()[0].preset.id], share: this.share, count: this.count };
    this.#abort = new AbortController();
    session.say(this.mode === "vary" ? "Varying" : "Breeding", "quiet");
    try {
      const result = await api.job({ ...request, lock: session.locksOf(preset), seed: this.seed }, (job) => (this.job = job), this.#abort.signal);
      this.#take(preset, result);
    } catch (error) {
      session.fail(error);
    } finally {
      this.#abort = null;
      this.job = null;
      this.requestUpdate();
    }
  };

  #take(parent, result) {
    this.chosen = 0;
    session.set({ variations: { parent, items: result.presets } });
    const notes = result.notes.length ? ` ${result.notes.join("; ")}` : "";
    session.say(`${result.presets.length} variations of ${parent.name || "the preset"}.${notes}`);
    this.updateComplete.then(() => this.renderRoot.querySelector(".variation")?.focus());
  }

  #parent(item) {
    const { parent } = session.state.variations; // what the panel compares with: it marks what the variation changed
    session.load(item.preset, `Make variation ${this.chosen + 1} the parent`, { origin: parent });
    session.say(`Variation ${this.chosen + 1} is the parent now`, "quiet");
  }

  async #keep(item) {
    try {
      const added = await api.post("/library/add", { preset: item.preset.id });
      await api.post(`/library/${encodeURIComponent(added.key)}/favourite`, { favourite: true });
      this.kept = new Set([...this.kept, item.preset.id]);
      session.say(`Variation ${this.chosen + 1} is kept among the favourites`);
    } catch (error) {
      session.fail(error);
    }
  }

  async #changed(names) {
    if (!names.some((name) => ["preset", "candidates", "slots", "variations", "note"].includes(name))) return;
    this.requestUpdate();
    const synth = session.state.preset?.synth;
    if (!synth || synth === this.#synth) return;
    this.#synth = synth;
    this.sections = [];
    try {
      const { panel } = await synthNamed(synth);
      if (synth === this.#synth) this.groups = sectionsOf(panel).flatMap((one) => one.groups).map((one) => one.group).filter(Boolean);
    } catch (error) {
      session.fail(error);
    }
  }
}

customElements.define("pf-variations", Variations);
