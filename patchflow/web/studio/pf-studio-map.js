// <pf-studio-map>: all presets as points, near each other where they sound alike: hear, load, lasso a bank, colours,
// filters; where the target and the current preset lie. The picture is that of `patchflow map` (pf-map-view.js).

import { LitElement, css, html } from "lit";

import { MapData } from "../pf-map-data.js";
import { DARK, LIGHT, MapColours } from "../pf-map-look.js";
import { MapView } from "../pf-map-view.js";
import { api } from "./api.js";
import { hits } from "./hits.js";
import { Listens } from "./listens.js";
import { MAP_SHEET, givenOf } from "./map-parts.js";
import { saved } from "./saving.js";
import { session } from "./session.js";
import { engine } from "./sound-engine.js";
import { icon, look } from "./studio-look.js";

const STILL = 70; // ms that a pointer stays on a preset before it is heard
const REST = 300; // ms after the last change before a mark is placed anew
const LISTED = 200; // rows of what is picked
const CHIPS = 9;
const STEP = 70; // pixels that Shift and an arrow key move
const FIELDS = { category: "Category", synth: "Synth", tag: "Tag" };

class StudioMap extends LitElement {
  static properties = {
    data: { state: true }, failed: { state: true }, by: { state: true }, over: { state: true }, picked: { state: true },
    lassoing: { state: true }, chosen: { state: true }, how: { state: true }, waiting: { state: true }, unfolded: { state: true },
  };

  static styles = [look, MAP_SHEET, css`:host { display: block; height: 100%; min-height: 0; }`];

