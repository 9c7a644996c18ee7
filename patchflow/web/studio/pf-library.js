// <pf-library>: the presets of the library and of the bank that comes with patchflow: searched by words, like a sound or
// a preset, filtered, heard, loaded, starred, labelled; files dropped on it are imported. Only the rows in sight exist.

import { LitElement, css, html, nothing } from "lit";

import { DARK, LIGHT } from "../pf-map-look.js";
import { api } from "./api.js";
import { arrowIsFree, hits } from "./hits.js";
import { Listens } from "./listens.js";
import "./pf-labels.js";
import { session } from "./session.js";
import { icon, look } from "./studio-look.js";

const ROW = 42; // pixels
const PAGE = 200; // entries that are fetched at once
const BEYOND = 6; // rows above and below those in sight
const PATIENCE = 160; // ms after the last letter
const FOUND = 500; // hits of a search
const PLAYED = 100; // of these that are played beside the sound, if that is asked for
const SHOWN = 9; // categories and tags, before one asks for more

class PresetLibrary extends LitElement {
  static properties = {
    words: { state: true }, like: { state: true }, played: { state: true }, filters: { state: true }, facets: { state: true }, total: { state: true },
    answer: { state: true }, first: { state: true }, height: { state: true }, unfolded: { state: true }, busy: { state: true },
    listening: { state: true }, failed: { state: true }, report: { state: true },
  };

  static styles = [look, css`
    :host { display: block; height: 100%; min-height: 0; }
    .all { height: 100%; display: grid; grid-template: auto minmax(0, 1fr) auto / 184px minmax(0, 1fr); overflow: hidden; }
    .top { grid-column: 1 / -1; padding: 12px 12px 10px; border-bottom: 1px solid var(--pf-line); display: grid; gap: 8px; }
    .bar { display: flex; flex-wrap: wrap; gap: 8px; align-items: center; min-width: 0; }
    .find { position: relative; flex: 1 1 280px; }
    .find svg { position: absolute; left: 10px; top: 50%; translate: 0 -50%; width: 18px; height: 18px; fill: none;
      stroke: var(--pf-quiet); stroke-width: 1.7; stroke-linecap: round; pointer-events: none; }
    .find input { width: 100%; padding-left: 36px; min-height: 38px; font-size: 15px; border-radius: 10px; }
    .said { min-height: 20px; font-size: 12px; color: var(--pf-quiet); display: flex; gap: 12px; align-items: baseline; }
    .said b { color: var(--pf-second); font-weight: 600; }
    aside { overflow-y: auto; padding: 12px 8px 12px 12px; border-right: 1px solid var(--pf-line); scrollbar-width: thin; }
    aside h2 { margin: 12px 0 4px 8px; font-size: 11px; font-weight: 600; color: var(--pf-quiet); }
    aside h2:first-child { margin-top: 0; }
    aside ul { list-style: none; margin: 0; padding: 0; }
    .facet { width: 100%; min-height: 28px; padding: 0 8px; justify-content: space-between; background: none; border-color: transparent;
      font-size: 13px; border-radius: 6px; }
    .facet small { color: var(--pf-quiet); font-size: 11px; }
    .facet[aria-pressed="true"] { background: var(--pf-accent-soft); border-color: var(--pf-accent); }
    .list { position: relative; min-height: 0; display: grid; grid-template-rows: auto minmax(0, 1fr); }
    .head, .row { display: grid; grid-template-columns: 40px minmax(160px, 1.5fr) minmax(70px, .55fr) minmax(56px, .4fr) 92px;
      align-items: center; gap: 8px; padding: 0 12px 0 8px; }
    .head { height: 30px; font-size: 11px; color: var(--pf-quiet); border-bottom: 1px solid var(--pf-line); }
    .head button { all: unset; cursor: pointer; } .head button:hover { color: var(--pf-ink); }
    .head button:focus-visible { outline: 2px solid var(--pf-accent); outline-offset: 2px; }
    .head button[aria-pressed="true"] { color: var(--pf-ink); font-weight: 650; }
    .rows { overflow-y: auto; outline-offset: -2px; scrollbar-width: thin; position: relative; }
    .room { position: relative; }
    .row { position: absolute; left: 0; right: 0; height: ${ROW}px; cursor: pointer; border-left: 3px solid transparent; }
    .row:hover { background: var(--pf-raised); }
    .kind::before { content: ""; display: inline-block; width: 8px; height: 8px; border-radius: 50%; margin-right: 8px; background: var(--dot); }
    .row.at { background: var(--pf-accent-soft); border-left-color: var(--pf-accent); }
    .row .name { display: grid; min-width: 0; line-height: 1.3; }
    .row strong { font-weight: 600; font-size: 13px; }
    .rows:focus-visible { outline-width: 1px; }
    .row .why { font-size: 11.5px; color: var(--pf-quiet); }
    .row.loaded strong { color: var(--pf-accent); }
    .star { width: 32px; min-height: 32px; padding: 0; background: none; border-color: transparent; color: var(--pf-quiet); }
    .star[aria-pressed="true"] { color: var(--pf-accent); } .star[aria-pressed="true"] svg { fill: currentColor; }
    .does { display: flex; justify-content: end; gap: 2px; }
    .does button { min-height: 28px; padding: 0 8px; font-size: 12px; opacity: 0; }
    .row:hover .does button, .row.at .does button { opacity: 1; }
    .fit { display: grid; grid-template-columns: 1fr 44px; white-space: nowrap; align-items: center; gap: 8px; } .fit small { color: var(--pf-quiet); text-align: right; }
    .near { display: block; height: 6px; border-radius: 3px; background: var(--pf-well); overflow: hidden; position: relative; }
    .near i { position: absolute; inset: 0 auto 0 0; background: var(--pf-second); border-radius: 3px; }
    .empty { position: absolute; inset: 30px 0 0; display: grid; place-content: center; justify-items: center; gap: 8px; padding: 24px;
      text-align: center; }
    .below { grid-column: 1 / -1; border-top: 1px solid var(--pf-line); }
    .report { max-height: 120px; overflow: auto; padding: 8px 12px; font-size: 12px; border-top: 1px solid var(--pf-line);
      grid-column: 1 / -1; }
    .report p { overflow-wrap: anywhere; }
    @media (max-width: 1000px) { :host { height: 640px; } .all { grid-template-columns: 150px minmax(0, 1fr); } }
    @media (max-width: 700px) { .all { grid-template-columns: minmax(0, 1fr); } aside { display: none; }
      .head, .row { grid-template-columns: 40px minmax(120px, 1fr) 64px; } .synth, .does, .head .synth { display: none; } }
    @media (pointer: coarse) { .facet { min-height: 44px; } .star { min-height: 44px; } .does button { opacity: 1; min-height: 44px; } }
  `];

