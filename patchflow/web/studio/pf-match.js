// <pf-match>: from the target to presets: start, live progress, candidates as cards, and the one that is chosen, closely.
//
// A target that is new is matched at once (a switch says so). The job is the server's: the page may be closed meanwhile.

import { LitElement, css, html, svg } from "lit";
import { repeat } from "lit/directives/repeat.js";

import { api } from "./api.js";
import { Listens } from "./listens.js";
import "./pf-candidate.js";
import "./pf-verdict.js";
import { session } from "./session.js";
import { engine } from "./sound-engine.js";
import { icon, look, minutes } from "./studio-look.js";
import { isTyping, shortcutOf } from "./studio-shortcuts.js";

const SECONDS = [5, 10, 30, 60];
const ASPECTS = { spectrum: "Spectrum", timbre: "Timbre", pitch: "Pitch", envelope: "Envelope" };
const COUNTS = [1, 4, 6, 12, 24];
const PARTIAL = /(_\d+|_full)$/; // of a synth that another of the list has whole
const ENDED = new Set(["done", "cancelled", "failed"]);
const STAGES = { draw: "Trying presets", tune: "Tuning the best", recombine: "Crossing the best", polish: "Polishing the best" };
const EXAMPLE_SECONDS = 5;

class Match extends LitElement {
  static properties = {
    synths: { state: true }, atOnce: { state: true }, guide: { state: true }, all: { state: true }, starting: { state: true },
    ordered: { state: true },
  };

  static styles = [look, css`
    :host { display: block; min-height: 0; }
    .whole { height: 100%; display: grid; grid-template-rows: auto 60px minmax(0, 1fr); gap: 10px; min-height: 0; }
    .tools { padding: 8px 12px; display: flex; gap: 12px; align-items: center; flex-wrap: wrap; }
    .group { display: flex; gap: 6px; align-items: center; flex-wrap: wrap; }
    fieldset { border: 0; margin: 0; padding: 0; display: flex; gap: 0; align-items: center; }
    fieldset label { position: relative; }
    fieldset input { position: absolute; opacity: 0; inset: 0; margin: 0; cursor: pointer; }
    fieldset span { display: grid; place-items: center; min-width: 40px; min-height: var(--pf-control);
      padding: 0 8px; border: 1px solid var(--pf-line);
      border-left-width: 0; background: var(--pf-raised); font-size: 13px; }
    fieldset label:first-of-type span { border-left-width: 1px; border-radius: 8px 0 0 8px; }
    fieldset label:last-of-type span { border-radius: 0 8px 8px 0; }
    fieldset input:checked + span { background: var(--pf-accent-soft); border-color: var(--pf-accent);
      box-shadow: -1px 0 0 var(--pf-accent); }
    fieldset input:focus-visible + span { outline: 2px solid var(--pf-accent); outline-offset: 2px; z-index: 1;
      position: relative; }
    .progress { padding: 8px 12px; display: grid; grid-template-columns: minmax(0, 1fr) auto; gap: 4px 12px;
      align-items: center; align-content: center; }
    .stale { color: var(--pf-accent); font-weight: 600; }
    progress { width: 100%; height: 6px; appearance: none; border: 0; background: var(--pf-well); border-radius: 3px;
      overflow: hidden; display: block; }
    progress::-webkit-progress-bar { background: var(--pf-well); }
    progress::-webkit-progress-value { background: linear-gradient(90deg, var(--pf-second), var(--pf-accent));
      transition: width .25s linear; }
    progress::-moz-progress-bar { background: var(--pf-accent); }
    .found { display: grid; grid-template-columns: minmax(0, 1fr) minmax(216px, 34%); gap: 10px; min-height: 0; }
    .cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(164px, 1fr)); gap: 10px; overflow: auto;
      grid-auto-rows: minmax(150px, 220px); padding: 2px; min-height: 0; }
    .empty { display: grid; place-content: center; justify-items: center; text-align: center; gap: 12px;
      padding: 24px; }
    .empty h2 { font-size: 20px; letter-spacing: -.01em; }
    .empty ol { text-align: left; margin: 0; padding-left: 22px; color: var(--pf-quiet); max-width: 46ch;
      display: grid; gap: 4px; }
    .weights { display: grid; gap: 8px; margin: 12px 0 16px; }
    .weights label { display: grid; grid-template-columns: 8em minmax(160px, 1fr) 3ch; gap: 12px; align-items: center; }
    dialog form { margin-top: 16px; }
    .drawing { width: 420px; max-width: 100%; fill: none; stroke-linecap: round; stroke-linejoin: round;
      stroke-width: 2.500; margin-bottom: 8px; }
    @media (max-height: 780px) { .drawing { width: 280px; margin: 0; } }
    .wave { stroke: var(--pf-accent); } .arrow { stroke: var(--pf-edge); stroke-dasharray: 2 6; }
    .box { stroke: var(--pf-line); fill: var(--pf-panel); }
    .knob { stroke: var(--pf-second); fill: var(--pf-raised); } .hand { stroke: var(--pf-ink); }
    .guide { padding: 4px 12px; line-height: 1.3; font-size: 13px; overflow: hidden; display: flex; gap: 12px;
      align-items: center; border-color: var(--pf-second); background: var(--pf-second-soft); }
    .guide svg.icon { width: 15px; height: 15px; vertical-align: -3px; }
    .guide b { color: var(--pf-second); white-space: nowrap; }
    @media (max-width: 1100px) {
      .tools { gap: 8px; padding: 8px; }
      .words { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
    }
    @media (max-width: 1000px) { .found { grid-template-columns: 1fr; } .whole { display: flex;
      flex-direction: column; } .cards { overflow: visible; } }
  `];

