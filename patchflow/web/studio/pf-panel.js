// <pf-panel>: the current preset's parameters by section and group, to search, edit, lock and compare.
//
// A DX7 shows its algorithm and the operators' envelopes, Vital its oscillators' waves and envelopes, any plug-in its
// groups. What differs from the preset that was loaded, from a slot or a candidate is marked, and how sure the match is of
// a parameter is a faint ring around its knob. All edits go through session.edit, locks through session.change.

import { LitElement, css, html, nothing } from "lit";
import { api } from "./api.js";
import { Listens } from "./listens.js";
import "./pf-algorithm.js";
import "./pf-curves.js";
import { isShort } from "./pf-knob.js";
import { session } from "./session.js";
import { SHAPE_LOOK, SWITCH, tell } from "./shape-look.js";
import * as values from "./shape-values.js";
import { icon } from "./studio-look.js";

const FOLDED = /(rate|level)\d$|breakpoint|_depth$|_curve$|rate_scaling|amp_mod$/; // of an operator: in "All"
const FOLDS = /^op\d$/;
const FIRST = ["output", "coarse", "fine", "detune", "velocity", "mode"]; // the order of a folded operator
const PAUSE = 250; // ms without an edit before the curves of the server are asked for again

const known = new Map(); // what the server says of each synth: it never changes while it runs

/** Returns what the server says of a synth. */
export function synthNamed(name) {
  if (!known.has(name)) {
    const asked = api.get(`/synths/${encodeURIComponent(name)}`);
    asked.catch(() => known.delete(name));
    known.set(name, asked);
  }
  return known.get(name);
}

export class Panel extends LitElement {
  static properties = {
    synth: { state: true },
    section: { state: true },
    query: { state: true },
    onlyChanged: { state: true },
    against: { state: true },
    unfolded: { state: true },
    operator: { state: true },
    waves: { state: true },
    fault: { state: true },
  };

