// <pf-listening>: blind listening: a sitting is made of candidates and presets, answered by ear, and its result shown.
//
// What is played has names that say nothing; the server tells which was which when all is answered.

import { LitElement, css, html } from "lit";

import { api } from "./api.js";
import "./pf-sitting-maker.js";
import "./pf-sitting-result.js";
import { engine } from "./sound-engine.js";
import { icon, look, when } from "./studio-look.js";

const GAP = 0.35; // seconds of silence between two sounds
const PARTS = ["Target", "First", "Target", "Second"];

class Listening extends LitElement {
  static properties = {
    sitting: { state: true }, result: { state: true }, all: { state: true }, failed: { state: true }, playing: { state: true },
    heard: { state: true }, busy: { state: true }, said: { state: true },
  };

  static styles = [look, css`
    :host { display: block; height: 100%; overflow-y: auto; background: var(--pf-ground); font-size: 14px; line-height: 1.45; }
    header { display: flex; align-items: center; gap: 12px; padding: 0 24px; height: 52px; border-bottom: 1px solid var(--pf-line); }
    h1 { font-size: 15px; font-weight: 700; } h1 em { font-style: normal; font-weight: 400; color: var(--pf-quiet); }
    header a { color: var(--pf-quiet); text-decoration: none; } header a:hover { color: var(--pf-ink); }
    main { max-width: 920px; margin: 0 auto; padding: 24px; display: grid; gap: 24px; }
    .run { min-height: calc(100dvh - 110px); grid-template-rows: auto auto 1fr; text-align: center; }
    .progress { height: 4px; border-radius: 2px; background: var(--pf-well); overflow: hidden; }
    .progress i { display: block; height: 100%; background: var(--pf-accent); transition: width 200ms; }
    .asked { font-size: 28px; font-weight: 650; letter-spacing: -.01em; margin-top: 24px; text-wrap: balance; }
    .line { display: grid; grid-template-columns: repeat(4, 1fr); gap: 8px; margin: 24px auto 0; width: min(100%, 640px); }
    .line span { padding: 8px; border-radius: 8px; border: 1px solid var(--pf-line); color: var(--pf-quiet); font-size: 12px; background: var(--pf-panel); }
    .line span.on { border-color: var(--pf-accent); color: var(--pf-ink); background: var(--pf-accent-soft); font-weight: 650; }
    .choices { display: grid; grid-template-columns: 1fr auto 1fr; gap: 16px; align-content: center; align-items: stretch; }
    .choice { display: grid; gap: 16px; padding: 32px 16px; justify-items: center; align-content: center; min-height: 220px; }
    .choice.on { border-color: var(--pf-accent); }
    .choice h2 { font-size: 22px; }
    .choice .main { min-height: 48px; font-size: 15px; padding: 0 24px; }
    .middle { display: grid; gap: 8px; align-content: center; justify-items: center; }
    .hint { color: var(--pf-quiet); font-size: 12px; }
    table { width: 100%; border-collapse: collapse; } td, th { text-align: left; padding: 6px 8px; border-bottom: 1px solid var(--pf-line); }
    .past li { display: flex; gap: 8px; align-items: center; padding: 6px 0; border-bottom: 1px solid var(--pf-line); }
    .past { list-style: none; margin: 0; padding: 0; }
    @media (max-width: 640px) { .choices { grid-template-columns: 1fr; } .choice { min-height: 0; padding: 16px; } .asked { font-size: 20px; } }
  `];

  constructor() {
    super();
    Object.assign(this, { sitting: null, result: null, all: [], failed: "", playing: -1, busy: false, said: "" });
    this.heard = new Set(); // of the present trial: "first" and "second"
    this.buffers = new Map(); // name of a sound -> promise of its buffer
    this.sources = [];
    this.onKey = (event) => this.#key(event);
    this.onHash = () => this.#begin();
  }

