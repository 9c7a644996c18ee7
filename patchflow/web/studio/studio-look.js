// What the studio's elements share: one style sheet for buttons, fields, chips, sliders and cards, and small drawings.
//
// import { look, icon } from "./studio-look.js"; static styles = [look, css`...`]. Colours come from studio.css.

import { css, html, svg } from "lit";

export const look = css`
  :host { color: var(--pf-ink); font-family: var(--pf-font); font-variant-numeric: tabular-nums; }
  :host([hidden]), [hidden] { display: none !important; }
  *, *::before, *::after { box-sizing: border-box; }
  h1, h2, h3, p { margin: 0; }
  h2 { font-size: 13px; font-weight: 650; letter-spacing: .02em; }
  h3 { font-size: 12px; font-weight: 600; color: var(--pf-quiet); }
  :focus-visible { outline: 2px solid var(--pf-accent); outline-offset: 2px; }
  .quiet { color: var(--pf-quiet); }
  .small { font-size: 12px; }
  .unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
  .bad { color: var(--pf-bad); }
  .row { display: flex; align-items: center; gap: 8px; min-width: 0; }
  .wrap { flex-wrap: wrap; }
  .grow { flex: 1 1 0; min-width: 0; }
  .cut { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; min-width: 0; }
  button, .button { font: inherit; font-size: 13px; color: inherit; background: var(--pf-raised);
    border: 1px solid var(--pf-line); border-radius: 8px; min-height: var(--pf-control); padding: 0 12px;
      cursor: pointer;
    display: inline-flex; align-items: center; justify-content: center; gap: 6px; text-decoration: none;
      white-space: nowrap;
    transition: border-color var(--pf-quick), background var(--pf-quick); }
  button:hover, .button:hover { border-color: var(--pf-edge); }
  button:active { transform: translateY(1px); }
  button:disabled { opacity: .5; cursor: default; transform: none; }
  button.main { background: var(--pf-accent); border-color: var(--pf-accent); color: var(--pf-on-accent);
    font-weight: 650; }
  button.main:hover { filter: brightness(1.07); }
  button.plain { background: none; border-color: transparent; }
  button.plain:hover { background: var(--pf-raised); }
  button.icon { width: var(--pf-control); padding: 0; }
  button.round { border-radius: 50%; }
  svg.icon { width: 18px; height: 18px; fill: none; stroke: currentColor; stroke-width: 1.7; stroke-linecap: round;
    stroke-linejoin: round; flex: none; }
  input, select, textarea { font: inherit; font-size: 13px; color: inherit; }
  select, input[type="text"], input[type="search"], input[type="number"] { background: var(--pf-well);
    border: 1px solid var(--pf-edge); border-radius: 8px; min-height: var(--pf-control); padding: 0 8px; min-width: 0; }
  input::placeholder { color: var(--pf-quiet); opacity: 1; }
  input[type="range"] { accent-color: var(--pf-accent); min-width: 0; height: 20px; margin: 0; }
  input[type="checkbox"], input[type="radio"] { accent-color: var(--pf-accent); }
  .chip { border-radius: 99px; padding: 0 12px; }
  .chip[aria-pressed="true"], .chip[aria-checked="true"] { background: var(--pf-accent-soft);
    border-color: var(--pf-accent); color: var(--pf-ink); }
  .card { background: var(--pf-panel); border: 1px solid var(--pf-line); border-radius: var(--pf-radius);
    box-shadow: var(--pf-shadow); }
  .tag { font-size: 11px; font-weight: 600; color: var(--pf-quiet); border: 1px solid var(--pf-line);
    border-radius: 99px;
    padding: 0 8px; line-height: 18px; white-space: nowrap; }
  kbd { font: 11px var(--pf-mono); color: var(--pf-quiet); border: 1px solid var(--pf-line); border-bottom-width: 2px;
    border-radius: 4px; padding: 0 4px; background: var(--pf-ground); }
  dialog { color: inherit; font: inherit; background: var(--pf-panel); border: 1px solid var(--pf-line);
    border-radius: 14px; padding: 20px 24px;
    max-width: min(720px, 92vw); max-height: 84vh; box-shadow: 0 24px 80px #000a; }
  dialog::backdrop { background: #0009; }
  dialog h2 { font-size: 16px; margin-bottom: 12px; }
  @media (prefers-reduced-motion: reduce) {
    *, *::before, *::after { animation-duration: 0s !important; transition-duration: 0s !important; }
  }
`;