  static styles = [
    SHAPE_LOOK,
    SWITCH,
    css`
      :host {
        display: grid;
        grid-template-rows: auto minmax(0, 1fr);
        gap: 8px;
        min-height: 0;
      }
      header.bar {
        display: flex;
        align-items: center;
        gap: 8px;
        min-width: 0;
      }
      .tabs {
        flex: 0 1 auto;
      }
      .tabs .count {
        color: var(--pf-accent);
        font-weight: 650;
      }
      input[type="search"] {
        flex: 1 1 120px;
        max-width: 200px;
        margin-left: auto;
      }
      .against {
        width: 104px;
        flex: none;
      }
      .body {
        min-height: 0;
        padding: 2px;
        margin: -2px;
      }
      .cards {
        display: grid;
        gap: 8px;
        grid-template-columns: repeat(auto-fill, minmax(226px, 1fr));
        align-items: start;
      }
      .operators {
        display: grid;
        gap: 8px;
        grid-template-columns: 158px minmax(0, 1fr);
        align-items: start;
      }
      .operators .cards {
        grid-template-columns: repeat(auto-fill, minmax(212px, 1fr));
      }
      .drawn {
        padding: 8px 10px 10px;
        position: sticky;
        top: 0;
      }
      .drawn .cells {
        --pf-choice-top: 6px;
        grid-template-columns: repeat(3, minmax(0, 1fr));
        margin-bottom: 6px;
      }
      .group {
        padding: 6px 8px 8px;
        min-width: 0;
        box-shadow: none;
      }
      .group.wide {
        grid-column: 1 / -1;
      }
      .group.off {
        background: color-mix(in oklab, var(--pf-panel) 55%, var(--pf-ground));
      }
      .group.chosen {
        border-color: var(--pf-accent);
      }
      .group > header {
        display: flex;
        align-items: center;
        gap: 6px;
        min-height: 24px;
        margin-bottom: 4px;
      }
      .group h3 {
        color: var(--pf-ink);
      }
      .group > header .space {
        flex: 1;
      }
      .group > header button {
        min-height: 24px;
        padding: 0 6px;
        font-size: 11px;
      }
      .group > header button.icon {
        width: 24px;
        padding: 0;
      }
      .mark {
        font-size: 11px;
        color: var(--pf-accent);
      }
      .cells {
        display: grid;
        gap: 4px 2px;
        grid-template-columns: repeat(auto-fill, minmax(50px, 1fr));
        margin-top: 6px;
      }
      .folded,
      .drawn .cells {
        --pf-knob-name: 10px;
      }
      .folded {
        --pf-knob: 34px;
        --pf-curve: 40px;
      }
      .tall,
      .wide {
        --pf-curve: 88px;
      }
      .folded .cells {
        grid-template-columns: repeat(6, minmax(0, 1fr));
        gap: 0;
        margin-top: 4px;
      }
      .folded > header {
        margin-bottom: 0;
      }
      .folded {
        padding-bottom: 4px;
      }
      pf-choice.two {
        grid-column: span 2;
      }
      .choices {
        --pf-choice-top: 2px;
        display: grid;
        gap: 4px 6px;
        grid-template-columns: repeat(auto-fill, minmax(98px, 1fr));
        margin-top: 2px;
      }
      .choices pf-choice.two {
        grid-column: auto;
      }
      .group > header .switch {
        margin: 0;
        padding: 0;
        min-height: 18px;
      }
      .empty {
        padding: 32px 16px;
        text-align: center;
        color: var(--pf-quiet);
      }
      @media (min-width: 1500px) and (min-height: 860px) {
        .operators {
          grid-template-columns: 216px minmax(0, 1fr);
        }
        .operators .cards {
          grid-template-columns: repeat(3, minmax(0, 1fr));
        }
        .folded {
          --pf-knob-name: 11px;
          --pf-knob: 44px;
          --pf-curve: 92px;
          padding: 8px 12px 10px;
        }
        .folded .cells {
          margin-top: 8px;
        }
        .folded > header {
          margin-bottom: 4px;
        }
      }
      @media (max-width: 1100px) {
        :host {
          grid-template-rows: auto auto;
        }
        .body {
          overflow: visible;
        }
      }
      @media (max-width: 900px) {
        .operators {
          grid-template-columns: minmax(0, 1fr);
        }
        .drawn {
          position: static;
          display: grid;
          grid-template-columns: 190px 110px;
          gap: 16px;
          align-items: center;
        }
      }
    `,
  ];

  #held = new Map(); // values that were given and are not yet in a preset that came back
  #run = null;
  #isLive = false;
  #asked = 0;
  #curves = { timer: 0, id: "" };

