// <pf-studio>: the whole page: its head with the views, the view that is open, and below it the keys and the preset.
//
// The elements of a view are loaded when it opens first; one that is missing or fails says so in its place. The shell
// plays what `session` asks to be heard, shows and speaks messages, and has the keys that work everywhere.

import { LitElement, css, html } from "lit";

import { api } from "./api.js";
import { compare } from "./compare.js";
import "./pf-keys.js";
import "./pf-preset-bar.js";
import { session } from "./session.js";
import { engine } from "./sound-engine.js";
import { icon, look } from "./studio-look.js";
import { SHORTCUTS, inDialog, isTyping, shortcutOf } from "./studio-shortcuts.js";

const VIEWS = [
  { name: "match", title: "Match", parts: ["pf-target", "pf-match"] },
  { name: "shape", title: "Shape", parts: ["pf-shape"] },
  { name: "explore", title: "Explore", parts: ["pf-studio-map"] },
  { name: "library", title: "Library", parts: ["pf-library", "pf-projects"] },
];
const MESSAGE_MS = 5000;

class Studio extends LitElement {
  static properties = {
    about: { state: true }, gone: { state: true }, view: { state: true }, opened: { state: true },
    faults: { state: true }, messages: { state: true }, said: { state: true }, dragging: { state: true },
    past: { state: true },
  };

  static styles = [look, css`
    :host { display: block; position: relative; overflow: hidden; height: 100%; background: var(--pf-ground);
      font-size: 14px; line-height: 1.45; }
    .shell { height: 100%; display: grid; grid-template: auto minmax(0, 1fr) auto / minmax(0, 1fr); }
    header { display: flex; align-items: center; gap: 8px; padding: 0 16px; height: 52px;
      border-bottom: 1px solid var(--pf-line);
      background: linear-gradient(var(--pf-panel), var(--pf-ground)); min-width: 0; }
    h1 { font-size: 15px; font-weight: 700; letter-spacing: .01em; display: flex; align-items: center; gap: 8px;
      margin-right: 16px; }
    h1 svg { width: 30px; height: 22px; fill: none; stroke: var(--pf-accent); stroke-width: 2.600;
      stroke-linecap: round; }
    h1 em { font-style: normal; font-weight: 400; color: var(--pf-quiet); }
    nav { display: flex; gap: 2px; height: 100%; }
    nav button { background: none; border: 0; border-radius: 0; height: 100%; padding: 2px 16px 0;
      color: var(--pf-quiet);
      font-size: 14px; border-bottom: 2px solid transparent; }
    nav button:hover { color: var(--pf-ink); }
    nav button:active { transform: none; }
    nav button[aria-selected="true"] { color: var(--pf-ink); border-bottom-color: var(--pf-accent); font-weight: 600; }
    main { min-height: 0; position: relative; overflow: hidden; }
    .view { height: 100%; padding: 12px; gap: 12px; display: grid; min-height: 0; }
    .view > * { min-width: 0; min-height: 0; }
    .match { grid-template-columns: minmax(280px, 28%) minmax(0, 1fr); }
    .shape, .explore { grid-template-columns: minmax(0, 1fr); }
    .library { grid-template-columns: minmax(0, 1fr) minmax(240px, 300px); }
    .column { display: flex; flex-direction: column; gap: 12px; overflow: auto; min-height: 0; }
    .missing { padding: 24px; display: grid; gap: 8px; place-content: center; justify-items: center;
      text-align: center; }
    footer { border-top: 1px solid var(--pf-line); background: var(--pf-panel); }
    .toasts { position: fixed; right: 16px; bottom: 196px; display: grid; gap: 8px; z-index: 20;
      max-width: min(420px, 90vw);
      pointer-events: none; }
    .toast { pointer-events: auto; background: var(--pf-raised); border: 1px solid var(--pf-line);
      border-left: 3px solid var(--pf-second);
      border-radius: 8px; padding: 8px 8px 8px 12px; display: flex; gap: 8px; align-items: center;
        box-shadow: 0 8px 28px #0006;
      overflow-wrap: anywhere; }
    .toast.bad { border-left-color: var(--pf-bad); color: inherit; }
    .toast button { margin-left: auto; min-height: 28px; width: 28px; }
    .gone { max-width: 420px; margin: 0 auto; text-align: center; overflow: hidden; max-height: 40px;
      padding: 4px 16px; border-radius: 20px; background: var(--pf-bad); color: var(--pf-ground); font-size: 13px;
        line-height: 16px; font-weight: 600; }
    .drop { position: fixed; inset: 8px; z-index: 30; border: 2px dashed var(--pf-accent); border-radius: 16px;
      display: grid;
      place-items: center; background: color-mix(in srgb, var(--pf-ground) 85%, transparent); font-size: 20px;
        font-weight: 650;
      pointer-events: none; }
    dl { display: grid; grid-template-columns: auto 1fr; gap: 6px 16px; margin: 0 0 16px; }
    dt { text-align: right; } dd { margin: 0; color: var(--pf-quiet); }
    ol { margin: 0 0 16px; padding: 0; list-style: none; display: grid; gap: 2px; max-height: 50vh; overflow: auto;
      min-width: 320px; }
    ol button { width: 100%; justify-content: start; background: none; border-color: transparent; }
    ol button[aria-current="true"] { border-color: var(--pf-accent); }
    ol button.undone { color: var(--pf-quiet); }
    @media (max-width: 1200px) { .gone { font-size: 11px; padding: 4px 8px; letter-spacing: -.01em; } }
    @media (max-width: 1000px) {
      .match, .library { grid-template-columns: minmax(0, 1fr); overflow: auto; grid-auto-rows: max-content; }
      h1 em { display: none; } h1 { margin-right: 4px; }
      nav button { padding: 2px 12px 0; }
    }
    @media (max-width: 640px) {
      header { height: auto; flex-wrap: wrap; gap: 0 4px; padding: 0 8px; }
      header > button { width: 44px; min-height: 44px; }
      nav { order: 1; width: 100%; height: 40px; } nav button { flex: 1; padding: 2px 4px 0; }
      .gone { order: 1; margin: 4px auto; }
    }
  `];

