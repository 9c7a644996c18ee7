// <pf-player>: plays one sound; its picture is where one seeks, with the mouse, by touch or with the keyboard.
//
//   <pf-player seconds="3.2" peaks="0 12 80 44" label="Bell, original">
//     <audio controls preload="none" src="bell.mp3"></audio>
//     <pf-spectrogram>...</pf-spectrogram>                (or an <img>; without either, the waveform of `peaks`)
//   </pf-player>
//
// Attributes: `label` (its name for screen readers), `seconds` (its length, so that nothing is loaded before it is
// played), `peaks` (heights of the waveform from 0 to 100, left to right). Without scripts the <audio> is what one sees.
// Only one player of a page plays at a time. Events bubble from the <audio>.

import { LOOK, clock } from "./pf-look.js";

const STEP = 0.05; // of the length, for an arrow key
const ICONS = {
  play: "M4 2.5v11l9.5-5.5z",
  pause: "M3.5 2.5h3.2v11H3.5zM9.3 2.5h3.2v11H9.3z",
};

let playing = null; // the one player that may be heard

const SHEET = `${LOOK}
  :host { display: block; min-width: 0; container-type: inline-size; }
  .row { display: grid; grid-template-columns: 2.5rem minmax(0, 1fr); gap: .5rem; align-items: center; }
  button { width: 2.5rem; height: 2.5rem; border-radius: 50%; border: 1px solid var(--_accent); cursor: pointer;
    background: var(--_ground); color: var(--_accent); padding: 0; display: grid; place-items: center; }
  button:hover { background: var(--_accent); color: var(--_ground); }
  button svg { width: 1rem; height: 1rem; fill: currentColor; }
  .picture { position: relative; border-radius: .25rem; overflow: hidden; min-height: 2.5rem;
    background: var(--_soft); }
  .picture:focus-within { outline: 3px solid var(--_accent); outline-offset: 2px; }
  .wave { display: block; width: 100%; height: 2.5rem; color: var(--_accent); fill: currentColor; }
  .head { position: absolute; top: 0; bottom: 0; left: 0; width: 2px; background: #fff; pointer-events: none;
    box-shadow: 0 0 0 1px #000; }
  .head[hidden] { display: none; }
  input { position: absolute; inset: 0; width: 100%; height: 100%; margin: 0; opacity: 0; cursor: pointer; }
  .time { font-size: .75rem; color: var(--_quiet); font-variant-numeric: tabular-nums; grid-column: 2; }
  .fault { color: var(--_bad); }
  @container (max-width: 11rem) {
    .picture { grid-column: 1 / -1; grid-row: 1; }
    .time { align-self: center; }
  }
  ::slotted(audio) { display: none !important; }
  ::slotted(img) { display: block; width: 100%; height: auto; }
`;

