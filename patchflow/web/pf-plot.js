// <pf-plot>: draws the table inside it, as lines, points, bars or boxes.
//
//   <pf-plot kind="line" x-label="Parameters" y-label="Distance, dB" log-x><table>...</table></pf-plot>
//
// The table is the data: screen readers read it, and a page without scripts shows it. Its columns, by `kind`:
//   line     x, then a column a series; an empty cell is a gap
//   scatter  x, y, and optionally a group (text: colours of series; numbers: colours from low to high) and a name
//   box      name, low, lower quartile, median, upper quartile, high
//   bar      name, value, and optionally how uncertain it is
// Attributes: `label` (what it shows; it stands above, but with `hide-label`), `x-label`, `y-label`, `log-x`, `log-y`,
// `zero` (the axis has 0), `equal` (lines of a unit square: both axes have the same range), `strong` (the name of a
// line that the others stand back behind). With the focus on the plot, arrow keys go from value to value, Home and
// End to the ends, and each is read out below.

import { COLOURS, LOOK, colour, exact, logTicks, plain, readTable, short, ticks } from "./pf-look.js";

const WIDEST = 640; // of the drawing; a narrow page gets a narrow one, so that its letters stay readable
const NARROWEST = 280;
const EDGE = { left: 58, right: 12, top: 10, bottom: 44 };
const ROW = 30; // height of a bar or a box, whose names stand beside it
const NAME = [96, 150]; // width of those names, on narrow and wide drawings
const RAMP = ["#2166ac", "#67a9cf", "#a0a0a0", "#ef8a62", "#b2182b"];

const SHEET = `${LOOK}
  :host { display: block; min-width: 0; margin: .5rem 0 1rem; }
  .title { font-size: .875rem; font-weight: 600; margin: .3rem 0; }
  svg { display: block; width: 100%; height: auto; max-width: 40rem; background: var(--_ground); }
  text { fill: var(--_ink); font-size: 13px; font-family: inherit; }
  .grid { stroke: var(--_line); stroke-width: .5; opacity: .6; }
  .axis { stroke: var(--_quiet); }
  .at { fill: none; stroke: var(--_ink); stroke-width: 2; }
  .key { display: flex; flex-wrap: wrap; gap: .2rem 1rem; font-size: .8125rem; padding-left: 0; margin: .2rem 0; }
  .key li { list-style: none; display: flex; align-items: center; gap: .35rem; }
  .key i { width: .8rem; height: .8rem; border-radius: 2px; flex: none; background: var(--shade); }
  .key i.dashed { background: linear-gradient(90deg, var(--shade) 40%, transparent 40% 60%, var(--shade) 60%); }
  output { display: block; min-height: 1.4em; font-size: .8125rem; color: var(--_quiet); }
  summary { cursor: pointer; font-size: .8125rem; color: var(--_accent); }
  .values { max-height: 20rem; overflow: auto; }
`;

class Plot extends HTMLElement {
  #at = -1;
  #values = [];
  #width = WIDEST;
  #height = WIDEST / 2;