  constructor() {
    super();
    this.about = null;
    this.gone = false;
    this.view = session.state.view;
    this.opened = {};
    this.faults = {};
    this.messages = [];
    this.said = "";
    this.dragging = false;
    this.past = false;
  }

  connectedCallback() {
    super.connectedCallback();
    session.addEventListener("message", (event) => this.#message(event.detail));
    session.addEventListener("hear", (event) => this.#hear(event.detail));
    session.addEventListener("change", (event) => this.#changed(event.detail));
    engine.addEventListener("gain", () => session.set({ gain: engine.current.gain }));
    session.addEventListener("history", () => this.requestUpdate());
    api.addEventListener("gone", () => this.#away(true));
    api.addEventListener("back", () => this.#away(false));
    window.addEventListener("keydown", (event) => this.#key(event));
    for (const name of ["dragenter", "dragover", "dragleave", "drop"]) {
      window.addEventListener(name, (event) => this.#drag(event));
    }
    this.#theme(localStorage.getItem("patchflow-theme"));
    this.#begin();
  }

  render() {
    return html`<div class="shell">
      <header>
        <h1><svg viewBox="0 0 32 24" aria-hidden="true"><path
          d="M2 14c3.500 0 3.500-9 7-9s3.500 15 7 15 3.500-17 7-17 3.500 9 7 9"/></svg>
          <span>patchflow <em>studio</em></span></h1>
        <nav role="tablist" aria-label="Views">${VIEWS.map((view) => this.#tab(view))}</nav>
        ${this.gone ? html`<p class="gone grow" role="alert">The studio's server does not answer.<br>Nothing is lost: the page waits.</p>`
          : html`<span class="grow"></span>`}
        <button class="icon plain" title="Undo (Ctrl Z)" aria-label="Undo" ?disabled=${!session.canUndo}
          @click=${() => session.undo()}>${icon("undo")}</button>
        <button class="icon plain" title="Redo (Ctrl Shift Z)" aria-label="Redo" ?disabled=${!session.canRedo}
          @click=${() => session.redo()}>${icon("redo")}</button>
        <button class="icon plain" title="History" aria-label="History"
          @click=${this.#showPast}>${icon("history")}</button>
        <button class="icon plain" title="Light or dark" aria-label="Light or dark"
          @click=${this.#flipTheme}>${icon("theme")}</button>
        <button class="icon plain" title="Keys (?)" aria-label="Keys" @click=${this.#help}>${icon("help")}</button>
      </header>
      <main>${VIEWS.map((view) => this.#view(view))}</main>
      <footer><pf-preset-bar></pf-preset-bar><pf-keys></pf-keys></footer>
    </div>
    <section class="toasts" aria-label="Messages">${this.messages.map((one) => this.#toast(one))}</section>
    ${this.dragging ? html`<div class="drop"
      aria-hidden="true">Drop it: a sound to match, or a preset to load</div>` : ""}
    <p class="unseen" role="status" aria-live="polite">${this.said}</p>
    ${this.#helpDialog()}${this.#pastDialog()}`;
  }

  #tab({ name, title }) {
    return html`<button role="tab" id="tab-${name}" aria-controls="view-${name}"
      aria-selected=${String(this.view === name)}
      tabindex=${this.view === name ? 0 : -1} @click=${() => this.#open(name)} @keydown=${this.#tabKey}>${title}</button>`;
  }

  #view({ name, title }) {
    const on = this.view === name;
    const inside = { match: () => this.#match(), shape: () => this.#part("pf-shape"), explore: () => this.#part("pf-studio-map"),
      library: () => this.#library() };
    return html`<section role="tabpanel" id="view-${name}" aria-labelledby="tab-${name}"
      class="view ${name}" ?hidden=${!on}>
      <h2 class="unseen">${title}</h2>${on || this.opened[name] ? inside[name]() : ""}</section>`;
  }

  #match() {
    return html`${this.#part("pf-target")}${this.#part("pf-match")}`;
  }

  #library() {
    return html`${this.#part("pf-library")}<div class="column">${this.#part("pf-projects")}</div>`;
  }

  /** An element of a view, or why it is not there. */
  #part(name) {
    const fault = this.faults[name];
    if (fault) {
      return html`<div class="card missing"><strong>This part of the page could not be loaded.</strong>
        <span class="quiet small">${name}: ${fault}</span><button
          @click=${() => location.reload()}>Load the page again</button></div>`;
    }
    // Lit has no names of elements that change: each is written out once.
    return {
      "pf-target": () => html`<pf-target></pf-target>`,
      "pf-match": () => html`<pf-match></pf-match>`,
      "pf-shape": () => html`<pf-shape></pf-shape>`,
      "pf-studio-map": () => html`<pf-studio-map></pf-studio-map>`,
      "pf-library": () => html`<pf-library></pf-library>`,
      "pf-projects": () => html`<pf-projects></pf-projects>`,
    }[name]();
  }

  #toast(one) {
    return html`<div class="toast ${one.kind}"><span>${one.text}</span>
      <button class="icon plain" aria-label="Close the message"
        @click=${() => this.#forget(one)}>${icon("close")}</button></div>`;
  }

  #helpDialog() {
    return html`<dialog id="help" aria-labelledby="help-title"><h2 id="help-title">Keys</h2>
      <dl>${SHORTCUTS.map(({ keys, what }) => html`<dt>${keys.map((key) => html`<kbd>${key}</kbd> `)}</dt><dd>${what}</dd>`)}</dl>
      <form method="dialog"><button class="main">Close</button></form></dialog>`;
  }

  #pastDialog() {
    const labels = ["Start", ...session.history];
    const steps = labels.map((label, i) => html`<li><button class=${i > session.cursor ? "undone" : ""}
      aria-current=${String(i === session.cursor)} @click=${() => session.jump(i)}>${label}</button></li>`);
    return html`<dialog id="past" aria-labelledby="past-title" @close=${() => { this.past = false; }}>
      <h2 id="past-title">History</h2>
      ${this.past ? html`<ol>${steps.reverse()}</ol>` : ""}<form method="dialog" class="row">
      <button type="button" @click=${() => session.clear()}>Begin anew</button><button
        class="main">Close</button></form></dialog>`;
  }

  async #begin() {
    await session.ready;
    this.#open(session.state.view, false);
    try {
      this.about = await api.get("/about");
      await this.#lost("preset", "/presets/", { preset: null, base: null, macros: {} });
      await this.#lost("sound", "/sounds/", { sound: null, job: null, candidates: [], chosen: [] });
    } catch (error) {
      session.fail(error);
    }
  }

  /** Lets go of what the history of this browser has, and the workspace of the server has no longer. */
  async #lost(name, path, without) {
    const kept = session.state[name];
    if (!kept) return;
    try {
      await api.get(`${path}${kept.id}`);
    } catch (error) {
      if (error.status !== 404) throw error;
      session.set(without);
      session.say(`${kept.name} is no longer in the workspace of the server.`, "bad");
    }
  }

  async #open(name, told = true) {
    this.view = name;
    this.opened = { ...this.opened, [name]: true };
    if (session.state.view !== name) session.set({ view: name });
    const { parts, title } = VIEWS.find((view) => view.name === name);
    if (told) session.say(`${title} view`, "quiet");
    await Promise.all(parts.map((part) => this.#load(part)));
  }

  async #load(part) {
    if (customElements.get(part)) return;
    try {
      await import(`./${part}.js`);
      if (!customElements.get(part)) throw new Error("it defines no element");
    } catch (error) {
      this.faults = { ...this.faults, [part]: error.message };
    }
  }

  #changed(names) {
    if (names.includes("preset") || names.includes("gain")) {
      engine.current = { id: session.state.preset?.id ?? null, gain: session.state.gain };
    }
    if (names.includes("view") && session.state.view !== this.view) this.#open(session.state.view);
    this.requestUpdate();
  }

  async #hear({ preset, note }) {
    if (engine.comparing && preset === session.state.preset) return; // `compare` puts it into the loop
    try {
      await engine.hear(preset, note);
    } catch (error) {
      session.fail(error);
    }
  }

  #message({ text, kind }) {
    this.said = this.said === text ? `${text}\u00a0` : text; // the same text twice is spoken twice
    if (kind === "quiet") return;
    const one = { text, kind };
    this.messages = [...this.messages.filter((other) => other.text !== text).slice(-3), one];
    if (kind !== "bad") setTimeout(() => this.#forget(one), MESSAGE_MS);
    else setTimeout(() => this.#forget(one), 3 * MESSAGE_MS);
  }

  #forget(one) {
    this.messages = this.messages.filter((message) => message !== one);
  }

  #away(gone) {
    this.gone = gone;
    if (!gone) session.say("The server is back.");
  }

  #drag(event) {
    const files = [...(event.dataTransfer?.types ?? [])].includes("Files");
    if (!files) return;
    const taken = event.defaultPrevented; // by a part of the view, such as the library
    event.preventDefault();
    if (event.type === "dragleave" && event.relatedTarget) return;
    this.dragging = event.type === "dragenter" || event.type === "dragover";
    if (event.type !== "drop" || taken) return;
    this.#take([...event.dataTransfer.files]);
  }

  async #take(files) {
    await this.#open("match", false);
    await this.updateComplete;
    this.renderRoot.querySelector("pf-target").take(files);
  }