  constructor() {
    super();
    this.synths = [];
    this.all = false;
    this.starting = false;
    this.ordered = ""; // an order that the job has not followed yet
    this.atOnce = localStorage.getItem("patchflow-at-once") !== "no";
    this.guide = ""; // a step of the guide, or "" if there is none
    this.own = false; // whether the user chose a candidate: then the best so far no longer takes its place
    this.stop = () => {};
    this.latest = null; // the job as the server last told it
    new Listens(this, session, { change: this.#changed });
    new Listens(this, engine, { ab: this.#compared });
    new Listens(this, window, { keydown: this.#key });
  }

  connectedCallback() {
    super.connectedCallback();
    // <pf-target> beside this element tells of a new target.
    this.getRootNode().addEventListener("pf-target", this.#targeted);
    this.#load();
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.stop();
  }

  render() {
    const { sound, candidates } = session.state;
    return html`<section class="whole" aria-label="Match">
      ${this.#tools(sound)}
      ${this.guide ? this.#guide() : this.#progress()}
      ${candidates.length ? this.#found(candidates) : this.#empty(sound)}</section>${this.#options()}`;
  }

  #options() {
    const { candidates, seed, like } = session.state.options;
    const set = (patch) => session.set({ options: { ...session.state.options, ...patch } });
    const weigh = (name, weight) => set({ like: { ...session.state.options.like, [name]: weight } });
    return html`<dialog aria-labelledby="options"><h2 id="options">Options of the match</h2>
      <p class="quiet small">How much each aspect of the sound counts. 1 is usual, 0 leaves it out.</p>
      <div class="weights">${Object.entries(ASPECTS).map(([name, title]) => html`<label><span>${title}</span>
        <input type="range" min="0" max="4" step="0.5" .value=${String(like[name] ?? 1)}
          @input=${(event) => weigh(name, Number(event.target.value))}><output>${like[name] ?? 1}</output></label>`)}</div>
      <div class="row wrap"><label class="row">Candidates <select @change=${(event) => set({ candidates: Number(event.target.value) })}>
          ${COUNTS.map((one) => html`<option value=${one} ?selected=${one === candidates}>${one}</option>`)}</select></label>
        <label class="row">Seed <input type="number" min="0" max="999999" .value=${String(seed)}
          @change=${(event) => set({ seed: Math.max(0, Math.round(Number(event.target.value)) || 0) })}></label></div>
      <form method="dialog" class="row"><button class="main">Close</button>
        <button type="button" @click=${() => set({ candidates: 6, seed: 0, like: {} })}>As usual</button></form></dialog>`;
  }

  #tools(sound) {
    const { synths, seconds, job } = session.state;
    const shown = this.synths.filter((one) => this.all || synths.includes(one.name) || (one.ready && !PARTIAL.test(one.name) && one.name !== "tone"));
    return html`<div class="card tools">
      <div class="group" role="group" aria-label="Synths">${shown.map((one) => html`<button
        class="chip" aria-pressed=${String(synths.includes(one.name))}
          ?disabled=${!one.ready} title=${one.ready ? `${one.title}: ${one.parameters} parameters are searched` : one.why} @click=${() => this.#toggle(one.name)}>${one.title}</button>`)}
        ${this.all || this.synths.length > shown.length ? html`<button class="chip plain" aria-expanded=${String(this.all)}
          title=${this.all ? "Only what is usual" : "All synths"}
          @click=${() => { this.all = !this.all; }}>${this.all ? "Fewer" : "More …"}</button>` : ""}</div>
      <fieldset><legend class="unseen">Seconds to search</legend>${SECONDS.map((one) => html`<label><input
        type="radio" name="seconds"
        .checked=${seconds === one} value=${one} @change=${() => session.set({ seconds: one })}><span>${one} s</span></label>`)}</fieldset>
      <button class="icon plain" title="Options" aria-label="Options of the match"
        @click=${() => this.renderRoot.querySelector("dialog").showModal()}>${icon("shape")}</button>
      <label class="row small quiet" title="Begin to match as soon as there is a target"><input
        type="checkbox" .checked=${this.atOnce} @change=${this.#atOnce}> Match at once</label>
      <span class="grow"></span>${this.#locked()}
      ${running(job) ? html`<button ?disabled=${this.ordered !== ""}
        @click=${() => this.#order(job.state === "paused" ? "resume" : "pause")}>${icon(job.state === "paused" ? "play" : "pause")}
          <span class="words">${job.state === "paused" ? "Go on" : "Pause"}</span></button>
          <button ?disabled=${this.ordered === "cancel"} @click=${() => this.#order("cancel")}>${icon("stop")}
          <span class="words">${this.ordered === "cancel" ? "Stopping …" : "Stop"}</span></button>`
        : html`<button class="main" ?disabled=${!sound || !synths.length || this.starting} title="M"
          @click=${() => this.start()}>
          Match</button>`}
    </div>`;
  }

  /** Says what a match leaves as it is: locks are made in the shape view. */
  #locked() {
    const count = Object.keys(locked()).length;
    if (!count) return "";
    const what = count === 1 ? "1 locked parameter stays as it is" : `${count} locked parameters stay as they are`;
    return html`<button class="plain" title="${what}. Press to unlock." aria-label="${what}: unlock"
      @click=${() => session.change("Unlock all", { locks: [] })}>${icon("lock")} ${count}</button>`;
  }

  #progress() {
    const { job, candidates } = session.state;
    if (!job) return html`<div></div>`;
    if (job.state === "failed") {
      return html`<div class="card progress"><p class="bad cut" role="alert" title=${job.error}>${job.error}</p></div>`;
    }
    const { progress } = job;
    const stale = isStale(job, session.state.part);
    const share = progress?.total ? progress.done / progress.total : ENDED.has(job.state) ? 1 : 0;
    return html`<div class="card progress" role="group" aria-label="Progress">
      ${stale ? html`<span class="cut stale" role="status">The target was changed since this match began: match it again.</span>`
        : html`<span class="cut">${statusOf(job, candidates)}</span>`}
      <span class="quiet small">${timeOf(job)}</span>
      <progress style="grid-column:1/-1" max="1" .value=${share} aria-label="Match"></progress></div>`;
  }

  #guide() {
    const { job } = session.state;
    const text = {
      start: `This is a bell, heard as ${session.state.sound?.heard.note ?? "a sound without pitch"}. The search for presets that sound like it has begun …`,
      found: html`The best so far is loaded. Press <kbd>Space</kbd>, or ${icon("flip")} at the right, to flip between the bell and the match, without a gap and equally loud.`,
      flip: html`Flip again as often as you like. Now play the match: <kbd>A</kbd> <kbd>S</kbd> <kbd>D</kbd> <kbd>F</kbd>, or the keys below.`,
      play: "That is the whole of it. Shape turns and morphs this preset, Take home saves it as a file for the synth.",
    }[this.guide];
    return html`<div class="card guide"
      role="status"><b>${running(job) ? "Searching" : "Example"}</b><span class="grow">${text}</span>
      ${this.guide === "play" ? html`<button @click=${() => session.set({ view: "shape" })}>Open Shape</button>` : ""}
      <button class="plain"
        @click=${() => { this.guide = ""; }}>${this.guide === "play" ? "Close" : "Leave the guide"}</button></div>`;
  }

  #found(candidates) {
    const { preset, chosen } = session.state;
    const current = candidates.find((one) => one.preset.id === preset?.id) ?? null;
    return html`<div class="found"><div class="cards" role="group" aria-label="Candidates, the best first">
        ${repeat(candidates, (one) => one.preset.id, (one, i) => html`<pf-candidate .candidate=${one} .rank=${i + 1}
          .current=${one === current} .chosen=${chosen.includes(one.preset.id)} @pf-pick=${() => this.pick(i)}
          @pf-choose=${() => this.#choose(one)}></pf-candidate>`)}</div>
      <pf-verdict class="card" .candidate=${current} .rank=${candidates.indexOf(current) + 1}
        .uncertainty=${this.#uncertainty(current)}></pf-verdict></div>`;
  }

  #uncertainty(current) {
    const { job, candidates } = session.state;
    return current && current === candidates[0] ? job?.result?.uncertainty ?? null : null;
  }

  #empty(sound) {
    const { job } = session.state;
    if (running(job)) {
      return html`<div class="empty"><h2>${job.state === "queued" ? "Waiting for its turn" : "Listening, guessing, listening again"}</h2>
        <p class="quiet">The first candidates come within seconds, and get better while you wait.</p></div>`;
    }
    if (sound) {
      return html`<div class="empty"><h2>Ready to match</h2><p
        class="quiet">Choose the synths and how long to search, then press Match.</p></div>`;
    }
    return html`<div class="empty">${drawing()}<h2>A sound becomes a preset</h2><ol>
      <li>Give it a sound: drop a file, record one, or try the example.</li>
      <li>Hear presets of real synths that sound like it, beside the original.</li>
      <li>Play them, turn them, and take home the file that the synth itself opens.</li></ol></div>`;
  }

  /** Starts a match of the target. */
  async start(seconds = session.state.seconds) {
    const { sound, part, synths, options } = session.state;
    if (!sound || !synths.length || this.starting) return;
    this.stop();
    this.#end(this.latest);
    this.own = false;
    this.ordered = "";
    this.starting = true;
    const given = Object.fromEntries(Object.entries(part).filter(([, value]) => value !== null));
    try {
      const job = await api.post("/jobs", { kind: "match", sound: sound.id, synths, seconds, lock: locked(), ...options, ...given });
      this.latest = job;
      session.change(`Match ${sound.name}`, { job, candidates: [], chosen: [] });
      this.#follow(job);
    } catch (error) {
      session.fail(error);
    } finally {
      this.starting = false;
    }
  }

  /** Ends a match that another takes the place of: it would only keep that one waiting. What it found so far is kept. */
  #end(job) {
    if (running(job)) api.post(`/jobs/${job.id}/cancel`).catch((error) => session.fail(error));
  }

  /** Makes a candidate the current preset, and plays it. */
  pick(index) {
    const candidate = session.state.candidates[index];
    if (!candidate) return;
    this.own = true;
    session.load(candidate.preset, `Candidate ${index + 1}`, { note: candidate.note });
    session.say(`Candidate ${index + 1}: ${candidate.closeness}`, "quiet");
  }

  #follow(job) {
    this.stop();
    this.stop = api.follow(job, (next) => this.#heard(next));
  }

  #heard(job) {
    if (session.state.job?.id !== job.id) return;
    this.latest = job;
    const candidates = job.result?.candidates ?? session.state.candidates;
    const first = candidates.length > 0 && session.state.candidates.length === 0;
    if (ENDED.has(job.state) || this.ordered !== "cancel") this.ordered = "";
    const best = candidates[0];
    const patch = { job, candidates, ...followed(candidates) };
    // The best so far is at hand for the keys, unless the user has taken something else.
    if (best && !this.own && session.state.preset?.id !== best.preset.id) {
      Object.assign(patch, { preset: best.preset, base: best.preset, origin: best.preset, macros: {}, gain: null, note: best.note });
    }
    session.set(patch);
    if (first) this.#first(best);
    if (ENDED.has(job.state)) this.#ended(job, best);
  }

  #first(best) {
    session.say(`First candidate: ${best.closeness}`, "quiet");
    if (this.guide === "start") this.guide = "found";
    if (navigator.userActivation?.hasBeenActive && !engine.sounding.length && !engine.comparing) session.hear(best.preset, best.note);
  }

  #ended(job, best) {
    if (!best) this.guide = "";
    if (job.state === "failed") session.say(job.error, "bad");
    else if (best) session.say(`The match is ${best.closeness}. ${best.text}`, "quiet");
    else session.say("No candidate was found.", "bad");
  }

  async #order(what) {
    this.ordered = what;
    try {
      const job = await api.post(`/jobs/${session.state.job.id}/${what}`);
      if (session.state.job?.id === job.id) this.#heard(job);
    } catch (error) {
      this.ordered = "";
      session.fail(error);
    }
  }

  async #load() {
    await session.ready;
    try {
      this.synths = await api.get("/synths");
      const ready = this.synths.filter((one) => one.ready).map((one) => one.name);
      const kept = session.state.synths.filter((name) => ready.includes(name));
      session.set({ synths: kept.length ? kept : ["dexed", "vital"].filter((name) => ready.includes(name)) });
    } catch (error) {
      session.fail(error);
    }
    this.#again();
  }

  /** Goes on listening to a job that was under way when the page was left, or that undo brought back. */
  async #again() {
    const { job, candidates } = session.state;
    if (!job || (ENDED.has(job.state) && job.result)) return;
    const isHere = ENDED.has(job.state) && candidates.length > 0; // but what was found beside them is not kept in the page
    try {
      const found = await api.get(`/jobs/${job.id}`);
      if (session.state.job?.id !== job.id) return;
      if (isHere) {
        this.latest = found;
        session.set({ job: found });
        return;
      }
      const { preset } = session.state;
      this.own = this.own || (Boolean(preset) && preset.id !== candidates[0]?.preset.id); // else it goes on with the best
      this.#heard(found);
      if (!ENDED.has(found.state)) this.#follow(found);
    } catch (error) {
      if (error.status === 404) isHere ? (this.latest = job) : session.set({ job: null });
      else session.fail(error);
    }
  }

