// Files that go from the server onto the user's disk.

import { api } from "./api.js";

/** Has the browser save the answer of a path: fetched, or posted if there is a body. Returns the file's name. */
export async function saved(path, body = null, query = {}) {
  const options = body ? { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) } : {};
  const answer = await api.response(path, query, options);
  const name = nameOf(answer.headers.get("content-disposition") ?? "");
  const address = URL.createObjectURL(await answer.blob());
  const link = document.createElement("a");
  Object.assign(link, { href: address, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
  return name;
}

/** Returns the name that a header gives a file. */
function nameOf(header) {
  const wide = header.match(/filename\*=UTF-8''([^;]+)/i);
  if (wide) return decodeURIComponent(wide[1]);
  return header.match(/filename="([^"]*)"/)?.[1] || "file";
}
