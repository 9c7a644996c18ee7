// <pf-labels>: the preset that is current in a list: load it, find more like it, keep it, give it tags and a category.
//
// `entry` is one of the library's. Events: "pf-labelled" {detail: the entry as it is now}, "pf-like" {detail: the entry}.

import { LitElement, css, html } from "lit";

import { api } from "./api.js";
import { hits } from "./hits.js";
import { session } from "./session.js";
import { icon, look } from "./studio-look.js";

const CATEGORIES = [
  "Bass", "Drums", "Bells", "Mallets", "Organ", "Keys", "Plucked", "Brass", "Woodwind", "Strings", "Voice", "Lead",
  "Pad", "Sequence", "Effects",
];

class PresetLabels extends LitElement {
  static properties = { entry: { attribute: false }, adding: { state: true } };

  static styles = [look, css`
    :host { display: block; }
    .bar { display: flex; align-items: center; gap: 8px; min-height: 52px; padding: 8px 12px; }
    .who { min-width: 120px; flex: 0 1 auto; line-height: 1.25; }
    .tags { display: flex; gap: 4px; flex: 1 1 0; min-width: 0; overflow: hidden; align-items: center; }
    .own { min-height: 24px; padding: 0 8px; font-size: 12px; border-radius: 99px; gap: 4px; border-color: var(--pf-second); }
    .own svg { width: 12px; height: 12px; }
    input[type="text"] { width: 9em; min-height: 28px; }
    @media (max-width: 700px) { .tags { display: none; } }
  `];

  constructor() {
    super();
    this.entry = null;
    this.adding = false;
  }

  render() {
    const { entry } = this;
    if (!entry) {
      return html`<div class="bar quiet small"><kbd>↑</kbd><kbd>↓</kbd> hear <kbd>Enter</kbd> load <kbd>*</kbd> favourite <kbd>/</kbd> search</div>`;
    }
    const mine = entry.origin === "library";
    return html`<div class="bar">
      <button class="icon round" aria-label="Hear ${entry.name}" title="Hear it (Space)" @click=${() => hits.hear(entry)}>${icon("play")}</button>
      <div class="who"><strong class="cut" style="display:block">${entry.name || "(no name)"}</strong>
        <span class="quiet small">${[entry.category, entry.synth, mine ? "library" : "bank"].filter(Boolean).join(" · ")}</span></div>
      <div class="tags">${mine ? this.#editor() : entry.tags.slice(0, 6).map((tag) => html`<span class="tag">${tag}</span>`)}</div>
      ${mine ? this.#category() : html`<button @click=${this.#keep}>Add to my library</button>`}
      <button @click=${() => this.#tell("pf-like", entry)}>More like it</button>
      <button class="main" @click=${() => hits.load(entry)}>Load</button>
    </div>`;
  }

  #editor() {
    const { own_tags: own, tags } = this.entry;
    const others = tags.filter((tag) => !own.includes(tag)).slice(0, 3);
    return html`${others.map((tag) => html`<span class="tag">${tag}</span>`)}
      ${own.map((tag) => html`<button class="own" aria-label="Take the tag ${tag} away" @click=${() => this.#write(own.filter((one) => one !== tag))}>
        ${tag} ${icon("close")}</button>`)}
      ${this.adding ? html`<form @submit=${this.#add}><input type="text" name="tag" maxlength="60" aria-label="New tag" autocomplete="off"
          @keydown=${this.#typing} @blur=${() => { this.adding = false; }}></form>`
        : html`<button class="plain small" style="min-height:28px" @click=${() => { this.adding = true; }}>+ Tag</button>`}`;
  }

  #category() {
    const { category } = this.entry;
    const all = CATEGORIES.includes(category) || !category ? CATEGORIES : [category, ...CATEGORIES];
    return html`<select aria-label="Category" @change=${(event) => this.#write(this.entry.own_tags, event.target.value)}>
      <option value="" ?selected=${!category}>no category</option>
      ${all.map((name) => html`<option ?selected=${name === category}>${name}</option>`)}</select>`;
  }

  updated(changed) {
    if (changed.has("adding") && this.adding) this.renderRoot.querySelector("input").focus();
  }

  #typing(event) {
    event.stopPropagation();
    if (event.key === "Escape") this.adding = false;
  }

  #add(event) {
    event.preventDefault();
    const tag = new FormData(event.target).get("tag").trim();
    this.adding = false;
    if (tag) this.#write([...new Set([...this.entry.own_tags, tag])]);
  }

  async #write(tags, category = null) {
    try {
      this.#tell("pf-labelled", await api.post(`/library/${this.entry.key}/labels`, { tags, category }));
    } catch (error) {
      session.fail(error);
    }
  }

  async #keep() {
    try {
      const preset = await api.get(`/library/${this.entry.key}/preset`);
      const added = await api.post("/library/add", { preset: preset.id });
      session.say(`${added.name} is in your library`);
      this.#tell("pf-labelled", {});
    } catch (error) {
      session.fail(error);
    }
  }

  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

customElements.define("pf-labels", PresetLabels);
export { PresetLabels };
