// <pf-map>: presets as points, near each other where they sound alike: zoom, hear, choose, pick, copy, save.
//
//   <pf-map>
//     <script type="application/json" class="map">...</script>       (what `MapData` reads)
//     <script type="text/plain" class="sounds">...</script>          (sounds, base64)
//     <script type="text/plain" class="presets">...</script>         (preset files, compressed, base64)
//   </pf-map>
//
// Attributes: `plain` draws without WebGL. `patchflow map` writes the page, one file that needs no server.

import { MapData } from "./pf-map-data.js";
import { BANKS, MapPresets, MapSounds, copy, fileName, save, zip } from "./pf-map-files.js";
import { DARK, FRAME, LIGHT, MapColours, SHEET } from "./pf-map-look.js";
import { MapView } from "./pf-map-view.js";

const CHIPS = 15; // values of a field, before one asks for more
const ROWS = 200; // of the list, before one asks for more
const STILL = 45; // milliseconds that a pointer stays on a preset before it is heard
const NAMELESS = "(no name)";
const FIELDS = { category: "Category", synth: "Synth", tag: "Tag", author: "Author" };
const NONE = { category: "no category", synth: "no synth", tag: "no tag", author: "no author" };
const STEP = 70; // pixels that Shift and an arrow key move
const PLAY = '<svg viewBox="0 0 16 16" aria-hidden="true"><path d="M4 2.5v11l9.5-5.5z"/></svg>';

class PresetMap extends HTMLElement {
  connectedCallback() {
    if (this.shadowRoot) return;
    const text = (name) => this.querySelector(`script.${name}`)?.textContent ?? "";
    const given = JSON.parse(text("map"));
    this.data = new MapData(given);
    this.sounds = new MapSounds(given.sounds, text("sounds"));
    this.presets = new MapPresets(given.presets, text("presets"));
    this.colours = new MapColours(this.data, given.colour);
    this.rows = ROWS;
    const root = this.attachShadow({ mode: "open" });
    root.innerHTML = `<style>${SHEET}</style>${FRAME}`;
    this.get = (selector) => root.querySelector(selector);
    this.get("h1").textContent = given.title;
    this.#fillFooter(given);
    this.#fillSelect();
    this.view = new MapView(this.get(".stage"), this.get(".points"), this.get(".above"), this.data, {
      hover: (i) => this.#hover(i),
      choose: (i, event) => this.#clicked(i, event),
      drawn: (list, adds) => this.#pick(adds ? new Set([...this.view.picked, ...list]) : new Set(list)),
      moved: () => this.#placeTip(),
    }, this.hasAttribute("plain"));
    this.#listen(root);
    this.#theme(matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
    this.#update();
    this.#hint();
  }

  // ------------------------------------------------------------------------------------------ what may be called

  /** Chooses a preset and hears it; -1 for none. */
  choose(i, { reveal = true, play = true } = {}) {
    this.view.chosen = i;
    if (i >= 0 && reveal) this.view.reveal(i);
    this.#showDetail();
    this.#markRow();
    if (i >= 0) {
      this.get(".said").textContent = `${this.#name(i)}, ${this.#about(i)}`;
      if (play) this.hear(i);
    }
    this.view.draw();
  }

  async hear(i) {
    try {
      const seconds = await this.sounds.play(i);
      if (seconds) this.view.sounding(i, seconds);
    } catch (error) {
      this.#tell(error.message);
    }
  }

  colourBy(by) {
    this.colours.by = by;
    this.get("select").value = String(by);
    this.#paint();
    this.#fillLegend();
    this.#fillList();
    this.#showDetail();
  }

  // ------------------------------------------------------------------------------------------------------ colours

