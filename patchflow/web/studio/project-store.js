// The project that is open: kept, opened, renamed, and never over what somebody else has changed meanwhile.

import { api } from "./api.js";
import { session } from "./session.js";

const seen = new Map(); // id -> `changed` as this page knows it; what undo brings back may be older

/** Keeps what is done here: in the project that is open if it is of this name, unless it was changed elsewhere; else anew. */
export async function keepProject(name) {
  const { project: open, view, ...state } = session.snapshot();
  const body = { name, state };
  const kept = open?.name === name ? await changed(open, body) : null;
  const now = kept ?? (await api.post("/projects", body));
  session.set({ project: known(now) });
  return now;
}

/** Takes up a project as the server gave it. */
export function openProject(found) {
  session.restore({ ...found.state, project: known(found) }, `Open ${found.name}`);
}

/** Gives a project another name. */
export async function renameProject(id, name) {
  const { project: open } = session.state;
  if (open?.id !== id) await api.put(`/projects/${id}`, { name });
  else session.set({ project: known(await api.put(`/projects/${id}`, { name, seen: seenOf(open) })) });
}

/** Returns the project with its new content; null if it has been deleted. */
async function changed(open, body) {
  try {
    return await api.put(`/projects/${open.id}`, { ...body, seen: seenOf(open) });
  } catch (error) {
    if (error.status === 404) return null;
    throw error;
  }
}

function seenOf({ id, changed: time }) {
  return seen.get(id) ?? time;
}

function known({ id, name, changed: time }) {
  seen.set(id, time);
  return { id, name, changed: time };
}
