// Where the page keeps its history: IndexedDB, one session for each tab, so that two tabs do not destroy each other's.
//
// An entry is {label, time, before, after}: the parts of the state that one step changed, as they were and as they
// became. Presets lie in a store of their own, once each, since they never change and are in many entries.
// A tab holds a lock as long as it lives. A new tab goes on with the newest session that no living tab holds.

const NAME = "patchflow-studio";
const KEPT_SESSIONS = 20;
const PRESET = "$preset";
const PATIENCE = 2000; // ms that the page which is reloaded may take to let go of its session

/** Waits for a request of IndexedDB. */
function done(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** Returns whether a value is a preset of the API. */
function isPreset(value) {
  return Boolean(value) && typeof value === "object" && typeof value.id === "string" && "synth" in value && "values" in value;
}

export class HistoryStore {
  #database = null;
  #presets = new Map(); // what was written or read, by id: no second reading, and all there is without a database
  #release = () => {};

  id = "";

  /** Opens the database and chooses this tab's session; returns {state, cursor, labels}, or null if it is a new one. */
  async open() {
    this.#database = await this.#opened();
    this.id = await this.#claimed();
    const kept = await done(this.#store("sessions").get(this.id));
    if (!kept) return null;
    const entries = await done(this.#store("entries").getAll(this.#range(0, Infinity)));
    return { state: await this.unpacked(kept.state), cursor: kept.cursor, entries };
  }

  /** Writes an entry at an index; those after it are gone: another way was taken. */
  async write(index, entry, state) {
    const packed = { ...entry, before: this.#packed(entry.before), after: this.#packed(entry.after) };
    if (!this.#database) return packed;
    const work = this.#database.transaction(["entries", "sessions", "presets"], "readwrite");
    work.objectStore("entries").delete(this.#range(index, Infinity));
    work.objectStore("entries").put(packed, [this.id, index]);
    this.#put(work, state, index + 1);
    return packed;
  }

  /** Writes where the session is. */
  async mark(state, cursor) {
    if (!this.#database) return;
    this.#put(this.#database.transaction(["sessions", "presets"], "readwrite"), state, cursor);
  }

  /** Returns a value with its presets in place of their ids. */
  async unpacked(value) {
    if (Array.isArray(value)) return Promise.all(value.map((one) => this.unpacked(one)));
    if (!value || typeof value !== "object") return value;
    if (PRESET in value) return this.#preset(value[PRESET]);
    const parts = Object.entries(value).map(async ([name, one]) => [name, await this.unpacked(one)]);
    return Object.fromEntries(await Promise.all(parts));
  }

  async #preset(id) {
    if (!this.#presets.has(id) && this.#database) this.#presets.set(id, await done(this.#store("presets").get(id)));
    return this.#presets.get(id) ?? null;
  }

  #packed(value) {
    if (Array.isArray(value)) return value.map((one) => this.#packed(one));
    if (!value || typeof value !== "object") return value;
    if (isPreset(value)) {
      this.#presets.set(value.id, value);
      this.#unwritten.add(value.id);
      return { [PRESET]: value.id };
    }
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, this.#packed(one)]));
  }

  #unwritten = new Set();

  #put(work, state, cursor) {
    work.objectStore("sessions").put({ id: this.id, state: this.#packed(state), cursor, touched: Date.now() });
    for (const id of this.#unwritten) work.objectStore("presets").put(this.#presets.get(id));
    this.#unwritten.clear();
    work.commit?.(); // now, not when the page has time: it may be left at once
  }

  #store(name) {
    return this.#database.transaction(name, "readonly").objectStore(name);
  }

  #range(first, last) {
    return IDBKeyRange.bound([this.id, first], [this.id, last]);
  }

  #opened() {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore("entries");
      request.result.createObjectStore("sessions", { keyPath: "id" });
      request.result.createObjectStore("presets", { keyPath: "id" });
    };
    return done(request);
  }

  /** Returns the id of a session that is now this tab's own. */
  async #claimed() {
    const own = sessionStorage.getItem(NAME); // survives a reload; a tab that was duplicated has it too, hence the lock
    const all = await done(this.#store("sessions").getAll());
    const newest = all.sort((a, b) => b.touched - a.touched).map((one) => one.id);
    for (const id of [own, ...newest].filter(Boolean)) {
      if (await this.#locked(id)) {
        sessionStorage.setItem(NAME, id);
        await this.#forget(newest.slice(KEPT_SESSIONS));
        return id;
      }
    }
    const made = crypto.randomUUID();
    await this.#locked(made);
    sessionStorage.setItem(NAME, made);
    return made;
  }

  /** Takes a session's lock unless another tab has it. The old page of a reload may hold it for a moment: wait a little. */
  async #locked(id) {
    if (!navigator.locks) return true; // an address that is not this machine, without TLS: the browser has no locks there
    const patience = id === sessionStorage.getItem(NAME) ? PATIENCE : 0;
    const end = performance.now() + patience;
    do {
      if (await this.#tried(id)) return true;
      if (patience) await new Promise((later) => setTimeout(later, 40));
    } while (performance.now() < end);
    return false;
  }

  #tried(id) {
    return new Promise((resolve) => {
      navigator.locks.request(`${NAME}:${id}`, { ifAvailable: true }, (lock) => {
        resolve(Boolean(lock));
        return lock ? new Promise((release) => { this.#release = release; }) : undefined;
      });
    });
  }

  async #forget(ids) {
    for (const id of ids) {
      if (!(await this.#free(id))) continue;
      const work = this.#database.transaction(["entries", "sessions"], "readwrite");
      work.objectStore("entries").delete(IDBKeyRange.bound([id, 0], [id, Infinity]));
      work.objectStore("sessions").delete(id);
    }
  }

  async #free(id) {
    if (!navigator.locks) return false;
    const { held } = await navigator.locks.query();
    return !held.some((lock) => lock.name === `${NAME}:${id}`);
  }
}