  constructor() {
    super();
    Object.assign(this, { data: null, failed: "", by: "category", over: -1, picked: [], chosen: -1, how: "pca" });
    this.lassoing = false;
    this.waiting = true;
    this.unfolded = false;
    this.query = "";
    this.placed = {}; // what was asked for each mark, and where it is
    new Listens(this, session, { change: (event) => this.#changed(event.detail) });
    new Listens(this, hits, { imported: () => { this.stale = true; this.#again(); }, at: () => this.#follow() });
    new Listens(this, matchMedia("(prefers-color-scheme: dark)"), { change: () => this.#paint() });
  }

  connectedCallback() {
    super.connectedCallback();
    this.themes = new MutationObserver(() => this.#paint());
    this.themes.observe(document.documentElement, { attributeFilter: ["data-theme"] });
    this.#load();
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.themes.disconnect();
    this.view?.close();
  }

  render() {
    return html`<div class="all card">
      <div class="field" @pointerleave=${() => this.#hover(-1)}>
        <div class="host"></div>
        ${this.#axes()}
        <label class="find"><span class="unseen">Search the map</span><input type="search" placeholder="Name, tag or category" autocomplete="off"
          spellcheck="false" @input=${this.#searched}></label>
        <div class="tools" role="group" aria-label="Map">
          ${this.#tool("+", "Zoom in (+)", () => this.view?.zoom(1.8, undefined, undefined, true))}
          ${this.#tool("−", "Zoom out (−)", () => this.view?.zoom(1 / 1.8, undefined, undefined, true))}
          ${this.#tool("⤢", "Show all (0)", () => this.view?.home())}
          <button class="icon" title="Lasso, or drag with Shift" aria-label="Lasso" aria-pressed=${String(this.lassoing)}
            @click=${() => this.#lasso(!this.lassoing)}>${lassoIcon()}</button>
        </div>
        ${this.#marksOf()}${this.#tip()}${this.#notice()}
      </div>
      <aside aria-label="Colours and presets">
        ${this.data ? html`${this.#colourBox()}${this.#pickedBox()}${this.#detail()}` : ""}
      </aside>
    </div>`;
  }

  #tool(text, title, call) {
    return html`<button class="icon" title=${title} aria-label=${title} @click=${call}>${text}</button>`;
  }

  #notice() {
    if (this.failed) return html`<div class="notice"><strong>The map cannot be drawn.</strong><span class="quiet">${this.failed}</span>
      <button @click=${() => this.#load()}>Try again</button></div>`;
    if (this.waiting) return html`<div class="notice quiet" role="status">Finding places…</div>`;
    if (this.data && !this.data.count) return html`<div class="notice"><strong>Nothing to show yet</strong>
      <span class="quiet">Presets get their place when somebody has listened to them: Library, “Listen to them”.</span></div>`;
    return "";
  }

  #axes() {
    const sides = [["left", "right"], ["bottom", "top"]];
    return (this.axes ?? []).map((axis, at) => (axis ? html`<span class="axis ${sides[at][0]}">${at ? "↓" : "←"} ${axis[0]}</span>
      <span class="axis ${sides[at][1]}">${at ? `↑ ${axis[1]}` : `${axis[1]} →`}</span>` : ""));
  }

  #marksOf() {
    const there = this.view?.marks ?? [];
    return there.length ? html`<div class="marks" aria-hidden="true">${there.map((mark) => html`<span style="color:${mark.colour}">◆
      ${mark.kind}</span>`)}</div>` : "";
  }

  #tip() {
    if (this.over < 0 || !this.data) return html`<div class="tip" hidden></div>`;
    const i = this.over;
    const [x, y] = this.view.pixel(i);
    const { width, height } = this.view.view;
    const at = `left:${Math.min(x + 16, width - 250)}px;top:${y > height - 90 ? y - 60 : y + 16}px`;
    return html`<div class="tip" style=${at} aria-hidden="true"><strong class="cut">${this.data.names[i] || "(no name)"}</strong>
      <span>${this.#about(i)}</span></div>`;
  }

  #colourBox() {
    const { measures, fields } = this.data;
    return html`<section>
      <div class="row"><label class="grow row small quiet">Colour <select class="grow" aria-label="What colours stand for" @change=${this.#colourBy}>
        ${Object.entries(FIELDS).filter(([name]) => fields[name].names.some(Boolean)).map(([name, title]) => html`<option value=${name}
          ?selected=${this.by === name}>${title}</option>`)}
        <optgroup label="Attribute">${measures.map((measure, m) => html`<option value=${m} ?selected=${this.by === m}>${measure.name}</option>`)}</optgroup>
      </select></label>
      <select aria-label="How places are found" title="How places are found" @change=${this.#howTo}><option value="pca" ?selected=${this.how === "pca"}>Axes</option>
        <option value="umap" ?selected=${this.how === "umap"}>Groups</option></select></div>
      ${typeof this.by === "number" ? this.#range() : this.#chips()}
      ${this.#pills()}
    </section>`;
  }

  #chips() {
    const field = this.data.fields[this.by];
    const on = this.data.filters.get(this.by) ?? new Set();
    const order = this.colours.order();
    const shown = this.unfolded ? order : order.slice(0, CHIPS);
    return html`<ul class="chips">${shown.map((value) => html`<li><button class="dot" aria-pressed=${String(on.has(value))}
      style="--dot:${this.colours.ofValue(value)}" @click=${() => this.#toggleValue(value)}><i></i>${field.names[value] || "none"}
      <small>${field.counts[value].toLocaleString("en")}</small></button></li>`)}
      ${order.length > shown.length ? html`<li><button class="plain small" @click=${() => { this.unfolded = true; }}>${order.length - shown.length} more</button></li>` : ""}</ul>`;
  }

  #range() {
    const measure = this.data.measures[this.by];
    const [low, high] = this.data.filters.get(this.by) ?? [0, 1];
    const slider = (end, value) => html`<label class="row small quiet">${end} <input class="grow" type="range" min="0" max="100" .value=${String(Math.round(100 * value))}
      aria-label="${measure.name}, ${end}, per cent of the presets" @input=${(event) => this.#ranged(end, Number(event.target.value) / 100)}></label>`;
    return html`<div class="ramp" style="background:linear-gradient(to right, ${this.colours.palette.ramp.join(", ")})"></div>
      <div class="ends small quiet"><span>${measure.low}</span><span>${measure.high}</span></div>
      ${slider("from", low)}${slider("to", high)}<p class="small quiet">${measure.meaning}</p>`;
  }

  #pills() {
    const others = [...this.data.filters].filter(([by]) => by !== this.by);
    if (!others.length) return "";
    return html`<div class="row wrap">${others.map(([by, values]) => {
      const text = typeof by === "number" ? `${this.data.measures[by].name} ${Math.round(100 * values[0])}–${Math.round(100 * values[1])} %`
        : [...values].map((value) => this.data.fields[by].names[value] || "none").join(", ");
      return html`<button class="chip" aria-pressed="true" aria-label="Take the filter ${text} away" @click=${() => this.#clear(by)}>${text} ${icon("close")}</button>`;
    })}</div>`;
  }

  #detail() {
    const i = this.chosen;
    if (i < 0) return html`<section class="quiet small">Point at a preset to hear it, click to load it. Drag with Shift to pick a bank.</section>`;
    const bars = this.data.measures.map((measure, m) => {
      const rank = this.data.rank(i, m);
      return html`<dt title=${measure.meaning}>${measure.low}</dt><dd class="bar" title="${measure.name}: ${this.data.text(i, m)}">
        ${Number.isNaN(rank) ? "" : html`<i style="left:${100 * rank}%"></i>`}</dd><dd class="high">${measure.high}</dd>`;
    });
    return html`<section>
      <div class="row"><div class="grow"><h2 class="cut">${this.data.names[i] || "(no name)"}</h2><span class="small quiet">${this.#about(i)}</span></div>
        <button class="icon round" aria-label="Hear it" @click=${() => this.#hear(i)}>${icon("play")}</button>
        <button class="main" @click=${() => this.#take(i)}>Load</button></div>
      <dl class="bars">${bars}</dl></section>`;
  }

  #pickedBox() {
    const { picked } = this;
    if (!picked.length) return "";
    return html`<section class="picked">
      <div class="row"><h2 class="grow" style="white-space:nowrap">${picked.length.toLocaleString("en")} picked</h2>
        <button class="plain small" @click=${() => this.#pick([])}>Drop</button>
        <button ?disabled=${picked.length > 1000} @click=${this.#saveBank}>${icon("download")} Save bank</button></div>
      <ol>${picked.slice(0, LISTED).map((i) => html`<li><button class="plain" aria-current=${String(i === this.chosen)} style="--dot:${this.colours.of(i)}"
        @pointerenter=${() => this.#hover(i)} @click=${() => this.#choose(i)}><i></i><span class="cut">${this.data.names[i] || "(no name)"}</span></button></li>`)}</ol>
      ${picked.length > LISTED ? html`<p class="small quiet">and ${(picked.length - LISTED).toLocaleString("en")} more</p>` : ""}</section>`;
  }

  // ------------------------------------------------------------------------------------------------------ the picture

  async #load() {
    this.failed = "";
    this.waiting = true;
    this.stale = false;
    try {
      const found = await api.get("/map", { how: this.how });
      this.#draw(found);
    } catch (error) {
      this.failed = error.message;
      if (this.how !== "pca") this.how = "pca"; // UMAP is an extra that is not always there
    }
    this.waiting = false;
  }

  #draw(found) {
    const data = new MapData(givenOf(found));
    this.axes = found.meanings.map((name, at) => {
      const measure = found.about.find((one) => one.name === name);
      if (!measure) return null;
      return found.directions[at] > 0 ? [measure.low, measure.high] : [measure.high, measure.low];
    });
    this.rowOf = new Map(data.numbers.map((key, i) => [key, i]));
    this.data = data;
    if (typeof this.by === "string" && !data.fields[this.by].names.some(Boolean)) this.by = "synth";
    this.colours = new MapColours(data, this.by);
    this.chosen = this.rowOf.get(hits.key) ?? -1;
    this.picked = [];
    this.updateComplete.then(() => this.#stage());
  }

  /** Makes the canvases anew: gestures of an earlier map end with its element. */
  #stage() {
    const host = this.renderRoot.querySelector(".host");
    this.view?.close();
    const stage = document.createElement("div");
    Object.assign(stage, { className: "stage", tabIndex: 0 });
    stage.setAttribute("role", "application");
    stage.setAttribute("aria-label", "Map of presets: arrow keys go from one to the next, Enter loads, plus and minus zoom");
    const [points, above] = [document.createElement("canvas"), document.createElement("canvas")];
    stage.append(points, above);
    stage.addEventListener("keydown", (event) => this.#key(event));
    host.replaceChildren(stage);
    this.view = new MapView(stage, points, above, this.data, {
      hover: (i) => this.#hover(i),
      choose: (i, event) => this.#clicked(i, event),
      drawn: (list, adds) => this.#pick(adds ? [...new Set([...this.picked, ...list])] : list),
      moved: () => this.over >= 0 && this.requestUpdate(),
    });
    this.view.chosen = this.chosen;
    this.#paint();
    this.#marks();
  }

  #paint() {
    if (!this.view || !this.data) return;
    const dark = getComputedStyle(document.documentElement).colorScheme.startsWith("dark");
    this.colours.palette = dark ? DARK : LIGHT;
    this.colours.by = this.by;
    const style = getComputedStyle(this);
    const inks = Object.fromEntries(["ink", "quiet", "ground", "accent"].map((name) => [name, style.getPropertyValue(`--pf-${name}`).trim()]));
    const { tints, layers } = this.colours.tints();
    this.view.paint(tints, layers, inks);
    this.#inks();
    this.requestUpdate();
  }

  // -------------------------------------------------------------------------------- the target and the current preset

  #changed(names) {
    if (names.some((name) => ["sound", "part", "preset"].includes(name))) this.#again();
    if (names.includes("view")) this.#again();
  }

  #again() {
    clearTimeout(this.soon);
    this.soon = setTimeout(() => {
      if (session.state.view !== "explore") return;
      if (this.stale) this.#load();
      else this.#marks();
    }, REST);
  }

  async #marks() {
    if (!this.view || !this.data?.count) return;
    const { sound, part, preset } = session.state;
    const asked = {
      target: sound ? { sound: sound.id, start: part?.start ?? null, end: part?.end ?? null } : null,
      current: preset ? { preset: preset.id } : null,
    };
    for (const [kind, body] of Object.entries(asked)) await this.#place(kind, body);
    const marks = Object.entries(this.placed).filter(([, { at }]) => at).map(([kind, { at }]) => ({
      ...at, kind: kind === "target" ? "target" : "current preset", text: this.#markText(kind),
    }));
    this.view.marks = marks;
    this.#inks();
    this.view.draw();
    this.requestUpdate();
  }

  #markText(kind) {
    if (kind === "target") return "target";
    return this.chosen >= 0 ? "" : session.state.preset?.name ?? ""; // the chosen point has its name already
  }

  async #place(kind, body) {
    const text = JSON.stringify(body);
    if (this.placed[kind]?.text === text) return;
    this.placed[kind] = { text, at: null };
    if (!body || this.how !== "pca") return;
    try {
      const at = await api.post("/map/place", body);
      if (this.placed[kind].text === text) this.placed[kind].at = at;
    } catch (error) {
      if (error.status !== 422) session.fail(error); // silence is nowhere
    }
  }

  #inks() {
    const style = getComputedStyle(this);
    for (const mark of this.view.marks) mark.colour = style.getPropertyValue(mark.kind === "target" ? "--pf-accent" : "--pf-second").trim();
  }

  // --------------------------------------------------------------------------------------------------------- gestures

  #entry(i) {
    const { names, numbers, fields } = this.data;
    const of = (name) => fields[name].names[fields[name].first(i)] ?? "";
    return { key: numbers[i], name: names[i], category: of("category"), synth: of("synth"), tags: [] };
  }

  #about(i) {
    const { category, synth } = this.#entry(i);
    return [category, synth, this.data.numbers[i].includes(":") ? "bank" : "library"].filter(Boolean).join(" · ");
  }

  #hear(i) {
    return hits.hear(this.#entry(i), (seconds) => this.view.sounding(i, seconds));
  }

  #hover(i) {
    clearTimeout(this.resting);
    this.over = i;
    if (!this.view) return;
    if (this.view.hovered !== i) {
      this.view.hovered = i;
      this.view.draw();
    }
    this.renderRoot.querySelector(".stage")?.classList.toggle("on", i >= 0);
    if (i >= 0) this.resting = setTimeout(() => this.#hear(i), STILL);
  }

  #clicked(i, event) {
    if (i < 0) return this.#choose(-1);
    if (event.ctrlKey || event.metaKey) return this.#pick(this.picked.includes(i) ? this.picked.filter((one) => one !== i) : [...this.picked, i]);
    clearTimeout(this.resting);
    this.#choose(i, { reveal: false, hear: false });
    return this.#take(i);
  }

  /** Shows a preset in the column beside, and hears it. */
  #choose(i, { reveal = true, hear = true } = {}) {
    this.chosen = i;
    this.view.chosen = i;
    if (i >= 0 && reveal) this.view.reveal(i);
    this.view.draw();
    if (i < 0) return;
    session.say(`${this.data.names[i]}, ${this.#about(i)}`, "quiet");
    if (hear) this.#hear(i);
  }

  #take(i) {
    engine.stopSound();
    return hits.load(this.#entry(i));
  }

  #follow() {
    const i = this.rowOf?.get(hits.key) ?? -1;
    if (i < 0 || !this.view || i === this.chosen) return;
    this.chosen = i;
    this.view.chosen = i;
    this.view.draw();
  }

  #pick(list) {
    this.picked = list.filter((i) => this.data.shown[i]);
    this.view.picked = new Set(this.picked);
    this.view.draw();
    this.#lasso(false);
    session.say(this.picked.length ? `${this.picked.length} picked` : "Nothing picked", "quiet");
  }

  #lasso(on) {
    this.lassoing = on;
    this.view.lassoMode = on;
    this.renderRoot.querySelector(".stage").classList.toggle("lassoing", on);
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { view, data } = this;
    const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
    const calls = {
      "+": () => view.zoom(1.6, undefined, undefined, true), "=": () => view.zoom(1.6, undefined, undefined, true),
      "-": () => view.zoom(1 / 1.6, undefined, undefined, true), 0: () => view.home(),
      Enter: () => this.chosen >= 0 && this.#take(this.chosen), " ": () => this.chosen >= 0 && this.#hear(this.chosen),
      Escape: () => (this.lassoing ? this.#lasso(false) : this.picked.length ? this.#pick([]) : this.#choose(-1)),
    };
    const move = arrows[event.key];
    if (move && event.shiftKey) view.pan(-move[0] * STEP, move[1] * STEP, true);
    else if (move) {
      const [x, y] = view.place(view.view.width / 2, view.view.height / 2);
      const next = this.chosen < 0 ? data.nearest(x, y, Infinity) : data.beyond(this.chosen, ...move);
      if (next >= 0) this.#choose(next);
    } else if (calls[event.key]) calls[event.key]();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  #searched(event) {
    this.data?.search(event.target.value);
    this.#paint();
  }

  #colourBy(event) {
    const { value } = event.target;
    this.by = value in FIELDS ? value : Number(value);
    this.unfolded = false;
    this.#paint();
  }

  #howTo(event) {
    this.how = event.target.value;
    this.placed = {};
    this.#load();
  }

  #toggleValue(value) {
    const on = new Set(this.data.filters.get(this.by) ?? []);
    if (!on.delete(value)) on.add(value);
    this.data.filter(this.by, on);
    this.#paint();
  }

  #ranged(end, value) {
    const [low, high] = this.data.filters.get(this.by) ?? [0, 1];
    const next = end === "from" ? [value, high] : [low, value];
    this.data.filterRange(this.by, Math.min(...next), Math.max(...next));
    this.#paint();
  }

  #clear(by) {
    if (typeof by === "number") this.data.filterRange(by, 0, 1);
    else this.data.filter(by, new Set());
    this.#paint();
  }

  /** Saves what is picked as one bank, or as an archive where there is none for these synths. */
  async #saveBank() {
    try {
      const keys = this.picked.map((i) => this.data.numbers[i]);
      const presets = await api.post("/library/presets", { keys });
      await saved("/bank", { presets: presets.map(({ id }) => id), name: "picked" });
      session.say(`${keys.length} presets saved`);
    } catch (error) {
      session.fail(error);
    }
  }
}

function lassoIcon() {
  return html`<svg class="icon" viewBox="0 0 20 20" aria-hidden="true"><path d="M10 4c4 0 6.500 1.600 6.500 3.800S14 11.600 10 11.600 3.500 10 3.500 7.800 6 4 10 4zM6 11.300c-.8 2.200.6 4.400 3.500 5"></path></svg>`;
}

customElements.define("pf-studio-map", StudioMap);
export { StudioMap };