  #theme(name) {
    this.theme = name;
    document.documentElement.dataset.theme = name;
    this.colours.palette = name === "dark" ? DARK : LIGHT;
    this.#paint();
    if (this.ready) this.#fillLegend();
    if (this.ready) this.#fillList();
    this.#showDetail();
  }

  #paint() {
    const { tints, layers } = this.colours.tints();
    const style = getComputedStyle(this);
    const look = {};
    for (const name of ["ink", "quiet", "ground", "accent"]) look[name] = style.getPropertyValue(`--_${name}`).trim();
    this.view.paint(tints, layers, look);
  }

  // ------------------------------------------------------------------------------------------- filter and search

  #update() {
    this.#paint();
    this.#fillLegend();
    this.#fillAxes();
    this.rows = ROWS;
    this.#fillList();
    this.ready = true;
  }

  #fillSelect() {
    const select = this.get("select");
    for (const [name, label] of Object.entries(FIELDS)) {
      if (this.data.fields[name].names.some(Boolean)) select.append(new Option(label, name));
    }
    const group = document.createElement("optgroup");
    group.label = "Attribute";
    this.data.measures.forEach((measure, m) => group.append(new Option(upper(measure.name), String(m))));
    if (this.data.measures.length) select.append(group);
    select.value = String(this.colours.by);
    this.#wide(select);
  }

  /** As wide as its longest entry from the beginning, so that nothing moves when another is chosen. */
  #wide(select) {
    const longest = Math.max(...[...select.options].map((option) => option.text.length));
    select.style.width = `${longest + 4}ch`;
  }

  #fillLegend() {
    const legend = this.get(".legend");
    const focused = this.shadowRoot.activeElement?.dataset?.key;
    const what = typeof this.colours.by === "number" ? this.data.measures[this.colours.by].name : FIELDS[this.colours.by];
    const filtered = this.data.filters.has(this.colours.by);
    const top = part("div", { className: "top" }, part("h2", {}, upper(what)));
    if (filtered) top.append(button("Show all", () => this.#filterBy(this.colours.by, new Set(), [0, 1])));
    const body = typeof this.colours.by === "number" ? this.#rangeOf(this.colours.by) : [this.#chips()];
    legend.replaceChildren(top, ...body, ...this.#pills());
    legend.classList.toggle("filtered", filtered);
    if (focused) legend.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
  }

  #chips() {
    const field = this.data.fields[this.colours.by];
    const chosen = this.data.filters.get(this.colours.by) ?? new Set();
    const list = part("ul", { className: "chips" });
    const order = this.colours.order();
    const first = this.unfolded === this.colours.by || order.length <= CHIPS + 3 ? order : order.slice(0, CHIPS);
    for (const value of first) {
      const name = field.names[value] || NONE[this.colours.by];
      const chip = part("button", { type: "button", className: "chip" }, part("i"), part("b", {}, name),
        part("small", {}, field.counts[value].toLocaleString("en")));
      chip.style.setProperty("--dot", this.colours.ofValue(value));
      chip.dataset.key = `${this.colours.by}-${value}`;
      chip.setAttribute("aria-pressed", String(chosen.has(value)));
      chip.addEventListener("click", () => {
        const next = new Set(chosen);
        if (!next.delete(value)) next.add(value);
        this.#filterBy(this.colours.by, next);
      });
      list.append(part("li", {}, chip));
    }
    if (first.length < order.length) {
      const more = button(`${counted(order.length - first.length)} more`, () => {
        this.unfolded = this.colours.by;
        this.#fillLegend();
        this.get(".legend").querySelectorAll(".chip")[CHIPS].focus();
      });
      more.className = "plain";
      list.append(part("li", {}, more));
    }
    return list;
  }

  #rangeOf(m) {
    const measure = this.data.measures[m];
    const ramp = part("div", { className: "ramp" });
    ramp.style.background = `linear-gradient(to right, ${this.colours.palette.ramp.join(", ")})`;
    const ends = part("div", { className: "ends" }, part("span", {}, measure.low), part("span", {}, measure.high));
    const [low, high] = this.data.filters.get(m) ?? [0, 1];
    const range = part("div", { className: "range" });
    for (const [end, label, value] of [["low", "from", low], ["high", "to", high]]) {
      const slider = part("input", { type: "range", min: 0, max: 100, step: 1, value: 100 * value, id: `${end}-end` });
      slider.dataset.key = `${m}-${end}`;
      slider.setAttribute("aria-label", `${upper(measure.name)}, ${label}, in per cent of the presets`);
      slider.addEventListener("input", () => this.#ranged(m));
      range.append(part("label", { htmlFor: slider.id }, label), slider);
    }
    const about = part("p", { className: "note" }, `${upper(measure.meaning)}. Colours and range: by rank among all.`);
    return [ramp, ends, range, about];
  }

  #ranged(m) {
    const [low, high] = ["low", "high"].map((end) => Number(this.get(`#${end}-end`).value) / 100);
    this.data.filterRange(m, Math.min(low, high), Math.max(low, high));
    this.#paint();
    this.rows = ROWS;
    this.#fillList();
  }

  #filterBy(by, values, range) {
    if (typeof by === "number") this.data.filterRange(by, ...range);
    else this.data.filter(by, values);
    this.#update();
  }

  /** The filters of other fields than the one that colours stand for: each can be taken away. */
  #pills() {
    const others = [...this.data.filters].filter(([by]) => by !== this.colours.by);
    if (!others.length) return [];
    const pills = part("div", { className: "pills" });
    for (const [by, values] of others) {
      const text = typeof by === "number"
        ? `${this.data.measures[by].name} ${Math.round(100 * values[0])} to ${Math.round(100 * values[1])} %`
        : [...values].map((value) => this.data.fields[by].names[value] || NONE[by]).join(", ");
      const pill = button(`${text}  ×`, () => this.#filterBy(by, new Set(), [0, 1]));
      pill.setAttribute("aria-label", `Take the filter ${text} away`);
      pills.append(pill);
    }
    return [pills];
  }

  // -------------------------------------------------------------------------------------------------------- list

  /** What the list has: what is picked, else all that is shown. */
  #listed() {
    const { picked } = this.view;
    return this.data.byName.filter((i) => (picked.size ? picked.has(i) : this.data.shown[i]));
  }

  #fillList() {
    const list = this.get(".list");
    const found = this.#listed();
    const { picked } = this.view;
    const all = picked.size ? "picked" : found.length < this.data.count ? `of ${counted(this.data.count)}` : "presets";
    const top = part("div", { className: "top" }, part("h2", {}, `${counted(found.length)} ${all}`));
    if (picked.size) top.append(button("Drop", () => this.#pick(new Set())));
    const rows = part("ol", { className: "rows" });
    for (const i of found.slice(0, this.rows)) rows.append(part("li", {}, this.#row(i)));
    list.replaceChildren(top, this.#actions(found), rows);
    if (!found.length) rows.replaceWith(part("p", { className: "note" }, "Nothing is like that. Take a filter away."));
    if (found.length > this.rows) {
      const more = button(`Show ${counted(Math.min(ROWS, found.length - this.rows))} more`, () => {
        this.rows += ROWS;
        this.#fillList();
        list.querySelectorAll("ol.rows button")[this.rows - ROWS]?.focus();
      });
      more.className = "more";
      list.append(more);
    }
    this.#markRow();
  }

  #row(i) {
    const row = button("", () => this.choose(i));
    row.dataset.preset = i;
    row.style.setProperty("--dot", this.colours.of(i));
    row.append(part("i"), part("b", {}, this.#name(i)), part("small", {}, this.#kind(i)));
    row.addEventListener("pointerenter", (event) => event.pointerType === "mouse" && this.#hover(i));
    row.addEventListener("pointerleave", () => this.#hover(-1));
    return row;
  }

  #markRow() {
    for (const row of this.shadowRoot.querySelectorAll("ol.rows button")) {
      row.setAttribute("aria-current", String(Number(row.dataset.preset) === this.view.chosen));
    }
  }

  #actions(found) {
    const names = button("Copy names", () => this.#copy(found.map((i) => this.data.names[i]).join("\n"), "names"));
    const numbers = button("Copy numbers", () => this.#copy(this.#numbers(found).join(" "), "numbers"));
    const ending = this.#bankEnding(found);
    const label = ending ? `Save ${ending} bank` : "Save .zip";
    const bank = button(label, () => this.#save(found));
    names.disabled = !found.length;
    numbers.disabled = !found.length;
    bank.disabled = !found.some((i) => this.presets.has(i));
    if (bank.disabled) bank.title = "This page has no files of these presets";
    bank.className = "main";
    return part("div", { className: "does" }, bank, names, numbers);
  }

  #numbers(found) {
    return found.map((i) => this.data.numbers[i]);
  }

  /** The ending of the file that may hold all of these presets, "" if there is none. */
  #bankEnding(found) {
    const endings = new Set(found.filter((i) => this.presets.has(i)).map((i) => this.#ending(i)));
    const [ending] = endings;
    return endings.size === 1 && ending in BANKS ? ending : "";
  }

  #ending(i) {
    return this.presets.endings[this.data.fields.synth.first(i)];
  }

  async #save(found) {
    const there = found.filter((i) => this.presets.has(i));
    const files = await Promise.all(there.map((i) => this.presets.bytes(i)));
    const ending = this.#bankEnding(there);
    const whole = `${there.length === 1 ? fileName(this.data.names[there[0]]) : "presets"}`;
    if (there.length === 1) save(`${whole}${this.#ending(there[0])}`, files[0]);
    else if (ending) this.#saveBanks(whole, ending, BANKS[ending](files, this.#filler(ending)));
    else save(`${whole}.zip`, zip(there.map((i, at) => [this.#fileIn(i, at), files[at]])), "application/zip");
    const missing = found.length - there.length;
    this.#tell(`${counted(there.length)} saved${missing ? `; ${counted(missing)} have no file in this page` : ""}`);
  }

  /** Saves a bank, or an archive of several. */
  #saveBanks(whole, ending, banks) {
    if (banks.length === 1) return save(`${whole}${ending}`, banks[0]);
    const named = banks.map((bank, at) => [`${whole}-${at + 1}${ending}`, bank]);
    return save(`${whole}.zip`, zip(named), "application/zip");
  }

  /** The file that fills up the last bank. */
  #filler(ending) {
    return Uint8Array.from(atob(this.data.given.presets.fillers[ending]), (letter) => letter.charCodeAt(0));
  }

  #fileIn(i, at) {
    return `${String(at + 1).padStart(4, "0")} ${fileName(this.data.names[i])}${this.#ending(i)}`;
  }

  async #copy(text, what) {
    this.#tell((await copy(text)) ? `${upper(what)} copied` : "This browser keeps the clipboard from pages");
  }

  // ------------------------------------------------------------------------------------------------------ detail

  #showDetail() {
    const detail = this.get(".detail");
    const i = this.view.chosen;
    detail.hidden = i < 0;
    if (i < 0) return;
    const name = part("p", { className: "name" }, this.#name(i));
    const tags = this.data.fields.tag.of(i).map((value) => this.data.fields.tag.names[value]);
    const parts = [name, part("p", { className: "about" }, [this.#about(i), ...tags].join(" · "))];
    if (this.sounds.any) parts.push(...this.#hearing(i));
    if (this.data.measures.length) parts.push(this.#bars(i));
    parts.push(this.#fileOf(i), this.#nearBy(i));
    detail.replaceChildren(...parts);
  }

  #hearing(i) {
    const heard = this.sounds.heardFor(i);
    if (heard < 0) return [part("p", { className: "note" }, "It has no sound in this page.")];
    const play = part("button", { type: "button" });
    play.innerHTML = PLAY;
    play.setAttribute("aria-label", `Play ${this.#name(heard)}`);
    play.addEventListener("click", () => this.hear(i));
    const wave = part("canvas");
    wave.setAttribute("aria-hidden", "true");
    if (!this.sounds.files) this.#drawWave(wave, this.sounds.own[i]);
    const found = [part("div", { className: "hear" }, play, wave)];
    if (heard !== i) found.push(part("p", { className: "note" }, `You hear its neighbour ${this.#name(heard)}.`));
    return found;
  }

  async #drawWave(canvas, number) {
    const samples = (await this.sounds.buffer(number)).getChannelData(0);
    const wide = (canvas.width = 240);
    const high = (canvas.height = 40);
    const context = canvas.getContext("2d");
    context.fillStyle = getComputedStyle(this).getPropertyValue("--_accent");
    const step = samples.length / 80;
    let loudest = 1e-6;
    const peaks = Array.from({ length: 80 }, (_, k) => {
      let peak = 0;
      for (let at = Math.floor(k * step); at < (k + 1) * step; at += 1) peak = Math.max(peak, Math.abs(samples[at] ?? 0));
      loudest = Math.max(loudest, peak);
      return peak;
    });
    peaks.forEach((peak, k) => {
      const tall = Math.max(1, (peak / loudest) * (high - 6));
      context.fillRect((k * wide) / 80, (high - tall) / 2, wide / 80 - 1, tall);
    });
  }

  #bars(i) {
    const list = part("dl", { className: "bars" });
    this.data.measures.forEach((measure, m) => {
      const rank = this.data.rank(i, m);
      const bar = part("dd", { className: "bar" });
      bar.setAttribute("aria-hidden", "true");
      if (!Number.isNaN(rank)) {
        const knob = part("i");
        knob.style.left = `${100 * rank}%`;
        bar.append(knob);
      }
      const title = part("dt", { className: "low", title: `${measure.name}: ${measure.meaning}` }, measure.low);
      const high = part("dd", { className: "high" }, measure.high);
      list.append(title, bar, high, part("dd", { className: "value" }, this.data.text(i, m)));
    });
    return list;
  }

  #fileOf(i) {
    const name = button("Copy name", () => this.#copy(this.data.names[i], "name"));
    const number = button("Copy number", () => this.#copy(this.data.numbers[i], "number"));
    const file = button(`Save ${this.#ending(i)}`, () => this.#save([i]));
    file.disabled = !this.presets.has(i);
    if (file.disabled) file.title = "Its file is too large to be in this page";
    return part("div", { className: "does" }, name, number, file);
  }

  #nearBy(i) {
    const { near, nearCount } = this.data;
    const list = part("ul", { className: "chips" });
    for (const other of near.subarray(i * nearCount, (i + 1) * nearCount)) {
      if (other === i) continue;
      const chip = part("button", { type: "button", className: "chip" }, part("i"), part("b", {}, this.#name(other)));
      chip.style.setProperty("--dot", this.colours.of(other));
      chip.addEventListener("click", () => this.choose(other));
      chip.addEventListener("pointerenter", (event) => event.pointerType === "mouse" && this.#hover(other));
      chip.addEventListener("pointerleave", () => this.#hover(-1));
      list.append(part("li", {}, chip));
    }
    const box = part("div", { className: "near" }, part("h2", {}, "Sounds most like it"), list);
    box.hidden = !list.children.length;
    return box;
  }

  // --------------------------------------------------------------------------------------------------- gestures

  #listen(root) {
    const on = (selector, call) => this.get(selector).addEventListener("click", call);
    on(".plus", () => this.view.zoom(1.8, undefined, undefined, true));
    on(".minus", () => this.view.zoom(1 / 1.8, undefined, undefined, true));
    on(".fit", () => this.view.home());
    on(".lasso", () => this.#lassoing(!this.view.lassoMode));
    on(".all", () => this.#pick(new Set(this.view.inSight())));
    on(".theme", () => this.#theme(this.theme === "dark" ? "light" : "dark"));
    on(".sound", () => this.#sound(!this.sounds.on));
    on(".help", () => this.get("dialog").showModal());
    this.get(".sound").hidden = !this.sounds.any;
    this.get("select").addEventListener("change", (event) => {
      const { value } = event.target;
      this.colourBy(value in FIELDS ? value : Number(value));
    });
    const find = this.get("input[type=search]");
    find.addEventListener("input", () => {
      this.data.search(find.value);
      this.rows = ROWS;
      this.#paint();
      this.#fillList();
    });
    find.addEventListener("keydown", (event) => event.key === "Enter" && this.#toFound());
    root.addEventListener("keydown", (event) => this.#key(event));
    for (const name of ["pointerdown", "keydown"]) {
      document.addEventListener(name, () => this.#wake(), { capture: true });
    }
  }

  async #wake() {
    await this.sounds.wake();
    this.#hint();
  }

  #hint() {
    const hint = this.get(".hint");
    hint.hidden = !this.sounds.any || !this.sounds.on || this.sounds.allowed;
    hint.textContent = "Click once, or press a key, for sound";
  }

  #key(event) {
    const target = event.composedPath()[0];
    const { key } = event;
    if (event.ctrlKey && key !== "Enter") return;
    if (event.metaKey || event.altKey || this.get("dialog").open) return;
    const types = target.matches("input, select, textarea");
    if (key === "Escape") return this.#escape(target);
    if (types) return;
    const row = target.closest?.("ol.rows button");
    if (row && (key === "ArrowDown" || key === "ArrowUp")) return this.#walk(row, key === "ArrowDown" ? 1 : -1, event);
    const onMap = target === this.get(".stage");
    const call = this.#keys(onMap, event.shiftKey)[key];
    if (!call || (target.matches("button") && (key === " " || key === "Enter"))) return;
    event.preventDefault();
    call();
  }

  #keys(onMap, shift) {
    const { view } = this;
    const keys = {
      "/": () => this.get("input[type=search]").focus(),
      "?": () => this.get("dialog").showModal(),
      "+": () => view.zoom(1.6, undefined, undefined, true),
      "=": () => view.zoom(1.6, undefined, undefined, true),
      "-": () => view.zoom(1 / 1.6, undefined, undefined, true),
      0: () => view.home(),
      l: () => this.#lassoing(!view.lassoMode),
      v: () => this.#pick(new Set(view.inSight())),
      s: () => this.#sound(!this.sounds.on),
      p: () => view.chosen >= 0 && this.#toggle(view.chosen),
      " ": () => view.chosen >= 0 && this.hear(view.chosen),
    };
    if (!onMap) return keys;
    const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
    for (const [name, [dx, dy]] of Object.entries(arrows)) {
      keys[name] = () => (shift ? view.pan(-dx * STEP, dy * STEP, true) : this.#step(dx, dy));
    }
    keys.Enter = () => view.hovered >= 0 && this.choose(view.hovered);
    return keys;
  }

  #step(dx, dy) {
    const { data, view } = this;
    const from = view.chosen;
    const [x, y] = view.place(view.view.width / 2, view.view.height / 2);
    const next = from < 0 ? data.nearest(x, y, Infinity) : data.beyond(from, dx, dy);
    if (next >= 0) this.choose(next);
  }

  #walk(row, by, event) {
    event.preventDefault();
    const rows = [...this.shadowRoot.querySelectorAll("ol.rows button")];
    const next = rows[rows.indexOf(row) + by];
    if (!next) return;
    next.focus();
    this.choose(Number(next.dataset.preset));
  }

  #escape(target) {
    const find = this.get("input[type=search]");
    if (target === find && find.value) {
      find.value = "";
      find.dispatchEvent(new Event("input"));
    } else if (target.matches("input, select")) this.get(".stage").focus();
    else if (this.view.lassoMode) this.#lassoing(false);
    else if (this.view.picked.size) this.#pick(new Set());
    else this.choose(-1);
  }

  /** Goes to what a search found: all of it in sight, the first one chosen. */
  #toFound() {
    const [first] = this.#listed();
    if (first === undefined) return;
    this.view.fit(this.data.bounds(true));
    this.choose(first, { reveal: false });
  }

  #lassoing(on) {
    this.view.lassoMode = on;
    this.get(".lasso").setAttribute("aria-pressed", String(on));
    this.get(".stage").classList.toggle("lassoing", on);
  }

  #sound(on) {
    if (!this.sounds.any) return;
    this.sounds.on = on;
    if (!on) this.sounds.stop();
    this.get(".sound").setAttribute("aria-pressed", String(on));
    this.#hint();
  }

  #clicked(i, event) {
    if (i >= 0 && (event.ctrlKey || event.metaKey)) return this.#toggle(i);
    this.choose(i, { reveal: false });
  }

  #toggle(i) {
    const next = new Set(this.view.picked);
    if (!next.delete(i)) next.add(i);
    this.#pick(next);
  }

  #pick(found) {
    this.view.picked = found;
    this.rows = ROWS;
    this.#lassoing(false);
    this.#fillList();
    this.view.draw();
    this.get(".said").textContent = found.size ? `${counted(found.size)} picked` : "Nothing picked";
    if (found.size) this.get(".list").scrollIntoView({ block: "nearest" });
  }

  #hover(i) {
    this.view.hovered = i;
    this.get(".stage").classList.toggle("on", i >= 0);
    clearTimeout(this.resting);
    this.#placeTip();
    this.view.draw();
    if (i < 0) return;
    this.resting = setTimeout(() => this.hear(i), STILL);
  }

  #placeTip() {
    const tip = this.get(".tip");
    const i = this.view.hovered;
    tip.hidden = i < 0;
    if (i < 0) return;
    const heard = this.sounds.heardFor(i);
    tip.querySelector("b").textContent = this.#name(i);
    tip.querySelector("span").textContent = this.#about(i);
    tip.querySelector("em").textContent = heard >= 0 && heard !== i ? `you hear ${this.#name(heard)}` : "";
    const [x, y] = this.view.pixel(i);
    const { width, height } = this.view.view;
    const left = Math.min(Math.max(x + 16, 8), width - tip.offsetWidth - 8);
    const top = y + 16 + tip.offsetHeight > height - 8 ? y - tip.offsetHeight - 16 : y + 16;
    tip.style.transform = `translate(${Math.round(left)}px, ${Math.round(top)}px)`;
  }

  // ------------------------------------------------------------------------------------------------------- texts

  #name(i) {
    return this.data.names[i] || NAMELESS;
  }

  #kind(i) {
    const { category, synth } = this.data.fields;
    return category.names[category.first(i)] || synth.names[synth.first(i)];
  }

  #about(i) {
    const { synth, category, author } = this.data.fields;
    const number = this.data.numbers[i];
    const found = [synth, category, author].map((field) => field.names[field.first(i)]);
    found.push(`no. ${number}`);
    return found.filter(Boolean).join(" · ");
  }

  /** What the two directions stand for, where an attribute goes along with one. */
  #fillAxes() {
    const found = [];
    const sides = [["left", "right", "← ", " →"], ["bottom", "top", "↓ ", "↑ "]];
    this.data.given.axes.forEach((axis, at) => {
      if (!axis) return;
      const { low, high } = this.data.measures[axis.measure];
      const [less, more] = axis.sign > 0 ? [low, high] : [high, low];
      const [from, to, before, after] = sides[at];
      found.push(part("span", { className: from }, `${before}${less}`));
      found.push(part("span", { className: to }, at ? `${after}${more}` : `${more}${after}`));
    });
    this.get(".axes").replaceChildren(...found);
  }

  #fillFooter(given) {
    this.get("footer").replaceChildren(...given.notes.map((note) => part("p", {}, note)));
  }

  #tell(text) {
    const hint = this.get(".hint");
    this.get(".said").textContent = text;
    hint.textContent = text;
    hint.hidden = false;
    clearTimeout(this.telling);
    this.telling = setTimeout(() => this.#hint(), 2600);
  }
}

function part(tag, properties = {}, ...children) {
  const found = document.createElement(tag);
  Object.assign(found, properties);
  found.append(...children);
  return found;
}

function button(text, call) {
  const found = part("button", { type: "button" }, text);
  found.addEventListener("click", call);
  return found;
}

function upper(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function counted(number) {
  return number.toLocaleString("en");
}

customElements.define("pf-map", PresetMap);
export { PresetMap };