  connectedCallback() {
    super.connectedCallback();
    const theme = localStorage.getItem("patchflow-theme");
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
    window.addEventListener("keydown", this.onKey);
    window.addEventListener("hashchange", this.onHash);
    this.#begin();
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    window.removeEventListener("keydown", this.onKey);
    window.removeEventListener("hashchange", this.onHash);
    this.#stop();
  }

  render() {
    return html`<header><h1>patchflow <em>blind listening</em></h1><span class="grow"></span>
      ${this.sitting ? html`<a href="#" @click=${this.#leave}>All sittings</a>` : ""}<a href="/">Studio</a></header>
      ${this.failed ? html`<main><p class="bad" role="alert">${this.failed}</p></main>` : ""}
      ${this.result ? html`<main><pf-sitting-result .result=${this.result}></pf-sitting-result></main>`
        : this.sitting ? this.#run() : this.#setup()}
      <p class="unseen" role="status" aria-live="polite">${this.said}</p>`;
  }

  #setup() {
    return html`<main><pf-sitting-maker @pf-sitting=${(event) => this.#open(event.detail)}></pf-sitting-maker>
      ${this.all.length ? html`<section><h2>Sittings</h2><ul class="past">${this.all.map((one) => html`<li>
        <span class="grow">${when(one.created)} · ${one.question === "closer" ? "closer?" : "the better patch?"} ·
          ${one.answered} of ${one.trials.length}</span>
        <button @click=${() => this.#open(one)}>${one.done ? "Result" : one.answered ? "Go on" : "Begin"}</button>
        <button class="plain icon" aria-label="Delete this sitting" @click=${() => this.#remove(one)}>${icon("close")}</button></li>`)}</ul></section>` : ""}</main>`;
  }

  #run() {
    const { sitting, playing } = this;
    const count = sitting.trials.length;
    const at = sitting.answered;
    const both = this.heard.size === 2;
    const choice = (name, title, part) => html`<div class="card choice ${playing === part ? "on" : ""}">
      <h2>${title}</h2>
      <button @click=${() => this.#play(name)}>${icon("play")} Target, then ${title.toLowerCase()}</button>
      <button class="main" ?disabled=${!both || this.busy} @click=${() => this.#answer(name)}>${title} <kbd>${name === "first" ? 1 : 2}</kbd></button></div>`;
    return html`<main class="run">
      <div><div class="row small quiet"><span class="grow" style="text-align:left">${at + 1} of ${count}</span><span>Nobody knows which is which before the end</span></div>
        <div class="progress" role="progressbar" aria-valuemin="0" aria-valuemax=${count} aria-valuenow=${at} aria-label="Answered"><i style="width:${(100 * at) / count}%"></i></div></div>
      <div><p class="asked">${sitting.asked}</p>
        <div class="line" aria-hidden="true">${PARTS.map((part, i) => html`<span class=${playing === i ? "on" : ""}>${part}</span>`)}</div></div>
      <div class="choices">${choice("first", "First", 1)}
        <div class="middle"><button class="icon round" style="width:56px;min-height:56px" title="Hear both (Space)" aria-label="Hear both" @click=${() => this.#play("both")}>${icon("play")}</button>
          <button ?disabled=${!both || this.busy} @click=${() => this.#answer("same")}>Same <kbd>0</kbd></button></div>
        ${choice("second", "Second", 3)}</div>
      <p class="hint">${both ? "Answer with 1, 2 or 0. Space plays both again." : "Hear both first: Space, or the round button."}</p>
    </main>`;
  }

  async #begin() {
    const id = location.hash.slice(1);
    try {
      this.all = await api.get("/listening");
      if (/^[a-z0-9]{6,64}$/.test(id)) await this.#open(await api.get(`/listening/${id}`));
      else {
        this.sitting = null;
        this.result = null;
      }
      this.failed = "";
    } catch (error) {
      this.failed = error.message;
    }
  }

  async #open(sitting) {
    this.sitting = sitting;
    this.result = null;
    this.#ready();
    if (location.hash !== `#${sitting.id}`) history.replaceState(null, "", `#${sitting.id}`);
    if (sitting.done) await this.#finish();
  }

  #leave(event) {
    event.preventDefault();
    this.#stop();
    history.replaceState(null, "", location.pathname);
    this.#begin();
  }

  async #remove(one) {
    await api.remove(`/listening/${one.id}`).catch((error) => { this.failed = error.message; });
    this.#begin();
  }

  /** Makes the present trial ready: its sounds and those of the next are fetched. */
  #ready() {
    this.heard = new Set();
    this.begun = performance.now();
    const { trials, answered } = this.sitting;
    for (const trial of trials.slice(answered, answered + 2)) trial.sounds.forEach((name) => this.#sound(name).catch(() => {}));
  }

  #sound(name) {
    if (!this.buffers.has(name)) {
      const promise = engine.buffer(api.url(`/listening/${this.sitting.id}/sounds/${name}`));
      promise.catch(() => this.buffers.delete(name));
      this.buffers.set(name, promise);
    }
    return this.buffers.get(name);
  }

