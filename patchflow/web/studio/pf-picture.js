// <pf-picture src="/api/v1/sounds/ID/spectrogram" label="...">: the spectrogram of a sound or preset.
//
// The server sends levels as a grey picture, the lowest frequency in its lowest row; its headers have the axes. The site's
// own <pf-spectrogram> gives it colours and axes. Pictures are kept: a card that moves does not ask again.

import "../pf-spectrogram.js";

import { api } from "./api.js";

const KEPT = 64;
const FLOOR_DB = -80; // what black is
const kept = new Map(); // address -> promise of {levels, low, high, seconds}

class Picture extends HTMLElement {
  static observedAttributes = ["src", "label"];

  connectedCallback() {
    this.style.display = "block";
    this.#show();
  }

  attributeChangedCallback(name, before, after) {
    if (before !== after && this.isConnected) this.#show();
  }

  async #show() {
    const address = this.getAttribute("src");
    if (!address || address === this.shown) return;
    this.shown = address;
    this.#wait();
    try {
      const { levels, low, high, seconds } = await picture(address);
      if (this.shown !== address) return;
      this.waiting?.cancel();
      const drawn = document.createElement("pf-spectrogram");
      const plain = this.hasAttribute("plain"); // a small one has no room for axes
      if (!plain) for (const [name, value] of Object.entries({ low, high, seconds })) drawn.setAttribute(name, value);
      drawn.setAttribute("label", this.getAttribute("label") || "Spectrogram");
      this.replaceChildren(drawn);
      drawn.levels = levels;
    } catch (error) {
      if (this.shown !== address) return;
      this.shown = null;
      this.waiting?.cancel();
      this.replaceChildren(`No picture: ${error.message}`);
    }
  }

  /** Glows while the first picture is made: black would be silence. */
  #wait() {
    if (this.firstChild || matchMedia("(prefers-reduced-motion: reduce)").matches) return;
    this.waiting ??= this.animate([{ backgroundColor: "#0b0d12" }, { backgroundColor: "#2a3140" }],
      { duration: 700, direction: "alternate", iterations: Infinity, easing: "ease-in-out" });
  }
}

/** Returns the levels of an address, from what is kept if they are there. */
function picture(address) {
  if (!kept.has(address)) {
    const made = fetched(address);
    made.catch(() => kept.delete(address));
    kept.set(address, made);
    if (kept.size > KEPT) kept.delete(kept.keys().next().value);
  }
  return kept.get(address);
}

async function fetched(address) {
  const answer = await api.response(address);
  const header = (name) => Number(answer.headers.get(name));
  const image = await createImageBitmap(await answer.blob(), { colorSpaceConversion: "none" });
  const canvas = new OffscreenCanvas(image.width, image.height);
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0);
  const { data } = context.getImageData(0, 0, image.width, image.height);
  const rows = [];
  for (let y = image.height - 1; y >= 0; y -= 1) {
    const row = new Float32Array(image.width);
    for (let x = 0; x < image.width; x += 1) row[x] = FLOOR_DB * (1 - data[4 * (y * image.width + x)] / 255);
    rows.push(row);
  }
  return { levels: rows, low: header("X-Low-Hz"), high: header("X-High-Hz"), seconds: header("X-Seconds") };
}

customElements.define("pf-picture", Picture);
export { Picture };