const PATHS = {
  play: "M6 4.500v11l9-5.500z",
  stop: "M5.500 5.500h9v9h-9z",
  pause: "M7 5v10M13 5v10",
  record: "M10 5.500a4.500 4.500 0 1 0 0 9a4.500 4.500 0 0 0 0-9z",
  microphone: "M10 3a2.500 2.500 0 0 1 2.500 2.500v4a2.500 2.500 0 0 1-5 0v-4A2.500 2.500 0 0 1 10 3zM5 9.500a5 5 0 0 0 10 0M10 14.500V17",
  file: "M5 3h6l4 4v10H5zM11 3v4h4",
  open: "M3 15.500V5h4.500l1.500 2H17v8.500z",
  undo: "M7 4.500 3.500 8 7 11.500M3.500 8H12a4.200 4.200 0 0 1 0 8.400H9",
  redo: "M13 4.500 16.500 8 13 11.500M16.500 8H8a4.200 4.200 0 0 0 0 8.400h3",
  help: "M7.500 7.500a2.500 2.500 0 1 1 3.600 2.200c-.8.4-1.100.9-1.100 1.800M10 14.600v.1",
  theme: "M10 3.500a6.500 6.500 0 1 0 0 13zM10 3.500v13a6.500 6.500 0 0 0 0-13z",
  keys: "M3 5h14v10H3zM7.700 5v10M12.300 5v10",
  download: "M10 3.500v9M6.500 9.500 10 13l3.500-3.500M4 16.500h12",
  close: "M5 5l10 10M15 5 5 15",
  more: "M5 10h.01M10 10h.01M15 10h.01",
  flip: "M4 7h10M11 4l3 3-3 3M16 13H6M9 10l-3 3 3 3",
  shape: "M4 6h5M13 6h3M4 14h2M10 14h6M9 6a2 2 0 1 0 4 0a2 2 0 1 0-4 0M6 14a2 2 0 1 0 4 0a2 2 0 1 0-4 0",
  history: "M4 10a6 6 0 1 0 2-4.500L4 7.300M4 4v3.300h3.300M10 7v3.300l2.300 1.400",
  check: "M4.500 10.500 8.500 14.500 15.500 6",
  lock: "M5.500 9h9v7h-9zM7 9V6.800a3 3 0 0 1 6 0V9",
  star: "M10 3.500l2 4.300 4.600.5-3.400 3.100.9 4.600L10 13.700 5.900 16l.9-4.600L3.400 8.300l4.600-.5z",
};

/** Returns a small drawing; what it means is said by the control that holds it. */
export function icon(name) {
  return html`<svg class="icon" viewBox="0 0 20 20" aria-hidden="true">${svg`<path d=${PATHS[name]}></path>`}</svg>`;
}

const NAMES = ["C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "A♯", "B"];

/** Returns the name of a MIDI note: 60 is C4. */
export function noteName(pitch) {
  return `${NAMES[((pitch % 12) + 12) % 12]}${Math.floor(pitch / 12) - 1}`;
}

/** Returns a length of time: "0:07", "1:05". */
export function minutes(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

/** Returns a time as people read it: today the time, else the day. */
export function when(seconds) {
  const date = new Date(1000 * seconds);
  const today = new Date().toDateString() === date.toDateString();
  return today ? date.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" })
    : date.toLocaleDateString("en-GB", { day: "numeric", month: "short", year: "numeric" });
}
