// How a map looks: its style sheet, its colours in light and in dark, and its frame of HTML.

import { LOOK } from "./pf-look.js";

export const LIGHT = {
  series: ["#0b6bcb", "#c2560c", "#178045", "#8a3ab9", "#c2185b", "#0b8099", "#8a7400", "#4a5a70", "#b3261e", "#4c8a12",
    "#4a56c9", "#a0448c"],
  other: "#8c8c88",
  ramp: ["#2457c5", "#7a45c4", "#c02a78", "#d25a12"],
};
export const DARK = {
  series: ["#5ab0ff", "#ff9f5a", "#58d295", "#cb9bff", "#ff7aa6", "#4fd3e8", "#e8d25a", "#a9bbd4", "#ff8b80", "#a9e165",
    "#98a3ff", "#f2b3d9"],
  other: "#7d858f",
  ramp: ["#4f7bff", "#38c5d8", "#7fdc86", "#ffd95a"],
};

/** Returns the bytes of a colour: red, green, blue. */
function rgb(colour) {
  return [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
}

/** What colours stand for: `by` is the name of a field of `MapData`, or the number of one of its attributes. */
export class MapColours {
  constructor(data, by) {
    this.data = data;
    this.by = by;
    this.palette = DARK;
  }

  /** Returns the colour of a preset. */
  of(i) {
    if (typeof this.by === "number") return this.ramp(this.data.ranksOf(this.by)[i]);
    return this.ofValue(this.data.fields[this.by].first(i));
  }

  /** Returns the colour of a value of the field. */
  ofValue(value) {
    const place = this.order().indexOf(value);
    const field = this.data.fields[this.by];
    if (place < 0 || !field.names[value]) return this.palette.other;
    return this.palette.series[place] ?? this.palette.other;
  }

  /** Returns the values of the field, the most frequent first; what has no name last. */
  order() {
    if (this.ordered?.by === this.by) return this.ordered.values;
    const { names, counts } = this.data.fields[this.by];
    const values = [...names.keys()].filter((value) => counts[value]);
    values.sort((a, b) => !names[a] - !names[b] || counts[b] - counts[a]);
    this.ordered = { by: this.by, values };
    return values;
  }

  /** Returns the colour of a share of the presets, from less of an attribute to more. */
  ramp(share) {
    if (Number.isNaN(share)) return this.palette.other;
    const { ramp } = this.palette;
    const at = Math.min(share * (ramp.length - 1), ramp.length - 1.001);
    const parts = [0, 1].map((step) => rgb(ramp[Math.floor(at) + step]));
    const mixed = parts[0].map((low, k) => Math.round(low + (parts[1][k] - low) * (at % 1)));
    return `#${mixed.map((part) => part.toString(16).padStart(2, "0")).join("")}`;
  }

  /** Returns what `MapView` paints: four bytes a preset, and its layer: not shown, without a colour, the rest. */
  tints() {
    const { data } = this;
    const tints = new Uint8Array(4 * data.count);
    const layers = new Uint8Array(data.count);
    const known = new Map();
    const crowd = Math.min(1, Math.max(0.7, 60 / Math.sqrt(data.count + 1)));
    for (let i = 0; i < data.count; i += 1) {
      const colour = this.of(i);
      const plain = colour === this.palette.other;
      if (!known.has(colour)) known.set(colour, rgb(colour));
      tints.set(known.get(colour), 4 * i);
      tints[4 * i + 3] = data.shown[i] ? 255 * crowd * (plain ? 0.62 : 1) : 26;
      layers[i] = data.shown[i] ? 2 - plain : 0;
    }
    return { tints, layers };
  }
}

const SVG = (path) => `<svg viewBox="0 0 20 20" aria-hidden="true"><path d="${path}"/></svg>`;
const ICONS = {
  find: "M8.5 3a5.5 5.5 0 1 0 3.4 9.8l4 4 1.1-1.1-4-4A5.5 5.5 0 0 0 8.5 3zm0 1.6a3.9 3.9 0 1 1 0 7.8 3.9 3.9 0 0 1 0-7.8z",
  sound: "M3 7.5v5h3l4 3.5v-12l-4 3.5zM12 6.4a4 4 0 0 1 0 7.2v-1.7a2.4 2.4 0 0 0 0-3.8zM12 3.2a7 7 0 0 1 0 13.6v-1.6a5.4 5.4 0 0 0 0-10.4z",
  theme: "M10 2.5a7.5 7.5 0 1 0 0 15 7.5 7.5 0 0 0 0-15zm0 1.6v11.8a5.9 5.9 0 0 1 0-11.8z",
  help: "M7 7.4C7 5.5 8.3 4.2 10.1 4.200s3 1.1 3 2.700c0 1.3-.7 2-1.6 2.7-.6.5-.8.8-.8 1.600v.4H9.100v-.6c0-1.3.5-1.9 1.3-2.5.7-.5 1.1-.9 1.1-1.6 0-.8-.6-1.3-1.4-1.3-.9 0-1.5.7-1.5 1.800zM9 13.800h1.800v1.900H9z",
  plus: "M9.2 4h1.600v5.200H16v1.600h-5.200V16H9.200v-5.200H4V9.200h5.200z",
  minus: "M4 9.200h12v1.600H4z",
  fit: "M3.5 3.500H8v1.600H5.100V8H3.500zM12 3.500h4.500V8h-1.600V5.100H12zM3.5 12h1.600v2.900H8v1.600H3.500zM14.9 12h1.600v4.500H12v-1.600h2.900z",
  lasso: "M10 3c4 0 7 2 7 4.600S14 12.2 10 12.200c-.6 0-1.2 0-1.7-.1-.2.7-.8 1.2-1.6 1.3.1 1.4 1 2.3 2.6 2.600l-.4 1.500c-2.3-.5-3.7-2-3.8-4.300a1.8 1.8 0 0 1-.8-2C3.5 10.4 3 9.1 3 7.6 3 5 6 3 10 3zm0 1.600c-3.1 0-5.4 1.4-5.4 3 0 .9.4 1.7 1 2.300a1.8 1.8 0 0 1 2.5.600c.6.1 1.2.1 1.9.1 3.1 0 5.4-1.4 5.4-3s-2.3-3-5.4-3z",
  all: "M3 3h3v1.600H4.600V6H3zm5 0h4v1.600H8zm6 0h3v3h-1.600V4.600H14zM3 8h1.600v4H3zm12.4 0H17v4h-1.600zM3 14h1.600v1.400H6V17H3zm12.4 0H17v3h-3v-1.600h1.400zM8 15.400h4V17H8zM10 7.500a2.5 2.5 0 1 1 0 5 2.5 2.5 0 0 1 0-5z",
};

export const FRAME = `
  <div class="app">
    <header>
      <h1></h1>
      <label class="find">${SVG(ICONS.find)}<input type="search" autocomplete="off" spellcheck="false"
        placeholder="Name, word or number" aria-label="Search presets"><kbd aria-hidden="true">/</kbd></label>
      <label class="by"><span>Colour</span><select></select></label>
      <span class="keys">
        <button type="button" class="icon sound" aria-pressed="true" title="Sound (S)" aria-label="Sound">${SVG(ICONS.sound)}</button>
        <button type="button" class="icon theme" title="Light or dark" aria-label="Light or dark">${SVG(ICONS.theme)}</button>
        <button type="button" class="icon help" title="Keys and gestures (?)" aria-label="Keys and gestures">${SVG(ICONS.help)}</button>
      </span>
    </header>
    <main class="field">
      <div class="stage" tabindex="0" role="application" aria-label="Map of presets" aria-describedby="how">
        <canvas class="points" aria-hidden="true"></canvas><canvas class="above" aria-hidden="true"></canvas>
      </div>
      <p id="how" class="unseen">Arrow keys go from preset to preset. Plus and minus zoom. Question mark lists all keys.
        The list beside the map has the same presets.</p>
      <div class="axes" aria-hidden="true"></div>
      <div class="tools" role="group" aria-label="Map">
        <button type="button" class="icon plus" title="Zoom in (+)" aria-label="Zoom in">${SVG(ICONS.plus)}</button>
        <button type="button" class="icon minus" title="Zoom out (-)" aria-label="Zoom out">${SVG(ICONS.minus)}</button>
        <button type="button" class="icon fit" title="Show all (0)" aria-label="Show all">${SVG(ICONS.fit)}</button>
        <button type="button" class="icon lasso" aria-pressed="false" title="Lasso (L), or drag with Shift" aria-label="Lasso">${SVG(ICONS.lasso)}</button>
        <button type="button" class="icon all" title="Pick what is in sight (V)" aria-label="Pick what is in sight">${SVG(ICONS.all)}</button>
      </div>
      <div class="tip" hidden aria-hidden="true"><b></b><span></span><em></em></div>
      <p class="hint" role="status" hidden></p>
    </main>
    <aside aria-label="Presets">
      <section class="legend" aria-label="Colours and filter"></section>
      <section class="detail" aria-label="Chosen preset" hidden></section>
      <section class="list" aria-label="List of presets"></section>
      <footer></footer>
    </aside>
    <p class="said unseen" role="status"></p>
    <dialog aria-label="Keys and gestures">
      <h2>Keys and gestures</h2>
      <dl>
        <dt>Point at a preset</dt><dd>hear it</dd>
        <dt>Click, tap, <kbd>Enter</kbd></dt><dd>choose it: what it is, its file, what is near it</dd>
        <dt>Drag, two fingers</dt><dd>move</dd>
        <dt>Wheel, pinch, double click, <kbd>+</kbd> <kbd>-</kbd></dt><dd>zoom; <kbd>0</kbd> shows all</dd>
        <dt><kbd>Shift</kbd> and drag, <kbd>L</kbd></dt><dd>pick with a lasso; with <kbd>Ctrl</kbd> add to what is picked</dd>
        <dt><kbd>Ctrl</kbd> and click, <kbd>P</kbd></dt><dd>pick one more, or one less</dd>
        <dt><kbd>V</kbd></dt><dd>pick what is in sight</dd>
        <dt><kbd>←</kbd> <kbd>→</kbd> <kbd>↑</kbd> <kbd>↓</kbd></dt><dd>go to the next preset; with <kbd>Shift</kbd> move the map</dd>
        <dt><kbd>Space</kbd></dt><dd>hear it again</dd>
        <dt><kbd>/</kbd></dt><dd>search</dd>
        <dt><kbd>S</kbd></dt><dd>sound on or off</dd>
        <dt><kbd>Esc</kbd></dt><dd>drop what is picked, then what is chosen</dd>
      </dl>
      <form method="dialog"><button>Close</button></form>
    </dialog>
  </div>`;

export const SHEET = `${LOOK}
  :host { display: block; height: 100%; font: 14px/1.45 system-ui, -apple-system, "Segoe UI", sans-serif;
    background: var(--_ground); color: var(--_ink); --radius: .5rem; }
  * { box-sizing: border-box; }
  [hidden] { display: none !important; }
  .unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap;
    margin: 0; }
  .app { height: 100%; display: grid; grid-template: auto minmax(0, 1fr) / minmax(0, 1fr) 22rem; }
  header { grid-column: 1 / -1; display: flex; align-items: center; gap: .75rem; padding: .5rem .75rem .5rem 1rem;
    border-bottom: 1px solid var(--_line); min-width: 0; }
  h1 { font-size: 1rem; font-weight: 650; margin: 0; letter-spacing: .01em; min-width: 0; overflow: hidden;
    text-overflow: ellipsis; white-space: nowrap; flex: 0 1 auto; }
  h2 { font-size: .8125rem; font-weight: 650; margin: 0; }
  .find { flex: 1 1 12rem; max-width: 26rem; margin-left: auto; position: relative; display: flex; align-items: center; }
  .find svg { position: absolute; left: .6rem; width: 1rem; height: 1rem; fill: var(--_quiet); pointer-events: none; }
  .find kbd { position: absolute; right: .5rem; }
  .find input:focus ~ kbd, .find input:not(:placeholder-shown) ~ kbd { display: none; }
  input[type="search"], select { font: inherit; color: inherit; background: var(--_soft); border: 1px solid var(--_line);
    border-radius: var(--radius); height: 2.25rem; min-width: 0; }
  input[type="search"] { width: 100%; padding: 0 .6rem 0 2.1rem; }
  input::placeholder { color: var(--_quiet); opacity: 1; }
  select { padding: 0 .5rem; max-width: 10rem; }
  .by { display: flex; align-items: center; gap: .4rem; }
  .by span { color: var(--_quiet); font-size: .8125rem; }
  kbd { font: .75rem ui-monospace, monospace; border: 1px solid var(--_line); border-bottom-width: 2px;
    border-radius: .25rem; padding: 0 .3rem; color: var(--_quiet); background: var(--_ground); }
  button { font: inherit; color: inherit; background: var(--_soft); border: 1px solid var(--_line);
    border-radius: var(--radius); cursor: pointer; padding: .3rem .65rem; min-height: 2rem; }
  button:hover { border-color: var(--_quiet); }
  button:active { transform: translateY(1px); }
  button:disabled { opacity: .55; cursor: default; }
  button[aria-pressed="true"].icon { color: var(--_accent); }
  button.lasso[aria-pressed="true"] { background: var(--_accent); border-color: var(--_accent); color: var(--_ground); }
  .icon { width: 2.25rem; height: 2.25rem; padding: 0; display: inline-grid; place-items: center; }
  .icon svg { width: 1.15rem; height: 1.15rem; fill: currentColor; }
  .sound[aria-pressed="false"] { color: var(--_quiet); background: none; }
  .sound[aria-pressed="false"] svg { opacity: .45; }
  .keys { display: flex; gap: .3rem; }
  .field { position: relative; min-width: 0; min-height: 0; overflow: hidden; }
  .stage { position: absolute; inset: 0; cursor: grab; touch-action: none; user-select: none; -webkit-user-select: none;
    background: radial-gradient(ellipse at 45% 40%, var(--_soft), var(--_ground) 75%); }
  .stage:active { cursor: grabbing; }
  .stage.on { cursor: pointer; }
  .stage.lassoing { cursor: crosshair; }
  .stage:focus-visible { outline-offset: -3px; }
  canvas { position: absolute; inset: 0; width: 100%; height: 100%; display: block; }
  .tools { position: absolute; left: .75rem; bottom: .75rem; display: grid; gap: .3rem; }
  .tools .icon { background: var(--_ground); }
  .tools .fit { margin-bottom: .4rem; }
  .axes { color: var(--_quiet); font-size: .75rem; letter-spacing: .04em; pointer-events: none; }
  .axes span { position: absolute; padding: .1rem .4rem; white-space: nowrap; }
  .axes .left { left: .4rem; top: 50%; } .axes .right { right: .4rem; top: 50%; }
  .axes .top { top: .4rem; left: 50%; transform: translateX(-50%); }
  .axes .bottom { bottom: .4rem; left: 50%; transform: translateX(-50%); }
  .tip { position: absolute; left: 0; top: 0; max-width: 17rem; padding: .35rem .6rem; border-radius: var(--radius);
    background: var(--_ink); color: var(--_ground); pointer-events: none; box-shadow: 0 2px 10px #0005;
    overflow-wrap: anywhere; }
  .tip b { display: block; font-weight: 650; } .tip span, .tip em { display: block; font-size: .75rem; }
  .hint { position: absolute; left: 50%; bottom: 2.2rem; transform: translateX(-50%); margin: 0; padding: .4rem .9rem;
    border-radius: 2rem; background: var(--_accent); color: var(--_ground); font-weight: 600; white-space: nowrap;
    pointer-events: none; max-width: calc(100% - 8rem); overflow: hidden; text-overflow: ellipsis; }
  aside { border-left: 1px solid var(--_line); overflow-y: auto; overflow-x: hidden; min-height: 0;
    scrollbar-gutter: stable; scrollbar-width: thin; }
  aside section { padding: .75rem 1rem; border-bottom: 1px solid var(--_line); }
  .top { display: flex; align-items: baseline; justify-content: space-between; gap: .5rem; min-height: 1.4rem;
    margin-bottom: .5rem; }
  .top button, button.plain { background: none; border: 0; color: var(--_accent); padding: 0 .2rem; min-height: 1.5rem;
    font-size: .8125rem; text-decoration: underline; text-underline-offset: 2px; }
  .chips { display: flex; flex-wrap: wrap; gap: .3rem; margin: 0; padding: 0; list-style: none; }
  .chip { display: flex; align-items: center; gap: .4rem; min-height: 1.75rem; padding: .1rem .55rem; font-size: .8125rem;
    border-radius: 1rem; background: none; max-width: 19rem; }
  .chip i { flex: none; width: .65rem; height: .65rem; border-radius: 50%; background: var(--dot); }
  .chip b { font-weight: 500; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
  .chip small { color: var(--_quiet); font-variant-numeric: tabular-nums; font-size: .75rem; }
  .chip[aria-pressed="true"] { border-color: var(--dot); background: color-mix(in srgb, var(--dot) 16%, transparent); }
  .filtered .chip[aria-pressed="false"] b { color: var(--_quiet); }
  .ramp { height: .75rem; border-radius: .4rem; }
  .ends { display: flex; justify-content: space-between; font-size: .8125rem; color: var(--_quiet); margin: .2rem 0 .4rem; }
  .range { display: grid; grid-template-columns: 3.2rem 1fr; align-items: center; gap: .1rem .5rem; font-size: .8125rem; }
  .range label { color: var(--_quiet); }
  input[type="range"] { width: 100%; accent-color: var(--_accent); height: 1.5rem; margin: 0; }
  .pills { display: flex; flex-wrap: wrap; gap: .3rem; margin-top: .6rem; }
  .pills button { border-radius: 1rem; font-size: .8125rem; min-height: 1.75rem; padding: 0 .6rem; }
  .name { font-size: 1.25rem; font-weight: 650; line-height: 1.25; margin: 0 0 .1rem; overflow-wrap: anywhere; }
  .about { margin: 0 0 .6rem; color: var(--_quiet); overflow-wrap: anywhere; }
  .hear { display: grid; grid-template-columns: 2.5rem 1fr; gap: .6rem; align-items: center; margin: 0 0 .35rem; }
  .hear button { width: 2.5rem; height: 2.5rem; border-radius: 50%; padding: 0; display: grid; place-items: center;
    background: var(--_accent); border-color: var(--_accent); color: var(--_ground); }
  .hear svg { width: 1.1rem; height: 1.1rem; fill: currentColor; }
  .hear canvas { position: static; height: 2.5rem; border-radius: .3rem; background: var(--_soft); }
  .note { font-size: .8125rem; color: var(--_quiet); margin: 0 0 .6rem; }
  .does { display: flex; flex-wrap: wrap; gap: .35rem; margin: .5rem 0 0; }
  .does button { font-size: .8125rem; flex: 1 1 auto; }
  .does .main { flex-basis: 100%; background: var(--_accent); border-color: var(--_accent); color: var(--_ground); font-weight: 600; }
  .bars { display: grid; grid-template-columns: auto minmax(2rem, 1fr) auto auto; gap: .12rem .4rem; margin: .7rem 0;
    font-size: .75rem; align-items: center; }
  .bars dt, .bars dd { margin: 0; }
  .bars .low { text-align: right; color: var(--_quiet); } .bars .high { color: var(--_quiet); }
  .bars .value { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
  .bar { height: .3rem; border-radius: .2rem; background: var(--_soft); position: relative;
    box-shadow: inset 0 0 0 1px var(--_line); }
  .bar i { position: absolute; top: -.15rem; width: .6rem; height: .6rem; margin-left: -.3rem; border-radius: 50%;
    background: var(--_accent); box-shadow: 0 0 0 2px var(--_ground); }
  .near { margin-top: .6rem; } .near .chips { margin-top: .3rem; }
  ol.rows { list-style: none; margin: .5rem -.4rem 0; padding: 0; }
  ol.rows button { width: 100%; display: grid; grid-template-columns: .65rem minmax(0, 1fr) auto; gap: .6rem;
    align-items: center; text-align: left; border: 0; background: none; padding: .15rem .4rem; min-height: 1.9rem;
    border-radius: .35rem; }
  ol.rows button:hover, ol.rows button[aria-current="true"] { background: var(--_soft); }
  ol.rows i { width: .65rem; height: .65rem; border-radius: 50%; background: var(--dot); }
  ol.rows b { font-weight: 500; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
  ol.rows small { color: var(--_quiet); font-size: .75rem; white-space: nowrap; max-width: 8rem; overflow: hidden;
    text-overflow: ellipsis; }
  .more { width: 100%; margin-top: .5rem; }
  footer { padding: .75rem 1rem 1.2rem; font-size: .75rem; color: var(--_quiet); }
  footer p { margin: 0 0 .3rem; }
  dialog { color: inherit; background: var(--_ground); border: 1px solid var(--_line); border-radius: .75rem;
    padding: 1.1rem 1.4rem; max-width: min(40rem, 94vw); box-shadow: 0 10px 40px #0006; }
  dialog::backdrop { background: #0008; }
  dialog h2 { font-size: 1rem; margin-bottom: .7rem; }
  dl { margin: 0; }
  dialog dl { display: grid; grid-template-columns: minmax(8rem, auto) 1fr; gap: .35rem 1.2rem; }
  dialog dd { margin: 0; color: var(--_quiet); }
  dialog form { text-align: right; margin-top: 1rem; }
  @media (max-width: 66rem) { .app { grid-template-columns: minmax(0, 1fr) 20rem; } }
  @media (max-width: 46rem), (max-width: 66rem) and (orientation: portrait) {
    .app { grid-template: auto minmax(0, 58fr) minmax(0, 42fr) / minmax(0, 1fr); }
    aside { border-left: 0; border-top: 1px solid var(--_line); }
  }
  @media (min-width: 40rem) and (max-width: 66rem) and (orientation: portrait) {
    aside { display: grid; grid-template: auto auto 1fr / 1fr 1fr; align-content: start; align-items: start; }
    .detail { grid-area: 1 / 1; } .legend { grid-area: 2 / 1; } .list { grid-area: 1 / 2 / 4; } footer { grid-area: 3 / 1; }
  }
  @media (max-width: 46rem) {
    aside { display: flex; flex-direction: column; } .detail { order: -1; }
    .axes .left, .axes .right { top: auto; bottom: .4rem; } .axes .left { left: 3.5rem; } .axes .bottom { display: none; }
    .axes .top { display: none; } .hint { left: 4rem; right: .5rem; transform: none; text-align: center; max-width: none; }
    header { flex-wrap: wrap; row-gap: .4rem; }
    header h1 { flex: 1 1 8rem; } .keys { order: 1; } .find { order: 2; flex: 1 1 10rem; } .by { order: 3; }
  }
  @media (pointer: coarse) { .icon { width: 2.75rem; height: 2.75rem; } .chip, ol.rows button { min-height: 2.4rem; } }
`;
