// The server's HTTP API v1 for the page: get, post, upload, server-sent events, and whether the server is there.
//
// api.get("/about"); api.post("/jobs", {...}); api.upload("/sounds", file, {name}); api.url(path, query) for <a>, <img>;
// api.follow(job, fn) calls fn with the job until it has ended; api.job(request, fn) makes one and returns its result.
// Failures are ApiError, whose message is the server's own line. Events of `api`: "gone" and "back", of the server.

export const BASE = "/api/v1";
const RETRY = 1500; // ms between two looks for a server that went away
const ENDED = new Set(["done", "cancelled", "failed"]);

/** What the server refused, in its own words. */
export class ApiError extends Error {
  constructor(message, status = 0, kind = "") {
    super(message);
    this.name = "ApiError";
    this.status = status;
    this.kind = kind;
  }
}

/** Who we are among those that wait for the server, which lets all have their turns: this browser, until it forgets. */
const CLIENT = clientName();

function clientName() {
  const made = [...crypto.getRandomValues(new Uint8Array(8))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  try {
    const kept = localStorage.getItem("patchflow-client");
    if (kept && /^[0-9a-f]{16}$/.test(kept)) return kept;
    localStorage.setItem("patchflow-client", made);
  } catch {
    // a browser that keeps nothing has another name after each reload
  }
  return made;
}

class Api extends EventTarget {
  #gone = false;
  #timer = 0;

  /** Whether the last request found no server. */
  get gone() {
    return this.#gone;
  }

  /** Returns the address of a path; values of `query` that are null, undefined or "" are left out. */
  url(path, query = {}) {
    const kept = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== "");
    const text = new URLSearchParams(kept.map(([name, value]) => [name, String(value)])).toString();
    return `${BASE}${path}${text ? `?${text}` : ""}`;
  }

  get(path, query = {}, options = {}) {
    return this.#json(this.url(path, query), options);
  }

  post(path, body = {}, options = {}) {
    return this.#sent("POST", path, body, options);
  }

  put(path, body = {}, options = {}) {
    return this.#sent("PUT", path, body, options);
  }

  remove(path, options = {}) {
    return this.#json(this.url(path), { ...options, method: "DELETE" });
  }

  /** Sends bytes as they are. */
  upload(path, blob, query = {}, options = {}) {
    const headers = { "Content-Type": blob.type || "application/octet-stream" };
    return this.#json(this.url(path, query), { ...options, method: "POST", headers, body: blob });
  }

  /** Returns the whole answer, for sounds and pictures. */
  async response(path, query = {}, options = {}) {
    return this.#fetched(path.startsWith(BASE) ? path : this.url(path, query), options);
  }

  /** Listens to events of a path; returns a function that ends it. `handlers`: {name of event: fn(data)}. */
  sse(path, handlers, onState = () => {}) {
    const source = new EventSource(this.url(path));
    for (const [name, handler] of Object.entries(handlers)) {
      source.addEventListener(name, (event) => handler(JSON.parse(event.data)));
    }
    source.addEventListener("open", () => {
      onState("open");
      this.#there();
    });
    source.addEventListener("error", () => {
      onState(source.readyState === EventSource.CLOSED ? "closed" : "waiting");
      this.#look();
    });
    return () => source.close();
  }

  /** Calls `onJob` with a job at each change; returns a function that stops listening. */
  follow(job, onJob) {
    const latest = { revision: -1 };
    let retry = 0;
    let close = () => {};
    const stop = () => {
      clearTimeout(retry);
      close();
    };
    const heard = (next) => {
      if (next.revision < latest.revision) return;
      latest.revision = next.revision;
      if (ENDED.has(next.state)) stop();
      onJob(next);
    };
    // EventSource gives up for good when a server answers with an error (it was restarted, or the job is unknown).
    const listen = () => {
      close = this.sse(`/jobs/${job.id}/events`, { job: heard }, (state) => {
        if (state === "closed") retry = setTimeout(again, RETRY);
      });
    };
    const again = async () => {
      try {
        const found = await this.get(`/jobs/${job.id}`);
        latest.revision = Math.min(latest.revision, found.revision); // a restarted server may count from the start
        heard(found);
        if (!ENDED.has(found.state)) listen();
      } catch (error) {
        if (error.status === 404) onJob({ ...job, state: "failed", error: "The server no longer knows this job." });
        else retry = setTimeout(again, RETRY);
      }
    };
    listen();
    return stop;
  }

  /** Makes a job and waits for its end; returns its result. `onJob` sees every change on the way. */
  async job(request, onJob = () => {}, signal = null) {
    const made = await this.post("/jobs", request);
    onJob(made);
    return new Promise((resolve, reject) => {
      const stop = this.follow(made, (job) => {
        onJob(job);
        if (job.state === "failed") reject(new ApiError(job.error || "The job failed."));
        if (job.state === "done" || job.state === "cancelled") resolve(job.result);
      });
      signal?.addEventListener("abort", () => {
        stop();
        this.post(`/jobs/${made.id}/cancel`).catch(() => {});
        reject(new DOMException("stopped", "AbortError"));
      });
    });
  }

  #sent(method, path, body, options) {
    const headers = { ...options.headers, "Content-Type": "application/json" };
    return this.#json(this.url(path), { ...options, method, headers, body: JSON.stringify(body) });
  }

  async #json(address, options) {
    const answer = await this.#fetched(address, options);
    return answer.status === 204 ? null : answer.json();
  }

  async #fetched(address, options) {
    let answer;
    try {
      // Clients take turns: for jobs, and where only the newest of one client's requests counts.
      answer = await fetch(address, { ...options, headers: { ...options.headers, "X-Client": CLIENT } });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      this.#look();
      throw new ApiError("The studio's server does not answer.", 0, "Gone");
    }
    this.#there();
    if (answer.ok) return answer;
    const said = await answer.json().catch(() => ({}));
    throw new ApiError(said.error || `${answer.status} ${answer.statusText}`, answer.status, said.kind);
  }

  /** Looks whether the server is there; as long as it is not, again and again. Nothing is asked while all is well. */
  #look() {
    if (this.#timer) return;
    this.#timer = setTimeout(async () => {
      this.#timer = 0;
      try {
        const answer = await fetch(`${BASE}/about`, { cache: "no-store" });
        if (!answer.ok) throw new Error(String(answer.status));
        this.#there();
      } catch {
        if (!this.#gone) {
          this.#gone = true;
          this.dispatchEvent(new Event("gone"));
        }
        this.#look();
      }
    }, this.#gone ? RETRY : 50);
  }

  #there() {
    if (!this.#gone) return;
    this.#gone = false;
    this.dispatchEvent(new Event("back"));
  }
}

export const api = new Api();
