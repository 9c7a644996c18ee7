// <pf-target>: the sound to match: dropped, chosen, recorded or the example; its part, and what was heard in it.
//
// `take(files)` takes what was dropped anywhere on the page: a sound, presets, or a project.

import { LitElement, css, html } from "lit";

import { api } from "./api.js";
import { bounds } from "./compare.js";
import { Listens } from "./listens.js";
import "./pf-picture.js";
import "./pf-waveform.js";
import { openProject } from "./project-store.js";
import { LONGEST, Recorder } from "./recorder.js";
import { session } from "./session.js";
import { engine } from "./sound-engine.js";
import { icon, look, minutes, noteName } from "./studio-look.js";
import { shortcutOf, isTyping } from "./studio-shortcuts.js";

const SOUNDS = /\.(wav|wave|flac|aiff?|ogg|oga|opus|mp3|m4a|aac|webm|caf|au|snd)$/i;
const PROJECTS = /\.patchflow$/i;
const [SOFTEST_DB, LOUDEST_DB, USUAL_DB] = [-90, -10, -50];
const NO_PART = { start: null, end: null, note: null, trim_db: null };

class Target extends LitElement {
  static properties = { recorder: { state: true }, busy: { state: true }, fault: { state: true }, playing: { state: true } };

  static styles = [look, css`
    :host { display: block; min-height: 0; }
    .card { height: 100%; display: flex; flex-direction: column; overflow: auto; min-height: 0; }
    .head { padding: 10px 12px 8px; display: flex; align-items: center; gap: 8px; }
    .head .icon { min-height: 32px; }
    .empty { flex: 1; display: flex; flex-direction: column; justify-content: center; gap: 12px; padding: 20px;
      text-align: center; align-items: stretch; }
    .well { border: 1.5px dashed var(--pf-edge); border-radius: 12px; padding: 28px 16px; display: grid; gap: 6px;
      justify-items: center; }
    .well svg { width: 84px; height: 44px; color: var(--pf-accent); fill: none; stroke: currentColor;
      stroke-width: 2.500; stroke-linecap: round; }
    .well strong { font-size: 17px; }
    .body { flex: 1; padding: 0 12px 12px; display: flex; flex-direction: column; gap: 10px; }
    pf-picture { --pf-spectrogram-height: 100%; height: 100%; background: #000; }
    pf-picture > * { height: 100%; }
    .picture { position: relative; flex: 1 1 104px; min-height: 104px; max-height: 240px; border-radius: 8px;
      overflow: hidden; }
    .outside { position: absolute; top: 0; bottom: 0; background: #000a; pointer-events: none; }
    .times { display: grid; grid-template-columns: auto 1fr 1fr; gap: 8px; align-items: center; }
    .times input::-webkit-inner-spin-button { display: none; }
    .times label { display: flex; align-items: center; gap: 6px; font-size: 12px; color: var(--pf-quiet); }
    .times input { appearance: textfield; text-align: right; width: 100%; color: var(--pf-ink); }
    .heard { display: grid; grid-template-columns: auto minmax(0, 1fr); gap: 8px 12px; align-items: center;
      border-top: 1px solid var(--pf-line);
      padding-top: 10px; }
    .note { font-size: 34px; font-weight: 700; letter-spacing: -.02em; line-height: 1; min-width: 2.4ch;
      color: var(--pf-accent); }
    .guesses { display: flex; flex-wrap: wrap; gap: 6px; grid-column: 1 / -1; }
    .guesses button { min-height: 26px; font-size: 12px; padding: 0 10px; }
    .threshold { grid-column: 1 / -1; display: grid; grid-template-columns: auto 1fr 6ch; gap: 8px;
      align-items: center; font-size: 12px; }
    .remarks { grid-column: 1 / -1; margin: 0; padding-left: 18px; font-size: 12px; color: var(--pf-quiet); }
    .recording { flex: 1; display: grid; place-content: center; gap: 16px; text-align: center; padding: 24px; }
    .time { font-size: 40px; font-weight: 700; letter-spacing: -.02em; }
    meter { width: 260px; max-width: 100%; height: 18px; }
    .dot { width: 12px; height: 12px; border-radius: 50%; background: var(--pf-bad); display: inline-block;
      animation: pulse 1.2s infinite; }
    @keyframes pulse { 50% { opacity: .3; } }
    @media (max-height: 860px) { .note { font-size: 28px; } }
  `];