  #toggle(name) {
    const { synths } = session.state;
    session.set({ synths: synths.includes(name) ? synths.filter((one) => one !== name) : [...synths, name] });
  }

  #choose(candidate) {
    const { id } = candidate.preset;
    const { chosen } = session.state;
    const next = chosen.includes(id) ? chosen.filter((one) => one !== id) : [...chosen, id];
    session.change("Choose for the bank", { chosen: next });
  }

  #atOnce = (event) => {
    this.atOnce = event.target.checked;
    localStorage.setItem("patchflow-at-once", this.atOnce ? "yes" : "no");
  };

  #targeted = ({ detail }) => {
    this.guide = detail.example ? "start" : "";
    if (detail.example || this.atOnce) this.start(detail.example ? EXAMPLE_SECONDS : session.state.seconds);
  };

  #compared = () => {
    if (this.guide === "found" && engine.comparing) this.guide = "flip";
    this.requestUpdate();
  };

  #changed = ({ detail }) => {
    if (detail.includes("job") && session.state.job) this.#jumped();
    if (!session.state.job) this.stop();
    this.requestUpdate();
  };

  /** Undo, redo or a project may bring another job, or one as it was. */
  #jumped() {
    if (session.state.job !== this.latest) this.#again();
  }

  #key = (event) => {
    if (session.state.view !== "match" || isTyping(event)) return;
    const name = shortcutOf(event)?.name;
    const { candidates, preset, job } = session.state;
    const at = candidates.findIndex((one) => one.preset.id === preset?.id);
    if (name === "start") running(job) ? this.#order("cancel") : this.start();
    else if (name === "next") this.pick(Math.min(at + 1, candidates.length - 1));
    else if (name === "previous") this.pick(Math.max(at - 1, 0));
    else return;
    event.preventDefault();
  };

  firstUpdated() {
    this.getRootNode().addEventListener("pf-note", () => {
      if (this.guide === "flip") this.guide = "play";
    });
  }
}

