// <pf-sitting-maker>: makes a sitting: a target, presets that are compared with labels, the question, the seed.
//
// Presets come from matches of the sound, from files and from favourites. Two with different labels are a pair; several
// targets can be joined into one sitting. Event: "pf-sitting" {detail: the sitting, blinded}.

import { LitElement, css, html } from "lit";

import { api } from "./api.js";
import { icon, look, minutes, when } from "./studio-look.js";

const MOST_PAIRS = 200;
const MOST_MATCHES = 12; // the latest, whose candidates are offered

class SittingMaker extends LitElement {
  static properties = {
    sounds: { state: true }, target: { state: true }, offered: { state: true }, chosen: { state: true }, trials: { state: true },
    question: { state: true }, failed: { state: true }, busy: { state: true },
  };

  static styles = [look, css`
    :host { display: block; }
    .card { padding: 24px; display: grid; gap: 20px; }
    h1 { font-size: 22px; } fieldset { border: 0; padding: 0; margin: 0; display: grid; gap: 8px; min-width: 0; }
    legend { font-size: 13px; font-weight: 650; padding: 0; margin-bottom: 8px; }
    .question { display: grid; grid-template-columns: 1fr 1fr; gap: 8px; }
    .question label { border: 1px solid var(--pf-line); border-radius: 10px; padding: 12px 16px; display: flex; gap: 12px; cursor: pointer; }
    .question label:has(:checked) { border-color: var(--pf-accent); background: var(--pf-accent-soft); }
    .two { display: grid; grid-template-columns: 1fr 1fr; gap: 24px; align-items: start; }
    ul { list-style: none; margin: 0; padding: 0; max-height: 300px; overflow-y: auto; scrollbar-width: thin; border: 1px solid var(--pf-line); border-radius: 10px; }
    li { display: flex; gap: 8px; align-items: center; padding: 4px 4px 4px 12px; min-height: 38px; border-bottom: 1px solid var(--pf-line); }
    li:last-child { border-bottom: 0; } li.head { font-size: 11px; color: var(--pf-quiet); font-weight: 650; min-height: 28px; background: var(--pf-well); }
    li input[type="text"] { width: 10em; }
    .nothing { padding: 16px; color: var(--pf-quiet); }
    @media (max-width: 640px) { .two, .question { grid-template-columns: 1fr; } }
  `];

  constructor() {
    super();
    Object.assign(this, { sounds: [], target: "", offered: [], chosen: [], trials: [], question: "closer", failed: "", busy: false });
  }

  connectedCallback() {
    super.connectedCallback();
    this.#load();
  }

  render() {
    const pairs = pairsOf(this.chosen).length;
    const all = this.trials.length + pairs;
    return html`<section class="card" aria-label="A new sitting">
      <div><h1>Which is closer, and who says so?</h1>
        <p class="quiet">Two presets, one after the other, the target right before each, equally loud. Every pair comes in both orders, shuffled;
          nobody learns which was which before the end.</p></div>
      ${this.failed ? html`<p class="bad" role="alert">${this.failed}</p>` : ""}
      <fieldset><legend>The question of this sitting</legend><div class="question">
        ${this.#ask("closer", "Closer?", "Which sounds more like the target")}${this.#ask("better", "The better patch?", "Which one you would rather play")}</div></fieldset>
      <fieldset><legend>Target</legend><div class="row"><select class="grow" aria-label="Target" @change=${(event) => this.#aim(event.target.value)}>
        ${this.sounds.length ? "" : html`<option value="">no sound yet</option>`}
        ${this.sounds.map((sound) => html`<option value=${sound.id} ?selected=${sound.id === this.target}>${sound.name} (${sound.heard.note || "no pitch"}, ${sound.seconds.toFixed(1)} s)</option>`)}
        </select><button @click=${() => this.#pickFile("sound")}>${icon("open")} A sound</button></div></fieldset>
      <div class="two">
        <fieldset><legend>What there is</legend>${this.#offer()}<div class="row"><button @click=${() => this.#pickFile("preset")}>${icon("open")} Preset files</button></div></fieldset>
        <fieldset><legend>What is compared</legend>${this.#choice()}
          <p class="small quiet">Two with different labels are a pair: name methods, not presets, to compare methods.</p></fieldset>
      </div>
      <div class="row wrap"><span class="grow">${all ? html`<strong>${2 * all} trials</strong> <span class="quiet">of ${all} pair${all === 1 ? "" : "s"}, about
          ${minutes(2 * all * 14)}</span>` : html`<span class="quiet">Choose at least two presets.</span>`}</span>
        <button ?disabled=${!pairs || this.busy} @click=${this.#more}>Add another target</button>
        <button class="main" ?disabled=${!all || all > MOST_PAIRS || this.busy} @click=${this.#make}>Begin</button></div>
      <input type="file" multiple hidden aria-label="Files" @change=${this.#taken}>
    </section>`;
  }

