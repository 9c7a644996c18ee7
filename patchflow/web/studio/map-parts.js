// What the studio's map is made of beside the picture: its style sheet, and the server's columns as `MapData` reads them.

import { css } from "lit";

/** Returns the answer of GET /map as `MapData` reads it. */
export function givenOf(found) {
  const { count, about } = found;
  const places = new Float32Array(2 * count);
  const values = new Float32Array(about.length * count);
  const columns = about.map(({ name }) => found.measures[name]);
  for (let i = 0; i < count; i += 1) {
    places[2 * i] = found.x[i];
    places[2 * i + 1] = found.y[i];
    for (let m = 0; m < columns.length; m += 1) values[i * columns.length + m] = columns[m][i] ?? NaN;
  }
  return {
    names: found.names,
    numbers: found.keys,
    places,
    values,
    measures: about,
    near: new Uint32Array(0),
    synths: { names: found.synths, of: Uint16Array.from(found.synth) },
    categories: { names: found.categories, of: Uint16Array.from(found.category) },
    authors: { names: [""], of: new Uint16Array(count) },
    tags: { names: found.tags, of: found.tag },
  };
}

export const MAP_SHEET = css`
  .all { height: 100%; display: grid; grid-template-columns: minmax(0, 1fr) 288px; overflow: hidden; }
  .field { position: relative; min-width: 0; min-height: 0; overflow: hidden; }
  .host, .stage { position: absolute; inset: 0; }
  .stage { cursor: grab; touch-action: none; user-select: none;
    background: radial-gradient(ellipse at 45% 40%, var(--pf-raised), var(--pf-ground) 78%); }
  .stage:active { cursor: grabbing; } .stage.on { cursor: pointer; } .stage.lassoing { cursor: crosshair; }
  .stage:focus-visible { outline-offset: -3px; }
  canvas { position: absolute; inset: 0; width: 100%; height: 100%; display: block; }
  .find { position: absolute; left: 12px; top: 12px; } .find input { width: 220px; background: var(--pf-panel); }
  .tools { position: absolute; left: 12px; bottom: 12px; display: grid; gap: 4px; }
  .tools button { background: var(--pf-panel); font-size: 16px; }
  .tools button[aria-pressed="true"] { background: var(--pf-accent); color: var(--pf-on-accent); border-color: var(--pf-accent); }
  .axis { position: absolute; font-size: 12px; color: var(--pf-quiet); pointer-events: none; letter-spacing: .03em; white-space: nowrap; }
  .axis.left { left: 64px; bottom: 14px; } .axis.right { right: 12px; bottom: 14px; }
  .axis.top { top: 18px; left: 50%; translate: -50% 0; } .axis.bottom { bottom: 14px; left: 50%; translate: -50% 0; }
  .marks { position: absolute; right: 12px; top: 12px; display: grid; gap: 2px; font-size: 12px; font-weight: 600; text-align: right;
    background: color-mix(in srgb, var(--pf-panel) 80%, transparent); padding: 4px 8px; border-radius: 8px; pointer-events: none; }
  .tip { position: absolute; width: 234px; padding: 6px 10px; border-radius: 8px; background: var(--pf-ink); color: var(--pf-ground);
    pointer-events: none; box-shadow: 0 4px 16px #0006; display: grid; font-size: 12px; }
  .tip strong { font-size: 13px; }
  .notice { position: absolute; inset: 0; display: grid; place-content: center; justify-items: center; gap: 8px; text-align: center;
    padding: 32px; pointer-events: none; } .notice button { pointer-events: auto; }
  aside { border-left: 1px solid var(--pf-line); overflow-y: auto; scrollbar-width: thin; }
  section { padding: 12px; border-bottom: 1px solid var(--pf-line); display: grid; gap: 8px; }
  section:last-child { border-bottom: 0; }
  .chips { display: flex; flex-wrap: wrap; gap: 4px; margin: 0; padding: 0; list-style: none; }
  .dot { min-height: 26px; padding: 0 8px; font-size: 12px; border-radius: 99px; background: none; }
  .dot i, .picked i { width: 9px; height: 9px; border-radius: 50%; background: var(--dot); flex: none; }
  .dot small { color: var(--pf-quiet); font-size: 11px; }
  .dot[aria-pressed="true"] { border-color: var(--dot); background: color-mix(in srgb, var(--dot) 18%, transparent); }
  .ramp { height: 10px; border-radius: 5px; } .ends { display: flex; justify-content: space-between; }
  .bars { display: grid; grid-template-columns: auto minmax(0, 1fr) auto; gap: 3px 8px; margin: 0; font-size: 11px; color: var(--pf-quiet);
    align-items: center; }
  .bars dt { text-align: right; } .bars dd { margin: 0; }
  .bar { height: 4px; border-radius: 2px; background: var(--pf-well); position: relative; }
  .bar i { position: absolute; top: -3px; width: 10px; height: 10px; margin-left: -5px; border-radius: 50%; background: var(--pf-accent);
    box-shadow: 0 0 0 2px var(--pf-panel); }
  .picked ol { list-style: none; margin: 0; padding: 0; max-height: 240px; overflow-y: auto; scrollbar-width: thin; }
  .picked li button { width: 100%; justify-content: start; min-height: 26px; padding: 0 6px; }
  .picked li button[aria-current="true"] { background: var(--pf-accent-soft); }
  @media (max-width: 1000px) { .all { grid-template-columns: minmax(0, 1fr) 240px; } }
  @media (max-width: 700px) { .marks { top: 64px; } .all { grid-template: minmax(0, 3fr) minmax(0, 2fr) / minmax(0, 1fr); }
    aside { border-left: 0; border-top: 1px solid var(--pf-line); } }
  @media (pointer: coarse) { .dot { min-height: 44px; } }
`;
