// <pf-macros>: eight knobs by words, each with its two ends and, below, what it moves most.
//
// Turning asks `/macros/turn` for the base preset turned by all words at once, so that the newest turn wins; what is
// locked stays. What a knob moves is asked for once a base stays as it is, one word after another: of a synth without a
// learned map this has each base measured, and the server lets notes come first.

import { LitElement, css, html } from "lit";
import { api } from "./api.js";
import { Listens } from "./listens.js";
import "./pf-knob.js";
import { session } from "./session.js";
import { SHAPE_LOOK } from "./shape-look.js";

export const REACH = 3; // values are within -3 and 3
const KNOBS = 8;
const QUIET = 1200; // ms that a base stays as it is before it is asked what the knobs move
const SHOWN = 2; // parameters under a knob

const known = new Map();

/** Returns the macros of a synth, in the server's order. */
export function macrosOf(synth) {
  if (!known.has(synth)) {
    const asked = api.get(`/synths/${encodeURIComponent(synth)}/macros`);
    asked.catch(() => known.delete(synth));
    known.set(synth, asked);
  }
  return known.get(synth);
}

/** Returns a macro as a parameter that a knob turns. */
export function asParameter(macro) {
  return { name: macro.word, title: macro.title, kind: "continuous", low: -REACH, high: REACH, unit: "", default: 0 };
}

/** Turns one or two words, the others stay where they are; 0 is not sent. */
export function turnWords(words) {
  const all = { ...session.turned, ...words };
  return session.turn(Object.fromEntries(Object.entries(all).filter(([, amount]) => amount !== 0)));
}

/** Returns the largest of some moves in short words. */
function inWords(moves) {
  const largest = [...moves].sort((one, other) => Math.abs(other.size) - Math.abs(one.size)).slice(0, SHOWN);
  return largest.map(({ name, before, after }) => {
    const short = name.replace(/[._]+/g, " ");
    if (typeof before !== "number") return `${short} → ${after}`;
    return `${after > before ? "↑" : "↓"} ${short}`; // the arrow first: a long name is cut at its end
  });
}

export class Macros extends LitElement {
  static properties = {
    macros: { state: true },
    moves: { state: true },
    fault: { state: true },
  };

  static styles = [
    SHAPE_LOOK,
    css`
      :host {
        --pf-knob: 46px;
        padding: 6px 10px 5px;
        background: var(--pf-panel);
        border: 1px solid var(--pf-line);
        border-radius: var(--pf-radius);
      }
      header {
        display: flex;
        align-items: center;
        gap: 8px;
        height: 20px;
      }
      header button {
        min-height: 20px;
        margin-left: auto;
      }
      .knobs {
        display: grid;
        grid-template-columns: repeat(8, minmax(0, 1fr));
        gap: 4px;
      }
      .macro {
        text-align: center;
        min-width: 0;
      }
      .title {
        display: block;
        width: 100%;
        height: 20px;
        min-height: 20px;
        font-size: 11px;
        font-weight: 600;
        letter-spacing: -0.035em;
        line-height: 20px;
      }
      select.title {
        border: 0;
        padding: 0;
        background: none;
        text-align: center;
        text-align-last: center;
        appearance: none;
        cursor: pointer;
        border-radius: 4px;
      }
      select.title:hover {
        background: var(--pf-raised);
      }
      .ends {
        display: grid;
        padding: 0 4px;
        font-size: 11px;
        line-height: 14px;
        color: var(--pf-quiet);
      }
      .ends span {
        text-align: left;
      }
      .ends span:last-child {
        text-align: right;
      }
      .moves {
        height: 28px;
        font-size: 10.5px;
        letter-spacing: -0.02em;
        line-height: 14px;
        color: var(--pf-second);
        margin-top: 1px;
      }
      .empty {
        height: 124px;
        display: grid;
        place-items: center;
        text-align: center;
        color: var(--pf-quiet);
      }
      @media (min-width: 1500px) {
        .ends {
          grid-template-columns: minmax(0, 1fr) minmax(0, 1fr);
          gap: 8px;
          margin-bottom: 14px;
        }
      }
      @media (max-width: 700px) {
        .knobs {
          grid-template-columns: repeat(4, minmax(0, 1fr));
        }
      }
    `,
  ];

  #timer = 0;
  #abort = new AbortController();
  #seen = "";
  #synth = "";