class Player extends HTMLElement {
  connectedCallback() {
    this.audio = this.querySelector("audio");
    if (this.shadowRoot || !this.audio) return;
    this.audio.controls = false;
    const root = this.attachShadow({ mode: "open" });
    root.innerHTML = `<style>${SHEET}</style>
      <div class="row" part="row">
        <button type="button"><svg viewBox="0 0 16 16" aria-hidden="true"><path/></svg></button>
        <div class="picture" part="picture">
          <slot></slot>${this.#wave()}
          <div class="head" hidden></div>
          <input type="range" min="0" step="any" value="0">
        </div>
        <div class="time"></div>
      </div>`;
    this.button = root.querySelector("button");
    this.slider = root.querySelector("input");
    this.head = root.querySelector(".head");
    this.time = root.querySelector(".time");
    this.slider.max = this.seconds;
    this.slider.setAttribute("aria-label", `Position in ${this.label}`);
    this.button.addEventListener("click", () => this.toggle());
    this.slider.addEventListener("input", () => this.seek(Number(this.slider.value)));
    this.slider.addEventListener("keydown", (event) => this.#key(event));
    for (const name of ["play", "pause", "ended", "durationchange"]) {
      this.audio.addEventListener(name, () => this.#show());
    }
    this.audio.addEventListener("play", () => this.#alone());
    this.audio.addEventListener("timeupdate", () => this.#move());
    this.audio.addEventListener("error", () => this.#fail());
    this.#show();
  }

  disconnectedCallback() {
    this.audio?.pause();
    if (this.audio?.src.startsWith("blob:")) URL.revokeObjectURL(this.audio.src);
  }

  get label() {
    return this.getAttribute("label") || "sound";
  }

  get seconds() {
    const known = this.audio.duration;
    return Number.isFinite(known) ? known : Number(this.getAttribute("seconds")) || 0;
  }

  toggle() {
    if (!this.audio.paused) return this.audio.pause();
    return this.audio.play().catch((error) => {
      if (error.name !== "AbortError") this.#fail(); // paused before it began is no fault
    });
  }

  seek(seconds) {
    const at = Math.min(Math.max(seconds, 0), this.seconds);
    this.#move(at);
    if (this.audio.readyState > 0 && this.#reaches(at)) this.audio.currentTime = at;
    else this.#load(at);
  }

  #reaches(at) {
    const ranges = this.audio.seekable;
    return ranges.length > 0 && ranges.start(0) <= at && at <= ranges.end(0);
  }

  /** Fetches the whole sound and goes to a place in it: some servers send no parts of files. */
  async #load(at) {
    const on = !this.audio.paused;
    this.wanted = at;
    if (this.loading) return; // what is under way goes to the last place that was wanted
    this.loading = true;
    try {
      const answer = await fetch(this.audio.currentSrc || this.audio.src);
      if (!answer.ok) throw new Error(String(answer.status));
      this.audio.src = URL.createObjectURL(await answer.blob());
      this.audio.load();
      await new Promise((done) => this.audio.addEventListener("loadedmetadata", done, { once: true }));
      this.audio.currentTime = this.wanted;
      if (on) this.audio.play();
    } catch {
      this.#fail();
    } finally {
      this.loading = false;
    }
  }

  #wave() {
    const given = this.getAttribute("peaks");
    if (!given || this.querySelector("img, pf-spectrogram")) return "";
    const peaks = given.trim().split(/\s+/).map(Number);
    const bars = peaks.map((peak, i) => `<rect x="${i}" y="${50 - peak / 2}" width=".8" height="${peak || 0.5}"/>`);
    return `<svg class="wave" viewBox="0 0 ${peaks.length} 100" preserveAspectRatio="none" aria-hidden="true">
      ${bars.join("")}</svg>`;
  }

  #alone() {
    if (playing && playing !== this) playing.audio.pause();
    playing = this;
  }

  #key(event) {
    const steps = { ArrowRight: STEP, ArrowUp: STEP, ArrowLeft: -STEP, ArrowDown: -STEP };
    if (event.key in steps) this.seek(Number(this.slider.value) + steps[event.key] * this.seconds);
    else if (event.key === " ") this.toggle();
    else return;
    event.preventDefault();
  }

  #show() {
    const on = !this.audio.paused && !this.audio.ended;
    this.slider.max = this.seconds;
    this.button.setAttribute("aria-label", `${on ? "Pause" : "Play"} ${this.label}`);
    this.button.querySelector("path").setAttribute("d", on ? ICONS.pause : ICONS.play);
    this.toggleAttribute("playing", on);
    this.#move();
    if (on) this.#follow();
  }

  #follow() {
    // `timeupdate` comes four times a second, which is too coarse for a moving line.
    if (this.audio.paused) return;
    this.#move();
    requestAnimationFrame(() => this.#follow());
  }

  #move(at = this.loading ? this.wanted : this.audio.currentTime) {
    const whole = this.seconds || 1;
    this.slider.value = at;
    this.slider.setAttribute("aria-valuetext", `${at.toFixed(1)} of ${whole.toFixed(1)} seconds`);
    this.head.hidden = at === 0;
    this.head.style.left = `calc(${(100 * at) / whole}% - 1px)`;
    if (!this.time.classList.contains("fault")) this.time.textContent = `${clock(at)} / ${clock(whole)}`;
  }

  #fail() {
    this.time.classList.add("fault");
    this.time.setAttribute("role", "alert");
    this.time.textContent = "This sound cannot be played.";
  }
}

customElements.define("pf-player", Player);
export { Player };