  connectedCallback() {
    if (this.shadowRoot) return;
    const root = this.attachShadow({ mode: "open" });
    const label = this.getAttribute("label") || "Plot";
    const title = this.hasAttribute("label") && !this.hasAttribute("hide-label");
    root.innerHTML = `<style>${SHEET}</style>
      ${title ? `<p class="title" aria-hidden="true">${plain(label)}</p>` : ""}
      <svg role="img" tabindex="0" aria-label="${plain(label)}. Arrow keys go from value to value."></svg>
      <div class="names"></div><output></output>
      <details><summary>Values</summary><div class="values" tabindex="0" role="group"
        aria-label="Values of: ${plain(label)}"><slot></slot></div></details>`;
    this.svg = root.querySelector("svg");
    this.output = root.querySelector("output");
    this.svg.addEventListener("keydown", (event) => this.#key(event));
    this.svg.addEventListener("pointermove", (event) => this.#near(event));
    this.observer = new ResizeObserver(() => this.#fit());
    this.observer.observe(this);
    this.#fit();
  }

  disconnectedCallback() {
    this.observer?.disconnect();
  }

  /** Draws it as wide as there is room for. */
  #fit() {
    const width = Math.round(Math.min(Math.max(this.clientWidth || WIDEST, NARROWEST), WIDEST));
    if (this.#values.length && Math.abs(width - this.#width) < 8) return;
    this.#width = width;
    this.#height = Math.max(Math.round(width / 2), 220);
    const drawn = this.#draw();
    this.#values = drawn.values;
    this.svg.setAttribute("viewBox", `0 0 ${width} ${drawn.height}`);
    this.svg.innerHTML = `${drawn.marks}<circle class="at" r="7" visibility="hidden"/>`;
    this.shadowRoot.querySelector(".names").innerHTML = drawn.key;
  }

  #draw() {
    const { columns, rows } = readTable(this);
    const kind = this.getAttribute("kind") || "line";
    if (kind === "box" || kind === "bar") return this.#across(kind, columns, rows);
    const series = kind === "line" ? linesOf(columns, rows) : groupsOf(columns, rows);
    const points = series.flatMap((one) => one.points);
    const equal = this.hasAttribute("equal");
    const range = (name) => this.#range(points.map((point) => point[name]), `log-${name}`);
    const scale = { x: range("x"), y: range("y") };
    const places = [...new Set(points.map((point) => point.x))];
    if (kind === "line" && scale.x.log && places.length <= 8) scale.x.marks = places;
    if (equal) {
      const both = { low: Math.min(scale.x.low, scale.y.low), high: Math.max(scale.x.high, scale.y.high) };
      Object.assign(scale.x, both);
      Object.assign(scale.y, both);
    }
    const place = (point) => ({
      px: EDGE.left + share(point.x, scale.x) * (this.#width - EDGE.left - EDGE.right),
      py: this.#height - EDGE.bottom - share(point.y, scale.y) * (this.#height - EDGE.top - EDGE.bottom),
    });
    const values = points.map((point) => ({ ...place(point), text: this.#said(point, columns, kind) }));
    const strong = series.some((one) => one.name === this.getAttribute("strong")) ? this.getAttribute("strong") : null;
    const width = ({ name }) => (strong === null ? 2 : name === strong ? 5 : 1.5);
    const marks = series.map((one) => (kind === "line" ? lineMarks(one, place, width(one)) : pointMarks(one, place)));
    return { height: this.#height, values, marks: this.#axes(scale, place) + marks.join(""), key: keyOf(series) };
  }

  #range(numbers, log) {
    const isLog = this.hasAttribute(log);
    const known = numbers.filter((value) => Number.isFinite(value) && (!isLog || value > 0));
    let low = Math.min(...known);
    let high = Math.max(...known);
    if (this.hasAttribute("zero") && log === "log-y" && !isLog) low = Math.min(low, 0);
    if (!(high > low)) [low, high] = [low - (isLog ? low / 2 : 0.5), high + 0.5];
    const room = isLog ? 1.06 : (high - low) * 0.04;
    if (isLog) return { low: low / room, high: high * room, log: true };
    return { low: low === 0 && this.hasAttribute("zero") ? 0 : low - room, high: high + room, log: false };
  }

  #axes(scale, place) {
    const lines = [];
    const bottom = this.#height - EDGE.bottom;
    const right = this.#width - EDGE.right;
    for (const value of marksOf(scale.y)) {
      const { py } = place({ x: scale.x.low, y: value });
      lines.push(`<line class="grid" x1="${EDGE.left}" x2="${right}" y1="${py}" y2="${py}"/>
        <text x="${EDGE.left - 6}" y="${py + 4}" text-anchor="end">${exact(value)}</text>`);
    }
    for (const value of scale.x.marks || marksOf(scale.x, this.#width)) {
      const { px } = place({ x: value, y: scale.y.low });
      lines.push(`<line class="grid" x1="${px}" x2="${px}" y1="${EDGE.top}" y2="${bottom}"/>
        <text x="${px}" y="${bottom + 17}" text-anchor="middle">${exact(value)}</text>`);
    }
    const middle = (EDGE.left + right) / 2;
    const centre = (EDGE.top + bottom) / 2;
    return `${lines.join("")}
      <path class="axis" fill="none" d="M${EDGE.left} ${EDGE.top}V${bottom}H${right}"/>
      <text x="${middle}" y="${this.#height - 6}" text-anchor="middle">${this.#text("x-label")}</text>
      <text transform="translate(14 ${centre}) rotate(-90)" text-anchor="middle">${this.#text("y-label")}</text>`;
  }

  #text(name) {
    return plain(this.getAttribute(name) || "");
  }

  #said(point, columns, kind) {
    const x = `${this.getAttribute("x-label") || columns[0]} ${point.xText}`;
    if (kind === "line") return `${x}: ${point.series} ${point.yText}`;
    const name = [point.name, point.series].filter(Boolean).join(", ");
    return `${name ? `${name}: ` : ""}${x}, ${this.getAttribute("y-label") || columns[1]} ${point.yText}`;
  }

  #across(kind, columns, rows) {
    // Names are as wide as words are, so these two lie on their side.
    const lines = rows.map(([name, ...texts]) => ({ name, numbers: texts.filter((text) => text !== "").map(Number) }));
    const ends = kind === "box" ? lines.flatMap((one) => one.numbers) : lines.flatMap(({ numbers: [value, more = 0] }) =>
      [0, value - more, value + more]);
    const range = this.#range(ends, "log-x");
    if (kind === "bar" && Math.min(...ends) === 0) range.low = 0;
    const height = EDGE.top + ROW * lines.length + EDGE.bottom;
    const left = NAME[this.#width < 420 ? 0 : 1];
    const letters = Math.floor(left / 7);
    const place = (value) => left + share(value, range) * (this.#width - left - EDGE.right);
    const marks = marksOf(range, this.#width).map((value) => `<line class="grid" x1="${place(value)}" x2="${place(value)}"
      y1="${EDGE.top}" y2="${height - EDGE.bottom}"/><text x="${place(value)}" y="${height - EDGE.bottom + 17}"
      text-anchor="middle">${exact(value)}</text>`);
    const values = [];
    lines.forEach(({ name, numbers }, i) => {
      const y = EDGE.top + ROW * (i + 0.5);
      const label = name.length > letters ? `${name.slice(0, letters - 1)}…` : name;
      marks.push(`<text x="${left - 8}" y="${y + 4}" text-anchor="end">${plain(label)}</text>`);
      marks.push(kind === "box" ? boxMarks(numbers, y, place) : barMarks(numbers, y, place));
      const said = numbers.map((value, k) => `${columns[k + 1] || ""} ${short(value)}`).join(", ");
      values.push({ px: place(kind === "box" ? numbers[2] : numbers[0]), py: y, text: `${name}: ${said}` });
    });
    marks.push(`<text x="${(left + this.#width) / 2}" y="${height - 6}" text-anchor="middle">${this.#text("x-label")}</text>`);
    return { height, values, marks: marks.join(""), key: "" };
  }

  #key(event) {
    const last = this.#values.length - 1;
    const to = { ArrowRight: this.#at + 1, ArrowDown: this.#at + 1, ArrowLeft: this.#at - 1, ArrowUp: this.#at - 1,
      Home: 0, End: last }[event.key];
    if (to === undefined || last < 0) return;
    event.preventDefault();
    this.output.setAttribute("aria-live", "polite");
    this.#show(Math.min(Math.max(to, 0), last));
  }

  #near(event) {
    const box = this.svg.getBoundingClientRect();
    const zoom = this.#width / box.width;
    const x = (event.clientX - box.left) * zoom;
    const y = (event.clientY - box.top) * zoom;
    let best = -1;
    let least = 40 ** 2;
    this.#values.forEach((value, i) => {
      const far = (value.px - x) ** 2 + (value.py - y) ** 2;
      if (far < least) [best, least] = [i, far];
    });
    this.output.removeAttribute("aria-live"); // the mouse passes too many values to read them all out
    if (best >= 0) this.#show(best);
  }

  #show(index) {
    const value = this.#values[index];
    const ring = this.svg.querySelector(".at");
    this.#at = index;
    ring.setAttribute("visibility", "visible");
    ring.setAttribute("cx", value.px);
    ring.setAttribute("cy", value.py);
    this.output.textContent = value.text;
  }
}

function share(value, { low, high, log }) {
  return log ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low);
}

function marksOf({ low, high, log }, width = WIDEST) {
  return log ? logTicks(low, high) : ticks(low, high, width < 420 ? 4 : 6);
}

function linesOf(columns, rows) {
  return columns.slice(1).map((name, k) => ({
    name,
    colour: colour(k),
    dash: k < COLOURS ? "none" : "6 4",
    points: rows.flatMap((row, i) => (row[k + 1] ? [{
      x: Number(row[0]), y: Number(row[k + 1]), xText: row[0], yText: row[k + 1], series: name,
      joined: i > 0 && rows[i - 1][k + 1] !== "",
    }] : [])),
  }));
}

function groupsOf(columns, rows) {
  const groups = new Map();
  const ranked = rows.some((row) => row[2]) && rows.every((row) => !row[2] || Number.isFinite(Number(row[2])));
  const numbers = rows.map((row) => Number(row[2]));
  const [low, high] = [Math.min(...numbers), Math.max(...numbers)];
  for (const [xText, yText, group = "", name = ""] of rows) {
    const key = ranked ? "" : group;
    if (!groups.has(key)) groups.set(key, []);
    const shade = ranked ? RAMP[Math.round((RAMP.length - 1) * (Number(group) - low) / (high - low || 1))] : null;
    const series = ranked ? `${columns[2]} ${group}` : group;
    groups.get(key).push({ x: Number(xText), y: Number(yText), xText, yText, series, name, shade });
  }
  return [...groups].map(([name, points], k) => ({ name, colour: colour(k), points }));
}

function lineMarks({ points, colour: shade, dash }, place, width) {
  const places = points.map(place);
  const dots = places.map(({ px, py }) => `<circle cx="${px}" cy="${py}" r="3" fill="${shade}"/>`);
  const way = places.map(({ px, py }, i) => `${points[i].joined ? "L" : "M"}${px.toFixed(1)} ${py.toFixed(1)}`).join("");
  return `<path d="${way}" fill="none" stroke="${shade}" stroke-width="${width}"
    stroke-dasharray="${dash}"/>${dots.length > 60 ? "" : dots.join("")}`;
}

function pointMarks({ points, colour: shade }, place) {
  const radius = points.length > 400 ? 2 : 3.5;
  return points.map((point) => {
    const { px, py } = place(point);
    return `<circle cx="${px.toFixed(1)}" cy="${py.toFixed(1)}" r="${radius}" fill="${point.shade || shade}"
      fill-opacity=".75"/>`;
  }).join("");
}

function boxMarks([low, lower, middle, upper, high], y, place) {
  const [a, b, c, d, e] = [low, lower, middle, upper, high].map(place);
  return `<path class="axis" fill="none" d="M${a} ${y}H${b}M${d} ${y}H${e}M${a} ${y - 5}v10M${e} ${y - 5}v10"/>
    <rect x="${b}" y="${y - 9}" width="${Math.max(d - b, 1)}" height="18" fill="${colour(0)}" fill-opacity=".35"
    stroke="${colour(0)}"/><path d="M${c} ${y - 9}v18" stroke="${colour(1)}" stroke-width="3"/>`;
}

function barMarks([value, more], y, place) {
  const [from, to] = [place(Math.min(value, 0)), place(Math.max(value, 0))];
  const bar = `<rect x="${from}" y="${y - 9}" width="${Math.max(to - from, 1)}" height="18" fill="${colour(0)}"
    fill-opacity=".75"/>`;
  if (!more) return bar;
  const [a, b] = [place(value - more), place(value + more)];
  return `${bar}<path class="axis" fill="none" d="M${a} ${y}H${b}M${a} ${y - 4}v8M${b} ${y - 4}v8"/>`;
}

function keyOf(series) {
  const named = series.filter((one) => one.name);
  if (named.length < 2 || named.length > 3 * COLOURS) return "";
  const lines = named.map((one) => `<li><i style="--shade:${one.colour}" class="${one.dash && one.dash !== "none"
    ? "dashed" : ""}"></i>${plain(one.name)}</li>`);
  return `<ul class="key">${lines.join("")}</ul>`;
}

customElements.define("pf-plot", Plot);
export { Plot };
