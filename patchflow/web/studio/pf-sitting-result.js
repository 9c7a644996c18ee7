// <pf-sitting-result>: what came of a sitting: how often each won, with its interval, and each answer; to take away.

import { LitElement, css, html } from "lit";

import { api } from "./api.js";
import { saved } from "./saving.js";
import { icon, look } from "./studio-look.js";

class SittingResult extends LitElement {
  static properties = { result: { attribute: false }, names: { state: true }, failed: { state: true } };

  static styles = [look, css`
    :host { display: grid; gap: 24px; }
    .pair { padding: 20px 24px; display: grid; gap: 12px; }
    .pair h2 { font-size: 20px; }
    .bar { position: relative; height: 44px; margin: 4px 0; }
    .bar .scale { position: absolute; inset: 18px 0 auto; height: 8px; border-radius: 4px; background: var(--pf-well); }
    .bar .half { position: absolute; left: 50%; top: 8px; bottom: 8px; width: 1px; background: var(--pf-edge); }
    .bar .span { position: absolute; top: 18px; height: 8px; border-radius: 4px; background: var(--pf-second-soft); border: 1px solid var(--pf-second); }
    .bar .dot { position: absolute; top: 14px; width: 16px; height: 16px; margin-left: -8px; border-radius: 50%; background: var(--pf-accent);
      box-shadow: 0 0 0 3px var(--pf-panel); }
    .ends { display: flex; justify-content: space-between; }
    table { width: 100%; border-collapse: collapse; font-size: 13px; } td, th { text-align: left; padding: 6px 8px; border-bottom: 1px solid var(--pf-line); }
    th { color: var(--pf-quiet); font-weight: 600; font-size: 12px; }
    .won { color: var(--pf-accent); font-weight: 600; }
  `];

  constructor() {
    super();
    this.names = {};
    this.failed = "";
  }

  willUpdate(changed) {
    if (changed.has("result") && this.result) this.#name();
  }

  render() {
    const { result } = this;
    if (!result) return "";
    const { first, second, p } = result.order;
    return html`<div class="row wrap"><h1 class="grow" style="font-size:22px">${result.asked}</h1>
        <button @click=${() => this.#take("csv")}>${icon("download")} CSV</button><button @click=${() => this.#take("json")}>${icon("download")} JSON</button></div>
      ${this.failed ? html`<p class="bad" role="alert">${this.failed}</p>` : ""}
      ${result.compared.map((one) => this.#pair(one))}
      <p class="quiet small">The first of two was chosen ${first} times, the second ${second} times${p < 0.05
        ? ": that is more than chance, so the order was heard, and only pairs in both orders count" : ", which chance explains"}.
        Intervals are of 95 %: of wins by Clopper and Pearson, of the mean by a bootstrap over pairs.</p>
      <table><thead><tr><th>Trial</th><th>First</th><th>Second</th><th>Answer</th><th>Seconds</th></tr></thead>
        <tbody>${result.answers.map((row) => this.#row(row))}</tbody></table>`;
  }

  #pair(one) {
    const [low, high] = one.interval;
    const decided = one.wins + one.losses;
    const title = one.share === null ? `${one.labels[0]} and ${one.labels[1]}: undecided`
      : one.share === 0.5 ? `${one.labels[0]} and ${one.labels[1]}: even`
        : `${one.share > 0.5 ? one.labels[0] : one.labels[1]} won ${Math.max(one.wins, one.losses)} of ${decided} pairs`;
    return html`<section class="card pair"><h2>${title}</h2>
      <div class="bar" role="img" aria-label="${one.labels[0]} won ${percent(one.share)}; interval ${percent(low)} to ${percent(high)}">
        <div class="scale"></div><div class="half"></div><div class="span" style="left:${100 * low}%;width:${100 * (high - low)}%"></div>
        ${one.share === null ? "" : html`<div class="dot" style="left:${100 * one.share}%"></div>`}</div>
      <div class="ends small quiet"><span>← always ${one.labels[1]}</span><span>always ${one.labels[0]} →</span></div>
      <p>${one.labels[0]} won ${percent(one.share)} of what was decided (95 % interval ${percent(low)} to ${percent(high)}), p = ${one.p.toFixed(3)}.
        ${one.p < 0.05 ? "Chance alone hardly does that." : "Chance may have done that."}</p>
      <p class="quiet small">${one.pairs} pair${one.pairs === 1 ? "" : "s"}, each in both orders: ${one.wins} won, ${one.losses} lost, ${one.same} undecided. Mean over pairs
        ${percent(one.score)} (${percent(one.score_interval[0])} to ${percent(one.score_interval[1])}). Both orders agreed in ${percent(one.agreed)}.</p></section>`;
  }

  #row(row) {
    const cell = (which) => html`<td class=${row.choice === which ? "won" : ""}>${row[which]}</td>`;
    return html`<tr><td>${row.trial + 1}</td>${cell("first")}${cell("second")}<td>${row.choice === "same" ? "the same" : row.choice}</td>
      <td>${row.seconds.toFixed(1)}</td></tr>`;
  }

  async #name() {
    const ids = new Set(this.result.answers.flatMap((row) => [row.a, row.b]));
    const found = await Promise.all([...ids].map((id) => api.get(`/presets/${id}`).catch(() => null)));
    this.names = Object.fromEntries(found.filter(Boolean).map(({ id, name }) => [id, name]));
  }

  async #take(format) {
    try {
      if (format === "csv") await saved(`/listening/${this.result.id}/result`, null, { format });
      else {
        const text = JSON.stringify({ ...this.result, names: this.names }, null, 1);
        const link = document.createElement("a");
        Object.assign(link, { href: URL.createObjectURL(new Blob([text], { type: "application/json" })), download: `listening-${this.result.id}.json` });
        link.click();
        setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
      }
    } catch (error) {
      this.failed = error.message;
    }
  }
}

function percent(share) {
  return share === null ? "–" : `${Math.round(100 * share)} %`;
}

customElements.define("pf-sitting-result", SittingResult);
export { SittingResult };