  #tabKey(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    const at = VIEWS.findIndex((view) => view.name === this.view);
    const next = VIEWS[(at + step + VIEWS.length) % VIEWS.length];
    this.#open(next.name);
    this.updateComplete.then(() => this.renderRoot.querySelector(`#tab-${next.name}`).focus());
  }

  #key(event) {
    const command = shortcutOf(event);
    if (!command || (isTyping(event) && !command.always) || inDialog(event)) return;
    const commands = {
      undo: () => session.undo(), redo: () => session.redo(), help: () => this.#help(), flip: () => this.#flip(),
      stop: () => this.#stop(), match: () => this.#open("match"), shape: () => this.#open("shape"),
      explore: () => this.#open("explore"), library: () => this.#open("library"),
    };
    if (!commands[command.name]) return; // another element's
    event.preventDefault();
    commands[command.name]();
  }

  #flip() {
    if (compare.possible) compare.flip();
    else session.hear();
  }

  #stop() {
    engine.stopAll();
    session.say("Silence", "quiet");
  }

  #help() {
    this.renderRoot.querySelector("#help").showModal();
  }

  #showPast() {
    this.past = true;
    this.renderRoot.querySelector("#past").showModal();
  }

  #theme(name) {
    if (name === "light" || name === "dark") document.documentElement.dataset.theme = name;
  }

  #flipTheme() {
    const dark = getComputedStyle(document.documentElement).colorScheme.startsWith("dark");
    this.#theme(dark ? "light" : "dark");
    localStorage.setItem("patchflow-theme", dark ? "light" : "dark");
  }
}

customElements.define("pf-studio", Studio);
window.patchflowStudio = { session, engine, api };
export { Studio };
