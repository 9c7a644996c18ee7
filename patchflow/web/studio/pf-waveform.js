// <pf-waveform>: the waveform of a sound with handles for its start and end, drawn by wavesurfer.js.
//
// Properties: `sound` (of the API, with its peaks), `start` and `end` in seconds. Event: "pf-trim" {start, end}. The same
// can be done in the fields for start and end, by keyboard: wavesurfer.js has handles for the mouse and for touch alone.

import WaveSurfer from "wavesurfer.js";
import Regions from "wavesurfer.js/plugins/regions.esm.js";

const HEIGHT = 84; // px
const LIGHT = matchMedia("(prefers-color-scheme: light)");

class Waveform extends HTMLElement {
  #surfer = null;
  #regions = null;
  #region = null;
  #ready = false;
  #sound = null;
  #start = 0;
  #end = 0;

  constructor() {
    super();
    this.box = document.createElement("div");
    this.attachShadow({ mode: "open" }).append(this.box);
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(`:host { display: block; height: ${HEIGHT}px; border-radius: 8px; overflow: hidden; background: var(--pf-well); }
      ::part(region-handle-left) { border-left: 3px solid var(--pf-second) !important; width: 12px !important; }
      ::part(region-handle-right) { border-right: 3px solid var(--pf-second) !important; width: 12px !important; }`);
    this.shadowRoot.adoptedStyleSheets = [sheet];
  }

  connectedCallback() {
    this.#draw();
    this.themed = new MutationObserver(() => this.#draw());
    this.themed.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
    LIGHT.addEventListener("change", this.#draw);
  }

  disconnectedCallback() {
    this.themed.disconnect();
    LIGHT.removeEventListener("change", this.#draw);
    this.#surfer?.destroy();
    this.#surfer = null;
    cancelAnimationFrame(this.frame);
  }

  set sound(sound) {
    const other = sound?.id !== this.#sound?.id;
    this.#sound = sound;
    if (other && this.isConnected) this.#draw();
  }

  set start(value) {
    this.#start = value;
    this.#place();
  }

  set end(value) {
    this.#end = value;
    this.#place();
  }

  /** Moves the line through the part that plays now. */
  follow() {
    const began = performance.now();
    cancelAnimationFrame(this.frame);
    const move = () => {
      const at = this.#start + (performance.now() - began) / 1000;
      if (at >= this.#end || !this.#surfer) return;
      this.#surfer.setTime(at);
      this.frame = requestAnimationFrame(move);
    };
    move();
  }

  #draw = () => {
    this.#surfer?.destroy();
    this.#surfer = null;
    this.#region = null;
    this.#ready = false;
    if (!this.#sound) return;
    const colour = (name) => getComputedStyle(this).getPropertyValue(name).trim();
    this.#surfer = WaveSurfer.create({
      container: this.box, height: HEIGHT, peaks: [this.#sound.peaks], duration: this.#sound.seconds, interact: false, normalize: true,
      waveColor: colour("--pf-accent"), progressColor: colour("--pf-accent"), cursorColor: colour("--pf-ink"), cursorWidth: 1,
      barWidth: 2, barGap: 1, barRadius: 2, hideScrollbar: true,
    });
    this.#regions = this.#surfer.registerPlugin(Regions.create());
    this.#regions.on("region-updated", (region) => this.#told(region));
    // Before it is ready it has no length, and a region would be a line.
    this.#surfer.on("ready", () => {
      this.#ready = true;
      this.#place();
    });
  };

  #place() {
    if (!this.#surfer || !this.#ready || !(this.#end > this.#start)) return;
    if (this.#region) {
      this.#region.setOptions({ start: this.#start, end: this.#end });
      return;
    }
    const colour = getComputedStyle(this).getPropertyValue("--pf-second-soft").trim();
    this.#region = this.#regions.addRegion({ start: this.#start, end: this.#end, drag: true, resize: true, color: colour, minLength: 0.02 });
  }

  #told(region) {
    const moved = { start: region.start, end: region.end };
    if (Math.abs(moved.start - this.#start) + Math.abs(moved.end - this.#end) < 1e-4) return;
    this.dispatchEvent(new CustomEvent("pf-trim", { detail: moved }));
  }
}

customElements.define("pf-waveform", Waveform);
export { Waveform };