  constructor() {
    super();
    this.recorder = null;
    this.busy = "";
    this.fault = "";
    this.playing = false;
    this.asked = 0;
    new Listens(this, session, { change: () => this.requestUpdate() });
    new Listens(this, window, { keydown: this.#key });
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.recorder?.stop();
  }

  render() {
    const inside = this.recorder ? this.#recording() : session.state.sound ? this.#sound(session.state.sound) : this.#empty();
    return html`<section class="card" aria-label="Target">
      <input type="file" hidden multiple @change=${this.#chosen}>${inside}</section>`;
  }

  #empty() {
    return html`<div class="empty">
      <div class="well"><svg viewBox="0 0 84 44" aria-hidden="true"><path
        d="M3 22h8l5-12 8 26 9-32 9 38 8-28 7 16 5-8h19"/></svg>
        <strong>Drop a sound here</strong><span class="quiet">A note, a chord, a drum. WAV, FLAC, AIFF, OGG, MP3.</span>
        ${this.busy ? html`<span role="status">${this.busy}</span>` : ""}</div>
      ${this.#fault()}
      <div class="row"><button class="grow" @click=${this.#choose}>${icon("open")} Choose a file</button>
        <button class="grow" @click=${this.record}>${icon("microphone")} Record</button></div>
      <button class="main" @click=${this.example} ?disabled=${Boolean(this.busy)}>Try the example</button>
      <p class="quiet small">No sound at hand? The example shows everything within a minute.</p></div>`;
  }

  #fault() {
    return this.fault ? html`<p class="bad small" role="alert">${this.fault}</p>` : "";
  }