  constructor() {
    super();
    Object.assign(this, { words: "", like: null, played: false, facets: null, total: 0, answer: null, first: 0, height: 400, busy: false });
    this.filters = { favourites: false, origin: "", synth: "", category: "", tag: "", sort: "" };
    this.unfolded = { category: false, tag: false };
    this.listening = null;
    this.failed = "";
    this.report = null;
    this.pages = new Map(); // of the list: number of a page -> its entries, or a promise of them
    this.turn = 0;
    new Listens(this, session, {
      change: (event) => event.detail.some((name) => ["preset", "sound"].includes(name)) && this.requestUpdate(),
    });
    new Listens(this, hits, { at: () => this.#reveal(), star: () => this.requestUpdate() });
    new Listens(this, window, { keydown: (event) => this.#globalKey(event) });
  }

  connectedCallback() {
    super.connectedCallback();
    this.watcher = new ResizeObserver(() => this.#measure());
    this.addEventListener("drop", (event) => this.#drop(event));
    this.#facets();
    this.#search();
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.watcher.disconnect();
    this.unfollow?.();
  }

  firstUpdated() {
    this.watcher.observe(this.renderRoot.querySelector(".rows"));
  }

  render() {
    return html`<div class="all card">
      <div class="top">
        <div class="bar">
          <label class="find"><svg viewBox="0 0 20 20" aria-hidden="true"><path d="M8.500 3.500a5 5 0 1 0 0 10a5 5 0 0 0 0-10zM12.500 12.500l4 4"/></svg>
            <input type="search" .value=${this.words} placeholder="warm dark pad, not noisy" aria-label="Search by words, sound or name"
              autocomplete="off" spellcheck="false" @input=${this.#typed} @keydown=${this.#searchKey}></label>
          ${this.#likeChips()}
          <button @click=${() => this.renderRoot.querySelector("input[type=file]").click()}>${icon("open")} Import</button>
          <input type="file" multiple hidden aria-label="Preset files to import" @change=${(event) => this.#import([...event.target.files])}>
        </div>
        ${this.#said()}
      </div>
      ${this.#sidebar()}
      <div class="list">${this.#table()}${this.#empty()}</div>
      ${this.report ? this.#reportOf(this.report) : ""}
      <pf-labels class="below" .entry=${hits.at(hits.index)} @pf-labelled=${this.#labelled} @pf-like=${(event) => this.#likeKey(event.detail)}></pf-labels>
    </div>`;
  }

  #likeChips() {
    const { sound, preset } = session.state;
    const chip = (kind, text, there) => html`<button class="chip" aria-pressed=${String(this.like?.kind === kind)} ?disabled=${!there}
      @click=${() => this.#likeIt(kind)}>${text}</button>`;
    const other = this.like?.kind === "key" ? html`<button class="chip cut" aria-pressed="true" style="max-width:200px"
      @click=${() => this.#likeIt("key")}>Like ${this.like.name} ${icon("close")}</button>` : "";
    const compare = this.like ? html`<button class="chip" aria-pressed=${String(this.played)} @click=${() => this.#compare()}
      title="Plays the nearest ${PLAYED} on the note of the sound and sorts them by how far they are from it">Compare by playing</button>` : "";
    return html`${chip("sound", "Like the target", sound)}${chip("preset", "Like the current preset", preset)}${other}${compare}`;
  }

  #said() {
    const { answer } = this;
    const unheard = this.facets?.unheard ?? 0;
    const parts = [];
    if (this.failed) parts.push(html`<span class="bad cut" role="alert">${this.failed}</span>`);
    else if (answer?.understood) parts.push(html`<span class="cut">Understood: <b>${answer.understood}</b></span>`);
    if (this.busy && this.like && this.played) parts.push(html`<span class="quiet">playing the nearest…</span>`);
    if (answer?.unknown?.length) {
      parts.push(html`<span class="cut">looked for in names: ${answer.unknown.slice(0, 6).join(", ")}</span>`);
    }
    for (const remark of answer?.remarks?.slice(0, 2) ?? []) parts.push(html`<span class="cut">${remark}</span>`);
    const number = this.total.toLocaleString("en");
    const count = !answer ? `${number} presets` : this.total === FOUND ? `The best ${number}` : `${number} hits`;
    const heard = unheard ? html`<span>${unheard.toLocaleString("en")} not heard yet: no sound finds them
      ${this.listening ? html`(${this.listening})` : html`<button class="chip" style="min-height:22px;font-size:11px"
        @click=${() => this.#listen()}>Listen to them</button>`}</span>` : "";
    return html`<div class="said" aria-live="polite"><span style="white-space:nowrap">${count}</span>${parts}<span class="grow"></span>${heard}</div>`;
  }

  #sidebar() {
    const { facets, filters } = this;
    if (!facets) return html`<aside aria-label="Filters"></aside>`;
    const places = [["", "Everything", facets.presets], ["library", "My library", facets.library],
      ["bank", "Bank", facets.presets - facets.library]];
    return html`<aside aria-label="Filters">
      <h2>Where</h2>
      <ul>${places.map(([name, text, count]) => this.#facet(text, count, filters.origin === name && !filters.favourites,
        () => this.#filter({ origin: name, favourites: false })))}
        ${this.#facet("★ Favourites", facets.favourites, filters.favourites, () => this.#filter({ favourites: !filters.favourites }))}</ul>
      ${this.#group("synth", "Synth")}${this.#group("category", "Category")}${this.#group("tag", "Tag")}
    </aside>`;
  }

  #group(name, title) {
    const all = this.facets[name];
    const chosen = this.filters[name];
    const wanted = name === "synth" || this.unfolded[name] ? all : all.filter((one, i) => i < SHOWN || one.name === chosen);
    const rest = all.length - wanted.length;
    const more = rest > 0 ? html`<li><button class="facet" @click=${() => { this.unfolded = { ...this.unfolded, [name]: true }; }}>
      <span class="quiet">${rest} more</span></button></li>` : "";
    return html`<h2>${title}</h2><ul>${wanted.map((one) => this.#facet(one.name, one.count, one.name === chosen,
      () => this.#filter({ [name]: one.name === chosen ? "" : one.name })))}${more}</ul>`;
  }

  #facet(text, count, on, call) {
    return html`<li><button class="facet" aria-pressed=${String(on)} @click=${call}><span class="cut">${text}</span>
      <small>${count.toLocaleString("en")}</small></button></li>`;
  }

  #table() {
    const last = Math.min(this.total, this.first + Math.ceil(this.height / ROW) + 2 * BEYOND);
    const rows = [];
    for (let i = this.first; i < last; i += 1) rows.push(this.#row(i));
    const sorts = [["name", "Name"], ["category", "Category"], ["synth", "Synth"]];
    const head = (name, text) => html`<span class=${name}>${this.answer ? text : html`<button aria-pressed=${String(this.filters.sort === name)}
      title="Sort" @click=${() => this.#filter({ sort: this.filters.sort === name ? "" : name })}>${text}</button>`}</span>`;
    return html`<div class="head"><span></span>${sorts.map(([name, text]) => head(name, text))}<span>${this.answer ? "Fit" : ""}</span></div>
      <div class="rows" role="grid" tabindex="0" aria-label="Presets" aria-rowcount=${this.total} aria-activedescendant=${hits.index >= 0 ? `row-${hits.index}` : nothing}
        @scroll=${this.#scrolled} @keydown=${this.#key}><div class="room" role="presentation" style="height:${this.total * ROW}px">${rows}</div></div>`;
  }

  #row(i) {
    const entry = hits.at(i);
    const at = `row ${i === hits.index ? "at" : ""} ${entry && entry.key === hits.loaded ? "loaded" : ""}`;
    if (!entry) return html`<div class=${at} role="row" aria-rowindex=${i + 1} style="top:${i * ROW}px"><span role="gridcell"></span><span role="gridcell" class="quiet">…</span></div>`;
    const why = entry.reason || [...entry.tags, entry.origin === "bank" ? "" : entry.author].filter(Boolean).join(", ");
    return html`<div class=${at} id="row-${i}" role="row" aria-rowindex=${i + 1} aria-selected=${String(i === hits.index)} style="top:${i * ROW}px"
        @click=${() => hits.go(i)} @dblclick=${() => hits.load(entry)} @pointerenter=${(event) => this.#over(event, i)}>
      <span role="gridcell"><button class="star" tabindex="-1" aria-pressed=${String(entry.favourite)} aria-label="Favourite: ${entry.name}"
        @click=${(event) => this.#star(event, entry)}>${icon("star")}</button></span>
      <span class="name" role="gridcell"><strong class="cut">${entry.name || "(no name)"}</strong><span class="why cut" title=${why}>${why}</span></span>
      <span class=${entry.category ? "cut kind" : ""} role="gridcell" style="--dot:${dotOf(entry.category)}">${entry.category}</span>
      <span class="synth" role="gridcell"><span class="tag">${entry.synth}</span></span>
      ${"score" in entry ? html`<span role="gridcell" class="fit"><span class="near"><i style="width:${100 * entry.score}%"></i></span>
          <small>${entry.distance == null ? `${Math.round(100 * entry.score)} %` : `${entry.distance.toFixed(1)} dB`}</small></span>`
        : html`<span class="does" role="gridcell"><button tabindex="-1" @click=${(event) => this.#load(event, entry)}>Load</button></span>`}
    </div>`;
  }

  #empty() {
    if (this.total || this.busy || this.failed) return "";
    const lines = this.answer?.hints ?? [];
    return html`<div class="empty"><strong>Nothing is like that.</strong>${lines.map((line) => html`<span class="quiet small">${line}</span>`)}
      <button @click=${() => this.#reset()}>Show everything</button></div>`;
  }

  #reportOf({ title, lines }) {
    return html`<div class="report" role="status"><div class="bar"><strong class="grow">${title}</strong>
      <button class="icon plain" style="min-height:24px;width:24px" aria-label="Close" @click=${() => { this.report = null; }}>${icon("close")}</button></div>
      ${lines.map((line) => html`<p class="quiet">${line}</p>`)}</div>`;
  }

  // ------------------------------------------------------------------------------------------------- what is asked

  #typed(event) {
    this.words = event.target.value;
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => this.#search(), PATIENCE);
  }

  #likeIt(kind) {
    this.like = this.like?.kind === kind ? null : { kind };
    this.#search();
  }

  #compare() {
    this.played = !this.played;
    this.#search();
  }