  /** Plays the target and one of the two, or both, each right after the target. */
  async #play(what) {
    this.#stop();
    const turn = (this.turn = Symbol("turn"));
    try {
      await engine.ready();
      const trial = this.sitting.trials[this.sitting.answered];
      const [target, first, second] = await Promise.all(trial.sounds.map((name) => this.#sound(name)));
      if (turn !== this.turn) return;
      const parts = [[target, 0], [first, 1], [target, 2], [second, 3]];
      const wanted = { first: parts.slice(0, 2), second: parts.slice(2), both: parts }[what];
      let at = engine.context.currentTime + 0.03;
      for (const [buffer, part] of wanted) {
        this.#schedule(buffer, at, part, turn);
        at += buffer.duration + GAP;
      }
    } catch (error) {
      this.failed = error.message;
    }
  }

  #schedule(buffer, at, part, turn) {
    const { context } = engine;
    const source = new AudioBufferSourceNode(context, { buffer });
    source.connect(engine.level);
    source.start(at);
    this.sources.push(source);
    this.timers = [...(this.timers ?? []), setTimeout(() => { if (turn === this.turn) this.playing = part; }, 1000 * (at - context.currentTime))];
    source.addEventListener("ended", () => {
      if (turn !== this.turn) return;
      if (this.playing === part) this.playing = -1;
      if (part === 1) this.heard = new Set([...this.heard, "first"]);
      if (part === 3) this.heard = new Set([...this.heard, "second"]);
    });
  }

  #stop() {
    this.turn = null;
    for (const timer of this.timers ?? []) clearTimeout(timer);
    this.timers = [];
    for (const source of this.sources) source.stop();
    this.sources = [];
    this.playing = -1;
  }

  async #answer(choice) {
    if (this.heard.size < 2 || this.busy) return;
    this.busy = true;
    this.#stop();
    const seconds = Math.min(86_400, (performance.now() - this.begun) / 1000);
    try {
      this.sitting = await api.post(`/listening/${this.sitting.id}/answers`, { trial: this.sitting.answered, choice, seconds });
      this.said = `${choice}. ${this.sitting.answered} of ${this.sitting.trials.length}`;
      if (this.sitting.done) await this.#finish();
      else {
        this.#ready();
        this.#play("both");
      }
      this.failed = "";
    } catch (error) {
      this.failed = error.message;
    }
    this.busy = false;
  }

  async #finish() {
    this.result = await api.get(`/listening/${this.sitting.id}/result`);
  }

  #key(event) {
    if (!this.sitting || this.result || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    const calls = { " ": () => this.#play("both"), 1: () => this.#answer("first"), ArrowLeft: () => this.#answer("first"),
      2: () => this.#answer("second"), ArrowRight: () => this.#answer("second"), 0: () => this.#answer("same"), ArrowDown: () => this.#answer("same") };
    if (event.key === " " && event.composedPath()[0].tagName === "BUTTON") return;
    if (!calls[event.key]) return;
    event.preventDefault();
    calls[event.key]();
  }
}

customElements.define("pf-listening", Listening);
window.patchflowStudio = { engine, api };
export { Listening };
