// <pf-keys>: the keyboard at the foot of the page.

import { LitElement, html } from "lit";

import { look } from "./studio-look.js";

class Keys extends LitElement {
  static styles = [look];

  render() {
    return html`<div></div>`;
  }
}

customElements.define("pf-keys", Keys);
export { Keys };