/** A sound on the left, a synth's knobs on the right. */
function drawing() {
  const turns = [-120, -40, 30, 100, -70, 60];
  return html`<svg class="drawing" viewBox="0 0 420 120" aria-hidden="true">
    <path class="wave" d="M4 60h18l8-22 12 50 12-72 14 92 13-84 12 62 10-40 9 26 8-12h22"></path>
    <path class="arrow" d="M168 60h60M216 48l14 12-14 12"></path>
    <rect class="box" x="262" y="10" width="150" height="100" rx="12"></rect>
    ${turns.map((turn, i) => svg`<g
      transform="translate(${295 + 42 * (i % 3)} ${38 + 44 * Math.floor(i / 3)})"><circle class="knob" r="13"></circle>
      <path class="hand" d="M0-4v-7" transform="rotate(${turn})"></path></g>`)}</svg>`;
}

/** What is locked of the current preset, with its values, if its synth is among those that are searched. */
function locked() {
  const { preset, synths } = session.state;
  if (!preset || !synths.includes(preset.synth)) return {};
  return Object.fromEntries(session.locksOf(preset).map((name) => [name, preset.values[name]]));
}

/** Whether the target is no longer what a job matches: its note, part or threshold was changed since. */
function isStale(job, part) {
  return job.request && Object.entries(part).some(([name, value]) => (job.request[name] ?? null) !== value);
}