  constructor() {
    super();
    this.section = "";
    this.query = "";
    this.onlyChanged = false;
    this.against = "origin";
    this.unfolded = new Set();
    this.operator = 0;
    this.waves = [];
    this.fault = "";
    new Listens(this, session, { change: (event) => this.#changed(event.detail) });
  }

  connectedCallback() {
    super.connectedCallback();
    this.addEventListener("turn", this.#turned);
    this.addEventListener("lock", this.#lock);
    this.#changed(["preset"]);
  }

  disconnectedCallback() {
    super.disconnectedCallback();
    this.removeEventListener("turn", this.#turned);
    this.removeEventListener("lock", this.#lock);
    clearTimeout(this.#curves.timer);
  }

  /** Nothing is drawn while another view is open; opening this one draws it anew. */
  shouldUpdate() {
    return this.checkVisibility();
  }

  render() {
    const { preset } = session.state;
    if (!preset) return html`<p class="empty">No preset yet. Match a sound, or choose one from the library.</p>`;
    if (this.fault) return html`<p class="empty bad">${this.fault}</p>`;
    if (!this.synth || this.synth.name !== preset.synth) return html`<p class="empty">Reading the panel…</p>`;
    const view = this.#view(preset);
    return html`${this.#bar(view)}<div class="body scrolls" role="tabpanel" aria-label="Parameters">${this.#body(view)}</div>`;
  }

  /** What one drawing needs: the values that are shown, what they are compared with, and what is locked. */
  #view(preset) {
    const { candidates, job } = session.state;
    const other = this.#others().find((one) => one.key === this.against) || this.#others()[0];
    const base = other ? other.preset.values : preset.values;
    const shown = this.#held.size ? { ...preset.values, ...Object.fromEntries(this.#held) } : preset.values;
    const isChanged = (one) => !values.isSame(one, shown[one.name], base[one.name]);
    return {
      values: shown,
      base,
      isChanged,
      locks: new Set(session.locksOf(preset)),
      sections: values.sectionsOf(this.synth.panel),
      sure: values.spreadOf(candidates, job?.result?.uncertainty, preset.synth, this.synth.panel),
    };
  }

  /** Presets that the current one can be compared with: of the same synth. */
  #others() {
    const { preset, origin, slots, candidates } = session.state;
    const found = [{ key: "origin", name: "as loaded", preset: origin }];
    for (const [letter, one] of Object.entries(slots)) found.push({ key: letter, name: `slot ${letter.toUpperCase()}`, preset: one });
    candidates.forEach((one, index) => found.push({ key: `${index}`, name: `candidate ${index + 1}`, preset: one.preset }));
    found.push({ key: "init", name: "a fresh preset", preset: this.synth.init });
    return found.filter((one) => one.preset?.synth === preset.synth);
  }

  #bar(view) {
    const isFiltered = Boolean(this.query) || this.onlyChanged;
    const shown = this.#sectionOf(view);
    const count = (groups) => groups.flatMap((group) => group.parameters).filter(view.isChanged).length;
    const all = count(this.synth.panel);
    return html`<header class="bar">
      <div class="tabs" role="tablist" aria-label="Sections of the panel" @keydown=${this.#tabKey}>
        ${view.sections.map((one) => {
          const isHere = !isFiltered && one === shown;
          const changed = count(one.groups);
          return html`<button role="tab" aria-selected=${String(isHere)}
            tabindex=${isHere || (isFiltered && one === shown) ? 0 : -1} @click=${() => this.#open(one.title)}
            >${one.title}${changed
              ? html` <span class="count" title=${`${changed} changed`}>${changed}</span>`
              : nothing}</button>`;
        })}
      </div>
      <input type="search" placeholder="Search parameters" aria-label="Search parameters" .value=${this.query}
        @input=${(event) => (this.query = event.currentTarget.value)} @keydown=${(event) => event.stopPropagation()}>
      <select class="against" aria-label="Compare with" title="Marks what differs from this"
        @change=${(event) => (this.against = event.currentTarget.value)}>
        ${this.#others().map((one) => html`<option value=${one.key} .selected=${one.key === this.against}>${one.name}</option>`)}
      </select>
      <button class="chip" aria-pressed=${String(this.onlyChanged)} ?disabled=${!all && !this.onlyChanged}
        title="Show only what differs" @click=${() => (this.onlyChanged = !this.onlyChanged)}>Changed ${all}</button>
      <button class="plain" ?disabled=${!view.locks.size} title="Unlock all parameters"
        @click=${() => this.#setLocks([...view.locks], false, "all")}>${icon("lock")}${view.locks.size}
        <span class="unseen">locked: unlock all</span></button>
    </header>`;
  }

  #sectionOf(view) {
    return view.sections.find((one) => one.title === this.section) || view.sections[0];
  }

  #body(view) {
    const words = this.query.toLowerCase().split(/\s+/).filter(Boolean);
    if (!words.length && !this.onlyChanged) return this.#sectionBody(this.#sectionOf(view), view);
    const isWanted = (parameter) => {
      const text = `${parameter.name} ${parameter.title || ""}`.toLowerCase();
      return words.every((word) => text.includes(word)) && (!this.onlyChanged || view.isChanged(parameter));
    };
    const groups = this.synth.panel.map((group) => ({ ...group, parameters: group.parameters.filter(isWanted) }));
    const found = groups.filter((group) => group.parameters.length);
    if (!found.length) return html`<p class="empty">${this.query ? "No parameter is called so." : "Nothing is changed."}</p>`;
    return html`<div class="cards">${found.map((group) => this.#card(group, view, true))}</div>`;
  }

  #sectionBody(section, view) {
    if (section.title !== "Operators" || !("algorithm" in view.values)) {
      return html`<div class="cards">${section.groups.map((group) => this.#card(group, view))}</div>`;
    }
    return html`<div class="operators">
      ${this.#algorithm(view)}
      <div class="cards">${section.groups.map((group) => this.#card(group, view))}</div>
    </div>`;
  }

  #algorithm(view) {
    const parameter = this.#parameterNamed("algorithm");
    const outputs = Object.fromEntries([1, 2, 3, 4, 5, 6].map((n) => [n, view.values[`op${n}.output`]]));
    return html`<section class="card drawn" aria-label="Algorithm">
      <pf-algorithm .number=${Number(view.values.algorithm)} .outputs=${outputs} .chosen=${this.operator}
        @operator=${(event) => this.#toOperator(event.detail.number)}></pf-algorithm>
      <div class="cells">
        <pf-choice class="two" .parameter=${parameter} .value=${view.values.algorithm} .base=${view.base.algorithm}
          .locked=${view.locks.has("algorithm")}></pf-choice>
        ${this.#control(this.#parameterNamed("feedback"), view, "")}
      </div>
      <pf-algorithms .number=${Number(view.values.algorithm)} ?inert=${view.locks.has("algorithm")}
        @algorithm=${(event) => tell(this, "turn", { values: { algorithm: String(event.detail.number) }, live: false })}
      ></pf-algorithms>
    </section>`;
  }

  #card(group, view, isPart = false) {
    const folds = !isPart && FOLDS.test(group.group) && group.parameters.some((one) => FOLDED.test(one.name));
    const isOpen = this.unfolded.has(group.group);
    const shown = folds && !isOpen ? folded(group.parameters) : group.parameters;
    const names = group.parameters.map((one) => one.name);
    const isLocked = names.every((name) => view.locks.has(name));
    const changed = group.parameters.filter(view.isChanged).length;
    const title = values.titled(group.title || group.group);
    const on = onOf(group);
    const classes = ["card", "group", folds && !isOpen ? "folded" : "", isOpen ? "wide" : "", this.#isOff(group, view) ? "off" : ""];
    if (!folds && group.parameters.length < 10 && values.envelopesOf(group.parameters).length === 1) classes.push("tall");
    if (this.operator && group.group === `op${this.operator}`) classes.push("chosen");
    return html`<section class=${classes.join(" ")} id=${`group-${group.group}`} aria-label=${title}>
      <header>
        <h3>${title}</h3>
        ${on ? this.#onSwitch(on, view, title) : nothing}
        ${this.#role(group, view)}
        ${changed ? html`<span class="mark">${changed} changed</span>` : nothing}
        <span class="space"></span>
        ${folds ? html`<button class="plain" aria-expanded=${String(isOpen)} @click=${() => this.#fold(group.group)}
          >${isOpen ? "Fewer" : "All"}<span class="unseen"> parameters of ${title}</span></button>` : nothing}
        <button class="plain icon" aria-pressed=${String(isLocked)} title=${`${isLocked ? "Unlock" : "Lock"} ${title}`}
          aria-label=${`${isLocked ? "Unlock" : "Lock"} ${title}`}
          @click=${() => this.#setLocks(names, !isLocked, title)}>${icon("lock")}</button>
      </header>
      ${isPart ? nothing : this.#pictures(group, view, title)}
      ${this.#controls(shown.filter((one) => one !== on), view, group.group, folds && !isOpen)}
    </section>`;
  }

  #pictures(group, view, title) {
    const envelopes = values.envelopesOf(group.parameters);
    const waves = this.waves.filter((one) => String(one.name).toLowerCase().startsWith(String(group.group).toLowerCase()));
    const frame = group.parameters.find((one) => one.name.endsWith("wave_frame"));
    const at = frame ? values.placeOf(frame, view.values[frame.name]) : 0;
    return html`${waves.map((one) => html`<pf-waves .frames=${one.frames} .at=${at} .label=${`${title} wave`}></pf-waves>`)}
      ${envelopes.map((one) => html`<pf-envelope .envelope=${one} .values=${view.values} .base=${view.base}
        .locks=${view.locks} .label=${`${title} ${envelopes.length > 1 ? one.name : ""} envelope`}></pf-envelope>`)}`;
  }

  #role(group, view) {
    if (!FOLDS.test(group.group)) return nothing;
    const get = (name) => view.values[`${group.group}.${name}`];
    if ([get("mode"), get("coarse"), get("fine")].includes(undefined)) return nothing; // fixed in a synth of fewer knobs
    const coarse = get("coarse") === 0 ? 0.5 : get("coarse");
    const text = get("mode") === "fixed"
      ? `${(10 ** (get("coarse") % 4) * 10 ** (get("fine") / 100)).toPrecision(3)} Hz`
      : `× ${(coarse * (1 + get("fine") / 100)).toFixed(2)}`;
    return html`<span class="quiet small">${text}</span>`;
  }

