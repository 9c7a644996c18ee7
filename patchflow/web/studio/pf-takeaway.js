// <pf-takeaway>: what can be taken home: the synth's own file, the sound, a bank of chosen candidates, the project.
//
// Lives in a <dialog>; show() fills it anew. Files are links that can also be dragged out of the browser where it lets one
// (Chromium: DownloadURL). How to open a file in its synth comes from the server.

import { LitElement, css, html } from "lit";

import { api } from "./api.js";
import { keepProject } from "./project-store.js";
import { saved } from "./saving.js";
import { session } from "./session.js";
import { icon, look, noteName } from "./studio-look.js";

class Takeaway extends LitElement {
  static properties = { synth: { state: true }, busy: { state: true }, said: { state: true } };

  static styles = [look, css`
    :host { display: block; }
    .head { display: flex; align-items: center; gap: 12px; margin-bottom: 12px; }
    .head h2 { margin: 0; }
    .items { display: grid; gap: 8px; }
    .item { display: grid; grid-template-columns: minmax(0, 1fr) auto; gap: 2px 16px; align-items: center;
      padding: 10px 12px; border: 1px solid var(--pf-line);
      border-radius: 10px; background: var(--pf-raised); }
    .item > .button, .item > button { grid-row: 1 / 3; grid-column: 2; min-width: 132px; background: var(--pf-panel); }
    .item p { font-size: 12px; color: var(--pf-quiet); }
    a[draggable] { cursor: grab; }
    ul { margin: 6px 0 0; padding-left: 18px; font-size: 12px; color: var(--pf-quiet); display: grid; gap: 2px; }
    .hints { margin-top: 12px; }
  `];

  constructor() {
    super();
    this.synth = null;
    this.busy = "";
    this.said = "";
  }

  /** Reads what holds for the current preset. */
  async show() {
    this.said = "";
    this.requestUpdate();
    const { preset } = session.state;
    if (this.synth?.name === preset.synth) return;
    this.synth = null;
    try {
      const synths = await api.get("/synths");
      this.synth = synths.find((one) => one.name === preset.synth) ?? null;
    } catch (error) {
      this.said = error.message;
    }
  }

  render() {
    const { preset, note, chosen, candidates } = session.state;
    if (!preset) return html``;
    const native = this.synth?.native || "file";
    const { pitch, velocity, hold, length } = note;
    const picked = chosen.filter((id) => candidates.some((one) => one.preset.id === id));
    return html`<div class="head"><h2 class="grow cut">Take home: ${preset.name}</h2>
        <button class="icon plain" aria-label="Close" @click=${this.#close}>${icon("close")}</button></div>
      <div class="items">
        <div class="item"><strong>Preset for ${this.synth?.title ?? preset.synth}</strong><p>The synth's own file, .${native}. Drag it into the synth or a folder.</p>
          ${this.#link(api.url(`/presets/${preset.id}/file`), `${plainName(preset.name)}.${native}`, "application/octet-stream", `.${native} file`)}</div>
        <div class="item"><strong>Sound</strong><p>${noteName(pitch)}, ${length.toFixed(1)} s, 16 bits at 44.1 kHz.</p>
          ${this.#link(api.url(`/presets/${preset.id}/audio`, { pitch, velocity, hold, length }), `${plainName(preset.name)}.wav`, "audio/wav", ".wav file")}</div>
        <div class="item"><strong>Bank</strong><p>${picked.length ? `${picked.length} chosen candidates` : candidates.length ? "All candidates of the match, or only those whose bank box you tick" : "Candidates of a match, in one file"}.
            Several synths give a .zip of files.</p>
          <button ?disabled=${!candidates.length || Boolean(this.busy)}
            @click=${() => this.#bank(picked)}>${icon("download")} Bank</button></div>
        <div class="item"><strong>Project</strong><p>Target, candidates, slots and this preset in one .patchflow file: drop it here to go on.</p>
          <button ?disabled=${Boolean(this.busy)}
            @click=${this.#project}>${icon("download")} .patchflow file</button></div>
      </div>
      ${this.synth?.hints?.length ? html`<div
        class="hints"><h3>Open it in</h3><ul>${this.synth.hints.map((one) => html`<li>${one}</li>`)}</ul></div>` : ""}
      <p role="status" class="small" style="min-height:20px;margin-top:8px">${this.busy || this.said}</p>`;
  }

  #link(address, name, type, text) {
    return html`<a class="button" href=${address} download=${name} draggable="true"
      @dragstart=${(event) => this.#drag(event, { address, name, type })} @click=${() => { this.said = `${name} is on its way to your downloads.`; }}>
      ${icon("download")} ${text}</a>`;
  }

  #drag(event, { address, name, type }) {
    const whole = new URL(address, location.href).href;
    event.dataTransfer.effectAllowed = "copy";
    event.dataTransfer.setData("DownloadURL", `${type}:${name}:${whole}`);
    event.dataTransfer.setData("text/uri-list", whole);
  }

  async #bank(picked) {
    const { candidates, sound } = session.state;
    const presets = picked.length ? picked : candidates.map((one) => one.preset.id);
    await this.#working("Writing the bank …", async () => {
      const name = plainName((sound?.name ?? "patchflow").replace(/\.[^.]*$/, ""));
      await saved("/bank", { presets, name });
    });
  }

  #project = () => this.#working("Writing the project …", async () => {
    const { project, sound, preset } = session.state;
    const name = project?.name ?? (sound?.name ?? preset.name).replace(/\.[^.]*$/, "");
    const kept = await keepProject(name);
    await saved(`/projects/${kept.id}/file`);
  });

  async #working(text, work) {
    this.busy = text;
    try {
      await work();
      this.said = "It is in your downloads.";
    } catch (error) {
      this.said = error.message; // a toast would lie behind the dialog
    } finally {
      this.busy = "";
    }
  }

  #close = () => this.closest("dialog").close();
}

/** A name without what file systems do not take. */
function plainName(text) {
  return text.replace(/[\\/:*?"<>|\u0000-\u001f]/g, "_").trim() || "preset";
}

customElements.define("pf-takeaway", Takeaway);
export { Takeaway };