  #recording() {
    const { seconds, level } = this.recorder;
    return html`<div class="recording">
      <div class="row" style="justify-content:center"><span class="dot"></span><span>Recording</span></div>
      <div class="time">${minutes(seconds)}<span class="quiet small"> of ${minutes(LONGEST)}</span></div>
      <meter min="0" max="1" low="0.02" high="0.95" optimum="0.5" .value=${level}
        aria-label="Level of the microphone"></meter>
      <button class="main" @click=${this.#stopRecording}>${icon("stop")} Stop and use it</button>
      <button @click=${this.#dropRecording}>Throw away</button></div>`;
  }

  #sound(sound) {
    const { part } = session.state;
    const { start, end } = bounds(sound, part);
    return html`<div class="head"><h2>Target</h2><span class="cut grow quiet" role="status" title=${this.busy || sound.name}>${this.busy || sound.name}</span>
        <button class="icon plain" title="Choose another file" aria-label="Choose another file"
          @click=${this.#choose}>${icon("open")}</button>
        <button class="icon plain" title="Record (R)" aria-label="Record"
          @click=${this.record}>${icon("microphone")}</button>
        <button class="icon plain" title="Remove" aria-label="Remove the target"
          @click=${this.#clear}>${icon("close")}</button></div>
      <div class="body">
        ${this.#fault()}
        <pf-waveform .sound=${sound} .start=${start} .end=${end}
          @pf-trim=${(event) => this.#trim(event.detail)}></pf-waveform>
        <div class="picture"><pf-picture src=${api.url(`/sounds/${sound.id}/spectrogram`)}
          label="Spectrogram of the target"></pf-picture>
          <div class="outside" style="left:0;width:${(100 * start) / sound.seconds}%"></div>
          <div class="outside" style="right:0;width:${100 - (100 * end) / sound.seconds}%"></div></div>
        <div class="times"><button class="icon round" aria-label=${this.playing ? "Stop" : "Hear the target"}
          title="Hear the target"
            @click=${this.#play}>${icon(this.playing ? "stop" : "play")}</button>
          ${this.#time("start", start, 0, end)}${this.#time("end", end, start, sound.seconds)}</div>
        ${this.#heard(sound, part)}</div>`;
  }

  #time(name, value, low, high) {
    return html`<label>${name === "start" ? "Start" : "End"}
      <input type="number" step="0.01" aria-label="${name === "start" ? "Start" : "End"}, seconds"
        min=${low.toFixed(2)} max=${high.toFixed(2)} .value=${value.toFixed(2)}
        @change=${(event) => this.#trim({ [name]: Number(event.target.value) })}> s</label>`;
  }

  #heard({ heard }, part) {
    const pitch = part.note ?? heard.pitch;
    const notes = Array.from({ length: 97 }, (_, i) => 12 + i);
    const threshold = part.trim_db ?? USUAL_DB;
    return html`<div class="heard" aria-label="What was heard" role="group">
      <span class="note">${pitch === null ? "–" : noteName(pitch)}</span>
      <div><label class="row small"><span class="quiet">Note</span>
          <select @change=${(event) => this.#note(event.target.value)}>
            <option value="" ?selected=${part.note === null}>as heard: ${heard.pitch === null ? "none" : noteName(heard.pitch)}</option>
            ${notes.map((one) => html`<option value=${one} ?selected=${one === part.note}>${noteName(one)}</option>`)}
          </select></label>
        <p class="small quiet">${facts(heard)}</p></div>
      ${this.#guesses(heard, pitch)}
      <label class="threshold"><span class="quiet">Threshold</span>
        <input type="range" min=${SOFTEST_DB} max=${LOUDEST_DB} step="1" .value=${String(threshold)}
          @change=${(event) => this.#threshold(Number(event.target.value))}
          @input=${(event) => { event.target.nextElementSibling.textContent = `${event.target.value} dB`; }}>
        <output>${threshold} dB</output></label>
      ${heard.remarks?.length ? html`<ul
        class="remarks">${heard.remarks.map((one) => html`<li>${one}</li>`)}</ul>` : ""}
    </div>`;
  }

  #guesses({ guesses = [] }, pitch) {
    const others = guesses.filter((one) => one.pitch !== pitch).slice(0, 3);
    if (!others.length) return "";
    return html`<div class="guesses"><span class="small quiet">Or is it</span>${others.map((one) => html`
      <button class="chip" @click=${() => this.#note(one.pitch)}>${noteName(one.pitch)}</button>`)}</div>`;
  }

  /** Takes files: sounds, presets, projects, by their names. */
  async take(files) {
    const [file] = files;
    if (!file) return;
    if (PROJECTS.test(file.name)) await this.#project(file);
    else if (SOUNDS.test(file.name) || file.type.startsWith("audio/")) await this.#upload(file);
    else await this.#presets(file);
  }

  /** Uses the example that is shipped, and begins the guide. */
  example = async () => {
    engine.ready();
    await this.#working("Loading the example …", async () => {
      const sound = await api.post("/sounds/example");
      this.#use(sound, true);
    });
  };

  record = async () => {
    const recorder = new Recorder();
    try {
      await recorder.start();
    } catch (error) {
      recorder.stop();
      const refused = error.name === "NotAllowedError" ? "The browser may not use the microphone: allow it beside the address." : error.message;
      this.fault = refused;
      session.say(refused, "bad");
      return;
    }
    engine.stopAll();
    this.recorder = recorder;
    recorder.addEventListener("level", () => this.requestUpdate());
    recorder.addEventListener("full", () => this.recorder && this.#stopRecording());
    session.say("Recording", "quiet");
  };

  #stopRecording = async () => {
    const file = this.recorder.stop();
    this.recorder = null;
    await this.#upload(file);
  };

  #dropRecording = () => {
    this.recorder.stop();
    this.recorder = null;
  };

  async #upload(file) {
    await this.#working(`Listening to ${file.name} …`, async () => {
      const sound = await api.upload("/sounds", file, { name: file.name });
      this.#use(sound, false);
    });
  }

  async #presets(file) {
    await this.#working(`Reading ${file.name} …`, async () => {
      const { presets, notes } = await api.upload("/presets", file, { name: file.name });
      const [first] = presets;
      session.load(first, `Load ${first.name}`);
      const more = presets.length > 1 ? ` The first of ${presets.length} presets is loaded; the library imports all of them.` : "";
      session.say([`${first.name}.${more}`, ...(notes ?? [])].join(" "));
    });
  }

  async #project(file) {
    await this.#working(`Opening ${file.name} …`, async () => {
      const project = await api.upload("/projects/file", file);
      openProject(project);
    });
  }

  async #working(text, work) {
    this.busy = text;
    this.fault = "";
    session.say(text, "quiet");
    try {
      await work();
    } catch (error) {
      this.fault = error.message;
      session.say(error.message, "quiet");
    } finally {
      this.busy = "";
    }
  }

  /** Makes a sound the target; the match view begins to match at once. */
  #use(sound, example) {
    engine.stopAll();
    session.change(`Target ${sound.name}`, { sound, part: NO_PART, candidates: [], chosen: [], job: null });
    session.say(`${sound.name}: ${sound.heard.note ? `heard as ${sound.heard.note}` : "no pitch was heard"}`, "quiet");
    this.dispatchEvent(new CustomEvent("pf-target", { detail: { sound, example }, bubbles: true, composed: true }));
  }

  #clear() {
    engine.stopAll();
    session.change("Remove the target", { sound: null, part: NO_PART, candidates: [], chosen: [], job: null });
  }

  #play = async () => {
    if (this.playing) {
      engine.stopSound();
      this.playing = false;
      return;
    }
    const { sound, part } = session.state;
    this.playing = true;
    try {
      await engine.playSound(api.url(`/sounds/${sound.id}/audio`, bounds(sound, part)), 0, () => { this.playing = false; });
      this.renderRoot.querySelector("pf-waveform").follow();
    } catch (error) {
      this.playing = false;
      session.fail(error);
    }
  };

  #trim(change) {
    const { sound, part } = session.state;
    const { start, end } = { ...bounds(sound, part), ...change };
    if (!(end - start >= 0.02)) return;
    this.#listen("Trim the target", { start: Math.max(0, start), end: Math.min(end, sound.seconds), note: part.note, trim_db: part.trim_db });
  }

  #note(value) {
    const { part } = session.state;
    const note = value === "" ? null : Number(value);
    this.#listen(note === null ? "Note as heard" : `Note ${noteName(note)}`, { ...part, note });
  }

  /** A threshold finds start and end anew. */
  #threshold(trim_db) {
    this.#listen(`Threshold ${trim_db} dB`, { ...NO_PART, note: session.state.part.note, trim_db });
  }

  /** Asks what is heard in another part, and keeps both as one step. */
  async #listen(label, part) {
    const { sound } = session.state;
    this.asked += 1;
    const asked = this.asked;
    try {
      const heard = await api.get(`/sounds/${sound.id}/heard`, part);
      if (asked !== this.asked || session.state.sound?.id !== sound.id) return;
      session.change(label, { part, sound: { ...sound, heard } });
    } catch (error) {
      session.fail(error);
    }
  }

  #choose = () => this.renderRoot.querySelector("input[type=file]").click();

  #chosen = (event) => {
    this.take([...event.target.files]);
    event.target.value = "";
  };

  #key = (event) => {
    if (isTyping(event) || shortcutOf(event)?.name !== "record" || session.state.view !== "match") return;
    event.preventDefault();
    if (this.recorder) this.#stopRecording();
    else this.record();
  };
}

/** What was heard beside the note, in a line. */
function facts(heard) {
  const words = [];
  if (heard.f0) words.push(`${heard.f0.toFixed(1)} Hz`);
  if (!heard.pitched) words.push("no clear pitch");
  words.push(`${(heard.end - heard.start).toFixed(2)} s`);
  if (heard.hold) words.push(`held ${heard.hold.toFixed(2)} s`);
  if (heard.noise_db !== null && heard.noise_db !== undefined) words.push(`noise ${heard.noise_db.toFixed(0)} dB`);
  return words.join(" · ");
}

customElements.define("pf-target", Target);
export { Target };