  #ask(name, title, text) {
    return html`<label><input type="radio" name="question" value=${name} .checked=${this.question === name} @change=${() => { this.question = name; }}>
      <span><strong>${title}</strong><br><span class="quiet small">${text}</span></span></label>`;
  }

  #offer() {
    if (!this.offered.length) return html`<ul><li class="nothing">Match a sound in the studio, star presets in the library, or choose files.</li></ul>`;
    return html`<ul>${this.offered.map(({ title, items }) => html`<li class="head">${title}</li>
      ${items.map((item) => html`<li><span class="grow cut">${item.name}</span><span class="tag">${item.synth}</span>
        <button class="plain icon" aria-label="Compare ${item.name}" ?disabled=${this.#has(item)} @click=${() => this.#add(item)}>+</button></li>`)}`)}</ul>`;
  }

  #choice() {
    if (!this.chosen.length) return html`<ul><li class="nothing">Nothing yet</li></ul>`;
    return html`<ul>${this.chosen.map((item, at) => html`<li><span class="grow cut">${item.name}</span>
      <input type="text" maxlength="80" aria-label="Label of ${item.name}" .value=${item.label} @change=${(event) => this.#label(at, event.target.value)}>
      <button class="plain icon" aria-label="Leave ${item.name} out" @click=${() => { this.chosen = this.chosen.filter((one) => one !== item); }}>${icon("close")}</button></li>`)}</ul>`;
  }

  async #load() {
    try {
      this.sounds = await api.get("/sounds");
      await this.#aim(this.target || this.sounds[0]?.id || "");
    } catch (error) {
      this.failed = error.message;
    }
  }

  async #aim(id) {
    this.target = id;
    const [jobs, starred] = await Promise.all([api.get("/jobs").catch(() => []), api.get("/library", { favourites: "true", limit: 100 }).catch(() => null)]);
    const matches = jobs.filter((job) => job.kind === "match" && job.request.sound === id).slice(0, MOST_MATCHES);
    const whole = await Promise.all(matches.map((job) => api.get(`/jobs/${job.id}`).catch(() => job))); // a list has no results
    const groups = [];
    for (const job of whole) {
      const candidates = job.result?.candidates ?? [];
      if (!candidates.length) continue;
      const isDone = job.state === "done"; // then they have numbers in their names
      const items = candidates.map((one, at) => ({ ...named(one.preset, isDone ? 0 : at + 1), preset: one.preset.id, note: one.note }));
      groups.push({ title: `Match of ${when(job.created)}`, items });
    }
    const favourites = (starred?.entries ?? []).map((one) => ({ ...named(one), key: one.key }));
    if (favourites.length) groups.push({ title: "Favourites", items: favourites });
    this.offered = [...groups, ...this.offered.filter(({ title }) => title === "Files")];
  }

  #has(item) {
    return this.chosen.some((one) => (one.preset ?? one.key) === (item.preset ?? item.key));
  }

  #add(item) {
    const same = this.chosen.filter((one) => one.label === item.name).length;
    this.chosen = [...this.chosen, { ...item, label: same ? `${item.name} ${same + 1}` : item.name }];
  }

  #label(at, text) {
    this.chosen = this.chosen.map((item, i) => (i === at ? { ...item, label: text.trim() || item.name } : item));
  }

  #pickFile(kind) {
    this.kind = kind;
    this.renderRoot.querySelector("input[type=file]").click();
  }

  async #taken(event) {
    const files = [...event.target.files];
    event.target.value = "";
    this.failed = "";
    for (const file of files) {
      try {
        if (this.kind === "sound") {
          const sound = await api.upload("/sounds", file, { name: file.name });
          this.target = sound.id;
          await this.#load();
        } else this.#offerFile(await api.upload("/presets", file, { name: file.name }));
      } catch (error) {
        this.failed = `${file.name}: ${error.message}`;
      }
    }
  }

  #offerFile({ presets }) {
    const old = this.offered.find(({ title }) => title === "Files")?.items ?? [];
    const items = [...old, ...presets.map((preset) => ({ ...named(preset), preset: preset.id }))];
    this.offered = [...this.offered.filter(({ title }) => title !== "Files"), { title: "Files", items }];
  }

  /** The pairs of the present target, as the server takes them; presets of the library are taken into the workspace. */
  async #now() {
    const there = await Promise.all(this.chosen.map(async (item) => {
      const preset = item.preset ?? (await api.get(`/library/${item.key}/preset`)).id;
      return { label: item.label, source: item.note ? { preset, note: item.note } : preset };
    }));
    return pairsOf(there).map(([a, b]) => ({ target: this.target || a.source, a: a.source, b: b.source, labels: [a.label, b.label] }));
  }

  async #more() {
    this.busy = true;
    try {
      this.trials = [...this.trials, ...(await this.#now())];
      this.chosen = [];
    } catch (error) {
      this.failed = error.message;
    }
    this.busy = false;
  }

  async #make() {
    this.busy = true;
    try {
      if (!this.target) throw new Error("Choose a target first: a sound to compare with.");
      const trials = [...this.trials, ...(await this.#now())];
      const seed = crypto.getRandomValues(new Uint32Array(1))[0];
      const sitting = await api.post("/listening", { question: this.question, trials, seed });
      this.dispatchEvent(new CustomEvent("pf-sitting", { detail: sitting }));
    } catch (error) {
      this.failed = error.message;
    }
    this.busy = false;
  }
}

/** Every two that have different labels. */
function pairsOf(items) {
  const found = [];
  items.forEach((a, at) => items.slice(at + 1).forEach((b) => { if (a.label !== b.label) found.push([a, b]); }));
  return found;
}

function named({ name, synth }, rank = 0) {
  return { name: `${rank ? `${rank} ` : ""}${name || "(no name)"}`, synth };
}

customElements.define("pf-sitting-maker", SittingMaker);
export { SittingMaker };
