// <pf-preset-bar>: the preset that is current: its name and synth, hear it, take it home.

import { LitElement, html } from "lit";

import { look } from "./studio-look.js";

class PresetBar extends LitElement {
  static styles = [look];

  render() {
    return html`<div></div>`;
  }
}

customElements.define("pf-preset-bar", PresetBar);
export { PresetBar };
