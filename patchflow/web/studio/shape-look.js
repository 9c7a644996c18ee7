// What the Shape view adds to the studio's look: dense controls, tabs, and the arc that knobs are drawn with.

import { css } from "lit";
import { look } from "./studio-look.js";

const dense = css`
  :host {
    display: block;
    min-width: 0;
    font-size: 13px;
    line-height: 1.35;
    --_dense: min(var(--pf-control), 28px);
  }
  @media (pointer: coarse) {
    :host {
      --_dense: 44px;
    }
  }
  button,
  select,
  input[type="search"],
  input[type="number"],
  input[type="text"] {
    min-height: var(--_dense);
    font-size: 12px;
  }
  button {
    padding: 0 10px;
  }
  button.icon {
    width: var(--_dense);
    padding: 0;
    flex: none;
  }
  button.icon svg.icon {
    width: 16px;
    height: 16px;
  }
  button.plain {
    color: var(--pf-quiet);
  }
  button.plain:hover:not(:disabled) {
    color: var(--pf-ink);
  }
  button[aria-pressed="true"]:not(.chip) {
    color: var(--pf-accent);
  }
  .small {
    font-size: 11px;
  }
  .tabs {
    display: inline-flex;
    gap: 2px;
    padding: 2px;
    border-radius: 9px;
    background: var(--pf-well);
    max-width: 100%;
    overflow-x: auto;
    scrollbar-width: none;
  }
  .tabs button {
    border: 0;
    background: none;
    color: var(--pf-quiet);
    min-height: calc(var(--_dense) - 4px);
    border-radius: 7px;
    flex: none;
  }
  .tabs button:hover {
    color: var(--pf-ink);
  }
  .tabs button[aria-selected="true"],
  .tabs button[aria-pressed="true"] {
    background: var(--pf-raised);
    color: var(--pf-ink);
    box-shadow: 0 0 0 1px var(--pf-line);
  }
  .tabs button:focus-visible {
    outline-offset: -2px;
  }
  .scrolls {
    overflow: auto;
    scrollbar-width: thin;
    scrollbar-color: var(--pf-line) transparent;
    overscroll-behavior: contain;
  }
`;

export const SHAPE_LOOK = [look, dense];

export const SWITCH = css`
  button.switch {
    display: block;
    flex: none;
    width: 32px;
    height: 18px;
    min-height: 18px;
    margin: 0 auto;
    padding: 0;
    border-radius: 99px;
    position: relative;
    background: var(--pf-well);
    border: 1px solid var(--pf-edge);
  }
  button.switch::after {
    content: "";
    position: absolute;
    left: 2px;
    top: 2px;
    width: 12px;
    height: 12px;
    border-radius: 50%;
    background: var(--pf-edge);
    transition: transform var(--pf-quick);
  }
  button.switch[aria-checked="true"] {
    background: var(--pf-accent-soft);
    border-color: var(--pf-accent);
  }
  button.switch[aria-checked="true"]::after {
    background: var(--pf-accent);
    transform: translateX(14px);
  }
`;

/** Returns the path of an arc around (x, y): angles in degrees, 0 is up, clockwise. */
export function arc(x, y, radius, from, to) {
  const [low, high] = from < to ? [from, to] : [to, from];
  const at = (angle) => {
    const turn = (angle * Math.PI) / 180;
    return `${(x + radius * Math.sin(turn)).toFixed(2)} ${(y - radius * Math.cos(turn)).toFixed(2)}`;
  };
  if (high - low < 0.1) return "";
  return `M${at(low)}A${radius} ${radius} 0 ${high - low > 180 ? 1 : 0} 1 ${at(high)}`;
}

/** Tells whoever holds an element that a control was turned. */
export function tell(element, name, detail) {
  element.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true }));
}