  constructor() {
    super();
    this.macros = null;
    this.moves = {};
    this.fault = "";
    new Listens(this, session, { change: (event) => this.#changed(event.detail) });
  }

  connectedCallback() {
    super.connectedCallback();
    this.#changed(["base"]);
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    clearTimeout(this.#timer);
    this.#abort.abort();
  }

  render() {
    const { base } = session.state;
    const isTurned = Object.values(session.turned).some((amount) => amount !== 0);
    return html`<header><h2>Macros</h2><span class="quiet small cut">${this.#isMeasured()
          ? "turn the sound by words; a preset that was just edited takes longer"
          : "turn the sound by words"}</span>
        <button class="plain" ?disabled=${!isTurned} @click=${this.#reset}>Reset</button></header>
      ${this.#inside(base)}`;
  }

  #inside(base) {
    if (!base) return html`<p class="empty">Load a preset to turn it.</p>`;
    if (this.fault) return html`<p class="empty">${this.fault}</p>`;
    if (!this.macros) return html`<p class="empty"></p>`;
    if (!this.macros.length) return html`<p class="empty">No words are learned for this synth yet.</p>`;
    return html`<div class="knobs" @turn=${this.#turned} @lock=${(event) => event.stopPropagation()}>
      ${this.#shown().map((macro, index) => this.#knob(macro, index))}</div>`;
  }

  #knob(macro, index) {
    const amount = session.turned[macro.word] ?? 0;
    const moves = this.moves[macro.word] || [];
    return html`<div class="macro">
      ${this.#title(macro, index)}
      <pf-knob plain .parameter=${asParameter(macro)} .value=${amount} .label=${this.#label(macro)}></pf-knob>
      <div class="ends" aria-hidden="true"><span class="cut" title=${macro.low_word}>${macro.low_word}</span>
        <span class="cut" title=${macro.high_word}>${macro.high_word}</span></div>
      <div class="moves" title=${moves.join("\n")}>${moves.map((text) => html`<div class="cut">${text}</div>`)}</div>
    </div>`;
  }

  /** Whether the synth has no learned map: then each preset is measured before its first turn. */
  #isMeasured() {
    return Boolean(this.macros?.length) && !this.macros[0].provenance.includes("learned map");
  }

  #label(macro) {
    return `${macro.title}, ${macro.low_word} to ${macro.high_word}`;
  }

  #title(macro, index) {
    if (this.macros.length <= KNOBS) return html`<span class="title cut" title=${macro.provenance || ""}>${macro.title}</span>`;
    return html`<select class="title" aria-label=${`Word of macro ${index + 1}`}
      @change=${(event) => this.#choose(index, event.currentTarget.value)}>
      ${this.macros.map((one) => html`<option value=${one.word} .selected=${one.word === macro.word}>${one.title}</option>`)}
    </select>`;
  }

  /** The eight that are shown: those that were chosen here before, else the first. */
  #shown() {
    const chosen = JSON.parse(localStorage.getItem(this.#place()) || "[]");
    const found = chosen.map((word) => this.macros.find((macro) => macro.word === word)).filter(Boolean);
    const rest = this.macros.filter((macro) => !found.includes(macro));
    return [...found, ...rest].slice(0, KNOBS);
  }

  #choose(index, word) {
    const words = this.#shown().map((macro) => macro.word);
    const other = words.indexOf(word);
    if (other >= 0) words[other] = words[index];
    words[index] = word;
    localStorage.setItem(this.#place(), JSON.stringify(words));
    this.#look(0);
    this.requestUpdate();
  }

  #place() {
    return `patchflow-macros-${this.#synth}`;
  }

  #turned = (event) => {
    event.stopPropagation();
    const [[word, amount]] = Object.entries(event.detail.values);
    const rounded = Math.round(amount * 100) / 100;
    if ((session.turned[word] ?? 0) !== rounded) turnWords({ [word]: rounded });
  };

  #reset() {
    session.turn({});
    session.say("Macros reset", "quiet");
  }

  async #changed(names) {
    if (!names.some((name) => ["base", "macros", "locks", "view"].includes(name))) return;
    this.requestUpdate();
    const { base } = session.state;
    if (!base) return;
    if (base.synth !== this.#synth) await this.#read(base.synth);
    if (names.some((name) => name !== "macros" && name !== "preset")) {
      this.#look(QUIET);
    }
  }

  async #read(synth) {
    this.#synth = synth;
    this.macros = null;
    this.moves = {};
    try {
      const macros = await macrosOf(synth);
      if (synth !== this.#synth) return;
      this.fault = "";
      this.macros = macros;
    } catch (error) {
      if (synth === this.#synth) this.fault = error.message;
    }
  }

  /** Asks what the knobs move, later: not while a base still changes. */
  #look(delay) {
    clearTimeout(this.#timer);
    this.#abort.abort();
    this.#timer = setTimeout(() => this.#ask(), delay);
  }

  async #ask() {
    const { base } = session.state;
    if (!base || !this.macros || base.synth !== this.#synth) return;
    if (!this.checkVisibility()) return; // nobody sees it: asked again when the view opens
    const locks = session.locksOf(base);
    const seen = `${base.id} ${locks.join(" ")}`;
    if (seen !== this.#seen) this.moves = {};
    this.#seen = seen;
    this.#abort = new AbortController();
    const options = { signal: this.#abort.signal, headers: { "X-Ahead": "1" } };
    for (const { word } of this.#shown()) {
      if (options.signal.aborted || this.moves[word]) continue;
      try {
        const asked = { preset: base.id, words: { [word]: 1 }, lock: locks, keep: false };
        const answer = await api.post("/macros/turn", asked, options);
        this.moves = { ...this.moves, [word]: inWords(answer.moves) };
      } catch (error) {
        if (error.name === "AbortError" || error.status === 409) return; // another base is asked about, here or elsewhere
        this.moves = { ...this.moves, [word]: ["moves nothing"] };
      }
    }
  }
}

customElements.define("pf-macros", Macros);