function running(job) {
  return Boolean(job) && !ENDED.has(job.state);
}

/** What a job does now, in words. */
function statusOf(job, candidates) {
  const best = candidates[0] ? `best so far: ${candidates[0].closeness}` : "";
  if (job.state === "queued") return job.place ? `Waiting: ${job.place} before it` : "About to begin";
  if (job.state === "running") return [job.progress ? STAGES[job.progress.stage] ?? job.progress.stage : "Begins", best].filter(Boolean).join(" · ");
  if (job.state === "paused") return ["Paused", best].filter(Boolean).join(" · ");
  if (!candidates.length) return "Ended without a candidate";
  const { closeness, tuning, text } = candidates[0];
  return [`${job.result?.stopped === "cancelled" ? "Stopped" : "Done"}: ${closeness}`, tuning, text].filter(Boolean).join(" · ");
}

function timeOf(job) {
  const { seconds, seconds_left: left, renders } = job.progress ?? {};
  const words = [];
  if (renders) words.push(`${renders.toLocaleString("en")} renders`);
  if (running(job) && Number.isFinite(left)) words.push(`${minutes(left)} left`);
  else if (Number.isFinite(seconds)) words.push(`${minutes(seconds)}`);
  return words.join(" · ");
}

/** What was taken of the candidates so far, under the ids that they have now: at the end they get numbers in their names. */
export function followed(candidates) {
  const { candidates: before, preset, chosen } = session.state;
  const like = ({ preset: { synth, values }, kind }) => JSON.stringify([synth, kind, values]);
  const now = new Map(candidates.map((one) => [like(one), one.preset]));
  const renamed = new Map(before.map((one) => [one.preset.id, now.get(like(one))]).filter(([id, one]) => one && one.id !== id));
  if (!renamed.size) return {};
  const current = renamed.get(preset?.id);
  const patch = { chosen: chosen.map((id) => renamed.get(id)?.id ?? id) };
  return current ? { ...patch, preset: current, base: current, origin: current } : patch;
}

customElements.define("pf-match", Match);
export { Match };
