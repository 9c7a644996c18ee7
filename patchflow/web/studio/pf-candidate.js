// <pf-candidate>: a preset that was found, as a card: its spectrogram, how close it is, whether it goes into the bank.

import { LitElement, css, html } from "lit";

import { api } from "./api.js";
import "./pf-picture.js";
import { look } from "./studio-look.js";

const WORDS = ["another sound", "same family", "close", "a twin", "the same"]; // from far to near

class Card extends LitElement {
  static properties = { candidate: {}, rank: {}, current: {}, chosen: {} };

  static styles = [look, css`
    :host { display: block; min-height: 0; }
    article { height: 100%; display: flex; flex-direction: column; position: relative; overflow: hidden;
      background: var(--pf-panel); border: 1px solid var(--pf-line); border-radius: 10px;
      transition: border-color var(--pf-quick); }
    article:hover { border-color: var(--pf-edge); }
    article.current { border-color: var(--pf-accent); box-shadow: 0 0 0 1px var(--pf-accent); }
    .pick { position: absolute; inset: 0; width: 100%; height: 100%; background: none; border: 0; border-radius: 10px;
      z-index: 1; min-height: 0; }
    .pick:focus-visible { outline-offset: -3px; }
    .pick:active { transform: none; }
    pf-picture { --pf-spectrogram-height: 100%; flex: 1 1 68px; min-height: 0; background: #000; }
    pf-picture > * { height: 100%; }
    .text { padding: 8px 10px 10px; display: grid; gap: 3px; }
    .closeness { display: flex; gap: 6px; align-items: center; font-weight: 650; }
    .dots { display: flex; gap: 3px; }
    .dots i { width: 6px; height: 6px; border-radius: 50%; background: var(--pf-line); }
    .dots i.on { background: var(--pf-second); }
    .name { font-size: 12px; }
    .bank { position: absolute; right: 6px; top: 6px; z-index: 2; background: #000b; color: #fff; border-radius: 6px;
      padding: 2px 7px 2px 4px; font-size: 11px;
      display: flex; align-items: center; gap: 4px; cursor: pointer; }
    .rank { position: absolute; left: 6px; top: 6px; background: #000b; color: #fff; border-radius: 6px;
      font-size: 11px; padding: 0 6px; line-height: 20px; }
    @media (pointer: coarse) { .bank { padding: 10px 12px 10px 10px; } }
  `];

  render() {
    const { preset, note, closeness, tuning, text, distance } = this.candidate;
    const { pitch, velocity, hold, length } = note;
    const steps = WORDS.indexOf(closeness);
    return html`<article class=${this.current ? "current" : ""}>
      <button class="pick" aria-pressed=${String(Boolean(this.current))} @click=${() => this.#tell("pf-pick")}
        aria-label="Candidate ${this.rank}: ${preset.name}, ${preset.synth}, ${closeness}"></button>
      <pf-picture plain src=${api.url(`/presets/${preset.id}/spectrogram`, { pitch, velocity, hold, length })}
        label="Spectrogram of candidate ${this.rank}"></pf-picture>
      <span class="rank">${this.rank}</span>
      <label class="bank"><input type="checkbox" .checked=${Boolean(this.chosen)}
        @change=${() => this.#tell("pf-choose")}
        aria-label="Candidate ${this.rank} into the bank"> bank</label>
      <div class="text"><span class="closeness"><span class="dots"
        aria-hidden="true">${WORDS.slice(1).map((_, i) => html`<i class=${i < steps ? "on" : ""}></i>`)}</span>
          <span class="cut">${closeness}</span></span>
        <span class="name cut"><span class="quiet">${preset.synth}</span> ${preset.name}</span>
        <span class="small quiet cut"
          title=${[tuning, text].filter(Boolean).join(", ")}>${[`${distance.toFixed(1)} dB`, tuning, text].filter(Boolean).join(" · ")}</span></div>
    </article>`;
  }

  #tell(name) {
    this.dispatchEvent(new CustomEvent(name));
  }
}

customElements.define("pf-candidate", Card);
export { Card };
