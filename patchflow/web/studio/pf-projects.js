// <pf-projects>: the page's state kept under names: saved, opened, renamed, exported as one file, imported.

import { LitElement, css, html } from "lit";

import { api } from "./api.js";
import { Listens } from "./listens.js";
import { keepProject, openProject, renameProject } from "./project-store.js";
import { saved } from "./saving.js";
import { session } from "./session.js";
import { icon, look, when } from "./studio-look.js";

class Projects extends LitElement {
  static properties = { list: { state: true }, failed: { state: true }, renaming: { state: true }, busy: { state: true }, sure: { state: true } };

  static styles = [look, css`
    :host { display: block; }
    .card { padding: 12px; display: grid; gap: 8px; }
    form { display: grid; grid-template-columns: minmax(0, 1fr) auto; gap: 8px; }
    input[type="text"] { width: 100%; }
    ul { list-style: none; margin: 0 -4px; padding: 0; display: grid; gap: 2px; max-height: 340px; overflow-y: auto; scrollbar-width: thin; }
    li { display: grid; grid-template-columns: minmax(0, 1fr) auto; align-items: center; border-radius: 8px; padding: 4px 2px 4px 8px; gap: 4px; }
    li:hover, li:focus-within { background: var(--pf-raised); }
    li.open { background: var(--pf-accent-soft); }
    .name { all: unset; cursor: pointer; display: grid; min-width: 0; line-height: 1.3; }
    .name:focus-visible { outline: 2px solid var(--pf-accent); outline-offset: 2px; }
    .name strong { font-weight: 600; }
    .does { display: flex; } .does button { width: 30px; min-height: 30px; }
    .does svg { width: 16px; height: 16px; }
    .empty { padding: 12px 4px; }
    @media (pointer: coarse) { .does button { width: 44px; min-height: 44px; } }
  `];

  constructor() {
    super();
    Object.assign(this, { list: [], failed: "", renaming: "", busy: false, sure: "" });
    new Listens(this, session, { change: () => this.requestUpdate() });
  }

