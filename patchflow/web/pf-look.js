// What the components share: their colours, which a page may set, and how numbers are written.
//
// A page sets --pf-ink, --pf-quiet, --pf-line, --pf-ground, --pf-soft, --pf-accent, --pf-bad and --pf-series-1 to -8;
// without them the system's colours are used.

const SERIES = ["#0b6bcb", "#b3540a", "#197a3e", "#8a3ab9", "#a5184b", "#0e7490", "#6b5d00", "#4b5563"];

export const LOOK = `
  :host { --_ink: var(--pf-ink, CanvasText); --_quiet: var(--pf-quiet, CanvasText);
    --_line: var(--pf-line, GrayText); --_ground: var(--pf-ground, Canvas); --_soft: var(--pf-soft, transparent);
    --_accent: var(--pf-accent, LinkText); --_bad: var(--pf-bad, #b00020); color: var(--_ink);
    ${SERIES.map((colour, i) => `--_s${i}: var(--pf-series-${i + 1}, ${colour});`).join(" ")} }
  :host([hidden]) { display: none; }
  :focus-visible { outline: 3px solid var(--_accent); outline-offset: 2px; }
`;

export const COLOURS = SERIES.length;

/** Returns the colour of a series, which begin again after the last. */
export function colour(index) {
  return `var(--_s${index % COLOURS})`;
}

/** Returns seconds as minutes and seconds: 0:02.4. */
export function clock(seconds) {
  const tenths = Math.round(seconds * 10);
  const rest = (tenths % 600) / 10;
  return `${Math.floor(tenths / 600)}:${rest < 10 ? "0" : ""}${rest.toFixed(1)}`;
}

/** Returns a number as a label: three digits, no rounding noise. */
export function short(value) {
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e5 || size < 1e-3) return value.toExponential(1);
  return String(Number(value.toPrecision(3)));
}

/** Returns a round number as the label of an axis, without rounding noise. */
export function exact(value) {
  return Math.abs(value) >= 1e5 ? value.toExponential(1) : String(Number(value.toPrecision(6)));
}

/** Returns round numbers that divide a range, at most `most` of them. */
export function ticks(low, high, most = 6) {
  const span = high - low || 1;
  const power = 10 ** Math.floor(Math.log10(span / most));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => span / size <= most);
  const found = [];
  for (let value = Math.ceil(low / step - 1e-9) * step; value <= high + step * 1e-9; value += step) {
    found.push(Math.abs(value) < step / 1e6 ? 0 : value);
  }
  return found;
}

/** Returns 1, 2 and 5 times powers of ten within a range; only the powers where those were too many. */
export function logTicks(low, high, most = 8) {
  const found = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power += 1) {
    for (const factor of [1, 2, 5]) found.push(factor * 10 ** power);
  }
  const inside = found.filter((value) => value >= low * 0.999 && value <= high * 1.001);
  if (inside.length <= most) return inside;
  return inside.filter((value) => Math.abs(Math.log10(value) % 1) < 1e-6);
}

/** Reads the table in an element: the texts of its head, and rows of texts. */
export function readTable(element) {
  const table = element.querySelector("table");
  const texts = (row) => [...row.cells].map((cell) => cell.textContent.trim());
  if (!table) return { columns: [], rows: [] };
  const columns = table.tHead ? texts(table.tHead.rows[0]) : [];
  return { columns, rows: [...table.tBodies].flatMap((body) => [...body.rows].map(texts)) };
}

/** Returns text with what means something in HTML made harmless. */
export function plain(text) {
  return String(text).replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