  #onSwitch(parameter, view, title) {
    const isOn = view.values[parameter.name] === parameter.options[1];
    const isLocked = view.locks.has(parameter.name);
    return html`<button class="switch" role="switch" aria-checked=${String(isOn)} aria-label=${`${title} on`}
      ?disabled=${isLocked} @click=${() => tell(this, "turn", {
        values: { [parameter.name]: parameter.options[isOn ? 0 : 1] }, live: false })}></button>`;
  }

  /** Choices stand above the knobs, but in a row of few, where all stand in a line. */
  #controls(parameters, view, group, isLine) {
    const draw = (items) => items.map((one) => this.#control(one, view, group));
    const isWide = (one) => one.kind === "categorical" && !isShort(one);
    const wide = parameters.filter(isWide);
    const rest = parameters.filter((one) => !isWide(one));
    if (isLine) return html`<div class="cells">${draw(parameters)}</div>`;
    return html`${wide.length ? html`<div class="choices">${draw(wide)}</div>` : nothing}
      ${rest.length ? html`<div class="cells">${draw(rest)}</div>` : nothing}`;
  }

  #isOff(group, view) {
    const on = onOf(group);
    if (on) return view.values[on.name] === on.options[0];
    return FOLDS.test(group.group) && view.values[`${group.group}.output`] === 0;
  }

  #control(parameter, view, group) {
    if (!parameter) return nothing;
    const { name } = parameter;
    const isLocked = view.locks.has(name);
    if (parameter.kind === "categorical") {
      return html`<pf-choice class=${isShort(parameter) ? "" : "two"} .parameter=${parameter} .group=${group}
        .value=${view.values[name]} .base=${view.base[name]} .locked=${isLocked}></pf-choice>`;
    }
    return html`<pf-knob .parameter=${parameter} .group=${group} .value=${view.values[name]} .base=${view.base[name]}
      .sure=${view.sure.get(name)} .locked=${isLocked}></pf-knob>`;
  }

  #parameterNamed(name) {
    return this.synth.panel.flatMap((group) => group.parameters).find((one) => one.name === name);
  }

  #open(title) {
    this.section = title;
    this.query = "";
    this.onlyChanged = false;
  }

  #tabKey(event) {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    event.stopPropagation();
    const tabs = [...event.currentTarget.querySelectorAll("[role=tab]")];
    const next = tabs[(tabs.indexOf(event.target) + by + tabs.length) % tabs.length];
    next.click();
    this.updateComplete.then(() => next.focus());
  }

  #fold(group) {
    const next = new Set(this.unfolded);
    if (!next.delete(group)) next.add(group);
    this.unfolded = next;
  }

  #toOperator(number) {
    this.operator = number;
    this.updateComplete.then(() => {
      const card = this.renderRoot.querySelector(`#group-op${number}`);
      card.scrollIntoView({ block: "nearest", behavior: "instant" });
      card.querySelector("pf-knob").focus();
    });
  }

  #setLocks(names, on, title) {
    const rest = session.state.locks.filter((name) => !names.includes(name));
    session.change(`${on ? "Lock" : "Unlock"} ${title}`, { locks: on ? [...rest, ...names] : rest });
    session.say(`${title} ${on ? "locked" : "unlocked"}`, "quiet");
  }

  #lock = (event) => {
    event.stopPropagation();
    this.#setLocks(event.detail.names, event.detail.on, event.detail.names.join(", "));
  };

  /** Edits at once; while a knob is dragged its own value stands, not that of an answer that is already old. */
  #turned = (event) => {
    event.stopPropagation();
    const { values: given, live } = event.detail;
    this.#isLive = live;
    const isNew = Object.entries(given).some(([name, value]) => this.#valueOf(name) !== value);
    if (isNew) this.#edit(given);
    else if (!live && !this.#run) this.#held.clear();
    this.requestUpdate();
  };

  /** What an edit is called in the history: the words that stand on the knobs. */
  #said(given) {
    const named = (name) => {
      const group = this.synth?.panel.find((one) => one.parameters.some((parameter) => parameter.name === name));
      if (!group) return name;
      const parameter = group.parameters.find((one) => one.name === name);
      const own = values.nameInGroup(parameter, group.group);
      return `${values.titled(group.title || group.group)} ${own.toLowerCase()}`;
    };
    return `Edit ${Object.keys(given).map(named).join(", ")}`;
  }

  #edit(given) {
    for (const [name, value] of Object.entries(given)) this.#held.set(name, value);
    const run = session.edit(given, this.#said(given));
    if (this.#run) return;
    this.#run = run.finally(() => {
      this.#run = null;
      if (!this.#isLive) this.#held.clear();
      this.requestUpdate();
    });
  }

  #valueOf(name) {
    return this.#held.has(name) ? this.#held.get(name) : session.state.preset.values[name];
  }

  async #changed(names) {
    const isEnded = names.includes("job") && session.state.job?.state === "done"; // from then on it says how sure it is
    if (names.includes("view")) this.updateComplete.then(() => this.requestUpdate());
    if (!isEnded && !names.some((name) => ["preset", "origin", "locks", "candidates", "slots"].includes(name))) return;
    const { preset } = session.state;
    this.requestUpdate();
    if (!preset) return;
    if (names.includes("preset")) this.#readCurves(preset);
    if (this.synth?.name === preset.synth) return;
    this.#asked += 1;
    const asked = this.#asked;
    this.#held.clear();
    try {
      const synth = await synthNamed(preset.synth);
      if (asked !== this.#asked) return;
      this.fault = "";
      this.section = "";
      this.synth = synth;
    } catch (error) {
      if (asked === this.#asked) this.fault = error.message;
    }
  }

  /** Asks for the waves of a preset once it stays as it is; synths without a wavetable are asked once. */
  #readCurves(preset) {
    clearTimeout(this.#curves.timer);
    if (this.#curves.none === preset.synth) return;
    if (this.waves.length && this.#curves.synth !== preset.synth) this.waves = [];
    this.#curves.timer = setTimeout(async () => {
      try {
        const found = await api.get(`/presets/${preset.id}/curves`);
        this.#curves.synth = preset.synth;
        this.#curves.none = found.waves.length ? "" : preset.synth;
        if (session.state.preset?.id === preset.id) this.waves = found.waves;
      } catch (error) {
        if (error.status !== 404) session.fail(error);
      }
    }, PAUSE);
  }
}

/** Returns the parameter that switches a group on and off, if it has one. */
function onOf(group) {
  return group.parameters.find((one) => /(^|[._])on$/.test(one.name) && values.isSwitch(one));
}

/** Returns the parameters of an operator that are always shown, those first that make its pitch and level. */
function folded(parameters) {
  const place = (one) => FIRST.indexOf(one.name.split(".").at(-1));
  return parameters.filter((one) => !FOLDED.test(one.name)).sort((one, other) => place(one) - place(other));
}

customElements.define("pf-panel", Panel);