  #likeKey(entry) {
    this.like = { kind: "key", key: entry.key, name: entry.name || entry.key };
    this.#search();
  }

  #filter(patch) {
    this.filters = { ...this.filters, ...patch };
    this.#search();
  }

  #reset() {
    this.words = "";
    this.like = null;
    this.played = false;
    this.filters = { favourites: false, origin: "", synth: "", category: "", tag: "", sort: "" };
    this.#search();
  }

  async #search() {
    clearTimeout(this.waiting);
    const turn = (this.turn += 1);
    this.abort?.abort();
    this.abort = new AbortController();
    this.busy = true;
    try {
      if (this.words.trim() || this.like) await this.#find(turn, this.abort.signal);
      else await this.#list(turn, this.abort.signal);
      if (turn === this.turn) this.failed = "";
    } catch (error) {
      if (error.name !== "AbortError" && turn === this.turn) this.failed = error.message;
    }
    if (turn === this.turn) this.busy = false;
  }

  /** Asks for the best hits, all of them at once. */
  async #find(turn, signal) {
    const { favourites, origin, synth, category, tag } = this.filters;
    const body = { words: this.words, favourites, origin, synth, category, tags: tag ? [tag] : [], limit: FOUND, ...this.#likeBody() };
    if (this.like && this.played) Object.assign(body, { play: PLAYED, limit: PLAYED });
    const answer = await api.post("/search", body, { signal });
    if (turn !== this.turn) return;
    this.answer = answer;
    this.#show(answer.hits.length, (i) => answer.hits[i] ?? null, async (i) => answer.hits[i] ?? null);
  }

  #likeBody() {
    const { sound, part, preset } = session.state;
    if (this.like?.kind === "sound" && sound) return { sound: sound.id, start: part?.start ?? null, end: part?.end ?? null, note: part?.note ?? null };
    if (this.like?.kind === "preset" && preset) return { preset: preset.id };
    return this.like?.kind === "key" ? { key: this.like.key } : {};
  }

  /** Asks for the beginning of the list; the rest is fetched where it comes into sight. */
  async #list(turn, signal) {
    const first = await api.get("/library", { ...this.#query(), offset: 0, limit: PAGE }, { signal });
    if (turn !== this.turn) return;
    this.answer = null;
    this.pages = new Map([[0, first.entries]]);
    const { pages } = this;
    const at = (i) => (Array.isArray(pages.get(Math.floor(i / PAGE))) ? pages.get(Math.floor(i / PAGE))[i % PAGE] ?? null : null);
    this.#show(first.total, at, async (i) => {
      await this.#page(pages, Math.floor(i / PAGE));
      return at(i);
    });
  }

  #query() {
    const { favourites, ...rest } = this.filters;
    return { ...rest, favourites: favourites ? "true" : "" };
  }

  async #page(pages, number) {
    if (number < 0 || number * PAGE >= this.total) return;
    if (!pages.has(number)) {
      const query = { ...this.#query(), offset: number * PAGE, limit: PAGE };
      pages.set(number, api.get("/library", query).then((found) => pages.set(number, found.entries), () => pages.delete(number)));
    }
    await pages.get(number);
    this.requestUpdate();
  }

  #show(total, at, wait) {
    this.total = total;
    hits.show({ total, at, wait });
    const rows = this.renderRoot?.querySelector(".rows");
    if (rows) rows.scrollTop = 0;
    this.#scrolled();
    this.requestUpdate();
  }

  async #facets() {
    try {
      this.facets = await api.get("/library/facets");
    } catch (error) {
      this.failed = error.message;
    }
  }

  // ------------------------------------------------------------------------------------------------------- gestures

  #scrolled() {
    const rows = this.renderRoot?.querySelector(".rows");
    this.first = Math.max(0, Math.floor((rows?.scrollTop ?? 0) / ROW) - BEYOND);
    if (this.answer) return;
    const last = this.first + Math.ceil(this.height / ROW) + 2 * BEYOND;
    for (const number of new Set([Math.floor(this.first / PAGE), Math.floor(last / PAGE)])) this.#page(this.pages, number);
  }

  #measure() {
    const rows = this.renderRoot.querySelector(".rows");
    if (rows.clientHeight) this.height = rows.clientHeight;
    this.#scrolled();
  }

  /** Scrolls so far that the current row is in sight. */
  #reveal() {
    const rows = this.renderRoot?.querySelector(".rows");
    if (rows && hits.index >= 0) {
      const top = hits.index * ROW;
      if (top < rows.scrollTop) rows.scrollTop = top;
      else if (top + ROW > rows.scrollTop + rows.clientHeight) rows.scrollTop = top + ROW - rows.clientHeight;
    }
    this.requestUpdate();
  }

  #over(event, i) {
    clearTimeout(this.resting);
    if (event.pointerType !== "mouse") return;
    const entry = hits.at(i);
    this.resting = setTimeout(() => entry && entry.key !== this.lastOver && this.matches(":hover") && hits.hear(entry), 140);
  }

  #searchKey(event) {
    if (event.key === "ArrowDown") {
      event.preventDefault();
      this.renderRoot.querySelector(".rows").focus();
      if (hits.index < 0) hits.go(0);
    } else if (event.key === "Enter") this.#search();
    else if (event.key === "Escape" && this.words) {
      event.stopPropagation();
      this.words = "";
      this.#search();
    }
  }

  #key(event) {
    const page = Math.max(1, Math.floor(this.height / ROW) - 1);
    const entry = hits.at(hits.index);
    const moves = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page };
    const ends = { Home: 0, End: this.total - 1 };
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key in moves) hits.step(moves[event.key]);
    else if (event.key in ends) hits.go(ends[event.key]);
    else if (event.key === "Enter" && entry) hits.load(entry);
    else if (event.key === " " && entry) hits.hear(entry);
    else if (event.key === "*" && entry) hits.star(entry).then(() => this.#facets());
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  #globalKey(event) {
    if (session.state.view !== "library" || event.key !== "/" || !arrowIsFree(event)) return;
    this.renderRoot.querySelector("input[type=search]").focus();
    event.preventDefault();
  }

  #load(event, entry) {
    event.stopPropagation();
    hits.load(entry);
  }

  async #star(event, entry) {
    event.stopPropagation();
    await hits.star(entry);
    this.#facets();
  }

  #labelled(event) {
    Object.assign(hits.at(hits.index) ?? {}, event.detail);
    this.#facets();
    this.requestUpdate();
  }

  // --------------------------------------------------------------------------------------------------------- import

  #drop(event) {
    const files = [...(event.dataTransfer?.files ?? [])];
    if (!files.length) return;
    event.preventDefault();
    this.#import(files);
  }

  /** Imports files one after the other; what could not be read is listed. */
  async #import(files) {
    const lines = [];
    let added = 0;
    let doubles = 0;
    let job = null;
    for (const file of files) {
      session.say(`Importing ${file.name}`, "quiet");
      try {
        const found = await api.upload("/library/import", file, { name: file.name });
        added += found.added;
        doubles += found.doubles;
        job = found.job ?? job;
        lines.push(...found.notes.slice(0, 20));
      } catch (error) {
        lines.push(`${file.name}: ${error.message}`);
      }
    }
    const title = `${added.toLocaleString("en")} new presets, ${doubles.toLocaleString("en")} were there already`;
    this.report = lines.length ? { title, lines } : null;
    session.say(title, added || doubles ? "good" : "bad");
    this.renderRoot.querySelector("input[type=file]").value = "";
    if (job) this.#follow({ id: job });
    hits.dispatchEvent(new Event("imported"));
    await this.#facets();
    this.#search();
  }

  async #listen() {
    try {
      this.#follow(await api.post("/jobs", { kind: "listen" }));
    } catch (error) {
      session.fail(error);
    }
  }

  #follow(job) {
    this.unfollow?.();
    this.listening = "listening";
    this.unfollow = api.follow(job, (now) => {
      const { done, total } = now.progress ?? {};
      this.listening = total ? `listening: ${done.toLocaleString("en")} of ${total.toLocaleString("en")}` : "listening";
      if (!["done", "failed", "cancelled"].includes(now.state)) return;
      this.listening = null;
      if (now.state === "failed") session.say(now.error, "bad");
      hits.dispatchEvent(new Event("imported"));
      this.#facets();
    });
  }
}

/** Returns the colour of a category, the same everywhere: by the sum of its letters, light or dark as the page is. */
function dotOf(category) {
  let place = 0;
  for (const letter of category) place = (31 * place + letter.codePointAt(0)) % 997;
  const at = place % DARK.series.length;
  return `light-dark(${LIGHT.series[at]}, ${DARK.series[at]})`;
}

customElements.define("pf-library", PresetLibrary);
export { PresetLibrary };