  connectedCallback() {
    super.connectedCallback();
    this.addEventListener("drop", (event) => this.#drop(event));
    this.#load();
  }

  render() {
    const { project } = session.state;
    const nothing = !session.state.sound && !session.state.preset;
    return html`<section class="card" aria-label="Projects">
      <div class="row"><h2 class="grow">Projects</h2>
        <button class="plain small" @click=${() => this.renderRoot.querySelector("input[type=file]").click()}>${icon("open")} Import</button>
        <input type="file" accept=".patchflow,.zip" hidden aria-label="Project file to import" @change=${(event) => this.#import([...event.target.files])}></div>
      <form @submit=${this.#keep}><input type="text" name="name" maxlength="120" aria-label="Name of the project" autocomplete="off"
        placeholder="Name of what you are doing" .value=${project?.name ?? ""} required>
        <button class="main" ?disabled=${this.busy || nothing} title=${nothing ? "There is no sound and no preset to keep yet" : ""}>Save</button></form>
      ${project ? html`<span class="small quiet">Another name saves another project.</span>` : ""}
      ${this.failed ? html`<p class="bad small" role="alert">${this.failed}</p>` : ""}
      ${this.list.length ? html`<ul>${this.list.map((one) => this.#row(one, project?.id === one.id))}</ul>`
        : html`<p class="quiet small empty">A project keeps the sound, the candidates, the slots and the preset. Save one, or drop a
          .patchflow file here.</p>`}
      <a class="button" href="/listening" target="_blank" rel="noopener">${icon("flip")} Blind listening</a>
    </section>`;
  }

  #row(one, open) {
    if (this.renaming === one.id) {
      return html`<li><form @submit=${(event) => this.#rename(event, one)}><input type="text" name="name" maxlength="120" .value=${one.name} required
        aria-label="New name" @keydown=${(event) => { if (event.key === "Escape") this.renaming = ""; }}><button>Keep</button></form></li>`;
    }
    const parts = [`${one.presets} preset${one.presets === 1 ? "" : "s"}`, one.sounds ? `${one.sounds} sound${one.sounds === 1 ? "" : "s"}` : "",
      when(one.changed)];
    const does = this.sure === one.id
      ? html`<button class="small bad" style="width:auto" @click=${() => this.#remove(one)}>Delete</button>
        <button class="plain icon" aria-label="Keep it" title="Keep it" @click=${() => { this.sure = ""; }}>${icon("close")}</button>`
      : html`<button class="plain icon" aria-label="Export ${one.name}" title="Export as one file" @click=${() => this.#export(one)}>${icon("download")}</button>
        <button class="plain icon" aria-label="Rename ${one.name}" title="Rename" @click=${() => this.#begin(one)}>${pen()}</button>
        <button class="plain icon" aria-label="Delete ${one.name}" title="Delete" @click=${() => { this.sure = one.id; }}>${icon("close")}</button>`;
    return html`<li class=${open ? "open" : ""}><button class="name" @click=${() => this.#open(one)} aria-current=${String(open)} title="Open">
      <strong class="cut">${one.name}</strong><span class="small quiet">${parts.filter(Boolean).join(" · ")}</span></button>
      <span class="does">${does}</span></li>`;
  }

  async #load() {
    try {
      this.list = await api.get("/projects");
      this.failed = "";
    } catch (error) {
      this.failed = error.message;
    }
  }

  async #keep(event) {
    event.preventDefault();
    const name = new FormData(event.target).get("name").trim();
    this.busy = true;
    try {
      const kept = await keepProject(name);
      session.say(`Saved: ${kept.name}`);
    } catch (error) {
      session.fail(error);
    }
    this.busy = false;
    this.#load();
  }

  async #open(one) {
    try {
      const found = await api.get(`/projects/${one.id}`);
      openProject(found);
      session.say(`Opened: ${found.name}`);
    } catch (error) {
      session.fail(error);
      this.#load();
    }
  }

  async #begin(one) {
    this.renaming = one.id;
    await this.updateComplete;
    this.renderRoot.querySelector("li input")?.select();
  }

  async #rename(event, one) {
    event.preventDefault();
    const name = new FormData(event.target).get("name").trim();
    this.renaming = "";
    try {
      await renameProject(one.id, name);
    } catch (error) {
      session.fail(error);
    }
    this.#load();
  }

  async #remove(one) {
    this.sure = "";
    try {
      await api.remove(`/projects/${one.id}`);
      if (session.state.project?.id === one.id) session.set({ project: null });
      session.say(`Deleted: ${one.name}`);
    } catch (error) {
      session.fail(error);
    }
    this.#load();
  }

  async #export(one) {
    try {
      session.say(`Exported: ${await saved(`/projects/${one.id}/file`)}`);
    } catch (error) {
      session.fail(error);
    }
  }

  #drop(event) {
    const files = [...(event.dataTransfer?.files ?? [])];
    if (!files.length) return;
    event.preventDefault();
    this.#import(files);
  }

  async #import(files) {
    for (const file of files) {
      try {
        const found = await api.upload("/projects/file", file, { name: file.name });
        session.say(found.notes.length ? `${found.name}: ${found.notes[0]}` : `Imported: ${found.name}`, found.notes.length ? "bad" : "good");
        await this.#load();
        await this.#open(found);
      } catch (error) {
        session.fail(error);
      }
    }
    this.renderRoot.querySelector("input[type=file]").value = "";
  }
}

function pen() {
  return html`<svg class="icon" viewBox="0 0 20 20" aria-hidden="true"><path d="M4 16l.8-3.200L13 4.600l2.400 2.400-8.200 8.200zM11.500 6.100l2.400 2.400"></path></svg>`;
}

customElements.define("pf-projects", Projects);
export { Projects };
