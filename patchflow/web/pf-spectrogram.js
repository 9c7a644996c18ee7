// <pf-spectrogram>: the spectrogram of a sound on a scale of logarithmic frequency, with its axes.
//
//   <pf-spectrogram low="26" high="10500" seconds="3.2"><img src="bell.webp" alt="Spectrogram: ..."></pf-spectrogram>
//   <pf-spectrogram low="26" high="10500" seconds="3.2" label="...">
//     <script type="application/json">[[-80, -12, ...], ...]</script>
//   </pf-spectrogram>
//
// Attributes: `low` and `high`, the ends of the axis in Hz; `seconds`, its length. The picture has the lowest frequency
// at the bottom. Numbers are levels in dB below the loudest, a row a band, the lowest band first; a script may give the
// same as the property `levels`.

import { LOOK, exact, ticks } from "./pf-look.js";

const FLOOR_DB = -80;
// Stops of the colours from the floor to the loudest; the same as those of the pictures, see site/pictures.py.
const STOPS = [[0, 0, 4], [40, 11, 84], [101, 21, 110], [159, 42, 99], [212, 72, 66], [245, 125, 21], [250, 193, 39],
  [252, 255, 164]];

const SHEET = `${LOOK}
  :host { display: block; position: relative; overflow: hidden; background: #000; line-height: 0; }
  canvas, ::slotted(img) { display: block !important; width: 100% !important;
    height: var(--pf-spectrogram-height, 8rem) !important; }
  .axis { position: absolute; inset: 0; pointer-events: none; color: #fff; font-size: .6875rem; line-height: 1; }
  .axis span { position: absolute; text-shadow: 0 0 2px #000, 0 0 3px #000, 0 0 4px #000; white-space: nowrap; }
  .hz { left: 3px; transform: translateY(50%); }
  .s { bottom: 2px; transform: translateX(-50%); }
`;

class Spectrogram extends HTMLElement {
  connectedCallback() {
    if (this.shadowRoot) return;
    const root = this.attachShadow({ mode: "open" });
    root.innerHTML = `<style>${SHEET}</style><slot></slot><div class="axis" aria-hidden="true">${this.#axis()}</div>`;
    const given = this.querySelector("script");
    if (given) this.levels = JSON.parse(given.textContent);
  }

  /** Levels in dB, a row a band, the lowest first. */
  set levels(rows) {
    const canvas = document.createElement("canvas");
    canvas.height = rows.length;
    canvas.width = rows[0]?.length || 1;
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", this.getAttribute("label") || "Spectrogram");
    const context = canvas.getContext("2d");
    const image = context.createImageData(canvas.width, canvas.height);
    rows.forEach((row, band) => {
      const line = (rows.length - 1 - band) * canvas.width;
      row.forEach((level, frame) => image.data.set([...colourOf(level), 255], 4 * (line + frame)));
    });
    context.putImageData(image, 0, 0);
    this.shadowRoot.querySelector("canvas")?.remove();
    this.shadowRoot.querySelector("slot").before(canvas);
  }

  #axis() {
    const [low, high, seconds] = ["low", "high", "seconds"].map((name) => Number(this.getAttribute(name)));
    const marks = [];
    if (low > 0 && high > low) {
      const octaves = Math.log(high / low);
      for (const hz of [100, 1000, 5000].filter((value) => value > low * 1.2 && value < high / 1.2)) {
        const text = hz < 1000 ? `${hz} Hz` : `${hz / 1000} kHz`;
        marks.push(`<span class="hz" style="bottom:${(100 * Math.log(hz / low)) / octaves}%">${text}</span>`);
      }
    }
    for (const at of seconds > 0 ? ticks(0, seconds, 5).slice(1) : []) {
      if (at < 0.95 * seconds) marks.push(`<span class="s" style="left:${(100 * at) / seconds}%">${exact(at)} s</span>`);
    }
    return marks.join("");
  }
}

/** Returns red, green and blue of a level. */
function colourOf(level) {
  const at = Math.min(Math.max(1 - level / FLOOR_DB, 0), 1) * (STOPS.length - 1);
  const first = Math.min(Math.floor(at), STOPS.length - 2);
  return STOPS[first].map((part, i) => Math.round(part + (at - first) * (STOPS[first + 1][i] - part)));
}

customElements.define("pf-spectrogram", Spectrogram);
export { Spectrogram };
