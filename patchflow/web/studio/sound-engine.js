// Everything that sounds: one AudioContext; notes of presets, rendered ahead; A/B without a gap; what is heard, measured.
//
// import { engine } from "./sound-engine.js"; engine.playNote(preset, {pitch, velocity, hold}) and engine.stopNote(pitch);
// engine.hear(preset, note) plays a whole note; engine.ab(target, candidate) loops both in step and engine.flip() goes
// from one to the other; engine.measure() says how loud and how high what sounds now is. Events: "ab", "notes", "latency".
//
// Note-off. The server renders whole notes, held for a time. A key that is down plays a render held for TAP seconds; if it
// stays down, the same note held for LONG seconds is fetched and takes over at the same place. When the key goes up, the
// render held for exactly as long as the key was down is fetched and takes over: up to note-off both are the same sound, so
// that only the release is new, the synth's own release. A render that comes too late (LATE) or never is faded instead.
//
// First parts. A slow synth takes longer for a note than anybody waits for an edit, so the first part of the note is asked
// for before the whole, held as long, only shorter: it is heard at once, and the whole takes over at the same place. Both
// are the same sound, to the sample; but for the last samples of a render, which Vital fades, and which are not needed.

import { api } from "./api.js";
import { measured } from "./sound-measure.js";

const TAP = { hold: 2, length: 3 }; // seconds
const LONG = { hold: 10, length: 11 };
const SOONER = 0.7; // seconds that a key is down before the long render is fetched
const CHEAP = 20; // ms that the last note of a synth took, below which the whole is asked for at once
const FIRST = 0.25; // seconds of a first part, at least; twice as long as the whole will take, if that is more
const RELEASE = 2; // seconds after note-off
const LATE = 0.25; // seconds after note-off in which its render must be there
const FADE = 0.12; // time constant of a note that is faded instead
const HOP = 0.008; // seconds of a crossfade: no click, no gap
// What is to begin now begins whenever the audio thread comes to it. Two sounds that have to be in step begin at a time
// that is still to come: so much later.
const SOON = 0.005; // seconds, of a key
const LATER = 0.02; // of a render that takes over
const AHEAD = 7; // keys on each side of the last that are rendered ahead
const CALM = 400; // ms that a preset stays as it is before notes are rendered ahead: what is to be heard now comes first
const LAYERS = [45, 80, 105, 127]; // velocities that are rendered; what is between them is made by gain
const ROOM = 160e6; // bytes of sounds that are kept
const VOICES = 16;
const ROOM_DB = -12; // notes are rendered so much lower, so that loud ones are not made to fit, each in its own way
const WANTED_DB = -18; // LUFS of a preset when it is loaded; what is edited from there on keeps its gain, and so its level
const MOST_DB = 36; // by which a faint preset is turned up
const STEP = 0.02; // seconds: holds are rounded to it, so that two short taps have one render

class Engine extends EventTarget {
  context = null;
  side = "target"; // of A/B
  current = { id: null, gain: null }; // the preset that keeps its gain in dB; null until it has been heard
  #loudness = new WeakMap(); // buffer -> LUFS, as the server measured it
  #rendered = new WeakMap(); // buffer -> {ms, gain}: how long it took, and by how many dB it was turned up at last
  #took = new Map(); // synth and length -> ms that the last such note took
  #master = null;
  #analyser = null;
  #notes = new Map(); // key -> {buffer, promise}, the oldest first
  #bytes = 0;
  #voices = new Map(); // pitch -> voice
  #ab = null;
  #ended = 0; // how often A/B was ended, or would have been
  #single = null; // what hear() or playSound() plays
  #ahead = { preset: null, queue: [], busy: 0, abort: new AbortController() };
  #later = 0;
  #own = null; // ms from the last event to the start that was scheduled

  /** Makes the AudioContext, after a gesture; resolves when it runs. */
  async ready() {
    this.#make();
    if (this.context.state !== "running") await this.context.resume();
    return this.context;
  }

  /** Milliseconds from a key to the loudspeaker: our own, and what the browser says of its buffers. */
  get latencies() {
    const { baseLatency = 0, outputLatency = 0 } = this.context ?? {};
    return { own: this.#own, base: 1000 * baseLatency, output: 1000 * outputLatency };
  }

  get latency() {
    const { own, base, output } = this.latencies;
    return (own ?? 0) + base + output;
  }

  /** Whether A/B is on. */
  get comparing() {
    return this.#ab !== null;
  }

  /** Pitches whose keys are down. */
  get sounding() {
    return [...this.#voices.keys()];
  }

  /** The analyser of all that is heard. */
  get level() {
    this.#make();
    return this.#analyser;
  }

  /** Returns {rms, peak, pitch} of the last fifth of a second: levels from 0 to 1, pitch in Hz or null. */
  measure() {
    const samples = new Float32Array(this.level.fftSize);
    this.#analyser.getFloatTimeDomainData(samples);
    return measured(samples, this.context.sampleRate);
  }

  /** Starts a note; `at` is performance.now() of the event. Resolves to whether it was cached, when it has started. */
  async playNote(preset, { pitch, velocity = 100, hold = null, at = performance.now() }) {
    await this.#running();
    this.stopAb();
    this.#silence(this.#voices.get(pitch));
    const layer = layerOf(velocity);
    const voice = { preset, pitch, layer, velocity, gain: 0, length: 0, down: true, hops: [], started: null, off: null };
    this.#voices.set(pitch, voice);
    this.#limit();
    const note = { pitch, velocity: layer, ...(hold === null ? TAP : { hold, length: hold + RELEASE }) };
    const cached = this.#cached(preset, note);
    const first = cached ? null : this.#firstOf(preset, note);
    try {
      const buffer = cached ?? (await this.#fetched(preset, first ?? note));
      voice.gain = gainOf(velocity, layer) * linear(this.gainOf(preset, buffer));
      if (!voice.dead) this.#start(voice, buffer, { at: cached ? at : null, isFirst: first !== null });
      if (first && voice.down && !voice.dead) this.#complete(voice, note);
    } catch (error) {
      if (this.#voices.get(pitch) === voice) this.#voices.delete(pitch); // its key may be down again
      throw error;
    }
    this.#tell("notes");
    if (hold === null) this.#extend(voice);
    this.prefetch(preset, around(pitch), layer);
    return Boolean(cached);
  }

  /** The key of a note went up. */
  stopNote(pitch) {
    const voice = this.#voices.get(pitch);
    if (!voice) return;
    this.#voices.delete(pitch);
    voice.down = false;
    clearTimeout(voice.extend);
    this.#tell("notes");
    if (voice.started === null) {
      voice.off = 0.1; // up before the sound was there: a short tap, as soon as it comes
      return;
    }
    this.#release(voice);
  }

  /** Ends all notes and loops. */
  stopAll() {
    for (const pitch of [...this.#voices.keys()]) this.stopNote(pitch);
    this.stopAb();
    this.stopSound();
  }

  /** Plays a whole note of a preset: {pitch, velocity, hold, length}. Resolves when all of it plays; the newest wins. */
  async hear(preset, note, gainDb = 0) {
    await this.#running();
    const turn = (this.hearing = Symbol("turn"));
    const cached = this.#cached(preset, note);
    const first = cached ? null : this.#firstOf(preset, note);
    try {
      // The server leaves out what waits and is no longer wanted: a knob that is dragged asks faster than a synth plays.
      const buffer = cached ?? (await this.#fetched(preset, first ?? note, { headers: { "X-Newest": "hear" } }));
      if (turn !== this.hearing) return;
      const voice = this.#play(buffer, gainDb + this.gainOf(preset, buffer), { isFirst: first !== null });
      if (!first) return;
      const whole = await this.#fetched(preset, note, { headers: { "X-Newest": "hear on" } });
      if (turn === this.hearing && !voice.dead) this.#hop(voice, whole);
    } catch (error) {
      if (turn === this.hearing) throw error;
    }
  }

  /** Plays an address or a buffer once. */
  async playSound(sound, gainDb = 0, onEnd = () => {}) {
    await this.#running();
    const turn = (this.hearing = Symbol("turn"));
    const buffer = sound instanceof AudioBuffer ? sound : await this.buffer(sound);
    if (turn === this.hearing) this.#play(buffer, gainDb, { onEnd });
  }

  /** Ends what hear() or playSound() plays. */
  stopSound() {
    this.hearing = null;
    this.#silence(this.#single);
    this.#single = null;
  }

  /** Returns the decoded sound of an address of the API. */
  async buffer(address, options = {}) {
    this.#make();
    const answer = await api.response(address, {}, options);
    const buffer = await this.context.decodeAudioData(await answer.arrayBuffer());
    const loudness = Number.parseFloat(answer.headers.get("X-Loudness-Lufs"));
    if (Number.isFinite(loudness)) this.#loudness.set(buffer, loudness);
    const [ms, gain] = ["X-Render-Ms", "X-Gain-Db"].map((name) => Number.parseFloat(answer.headers.get(name)) || 0);
    this.#rendered.set(buffer, { ms, gain });
    return buffer;
  }

  /** How loud a sound of the API is as a whole, in LUFS; null where that has no meaning. */
  loudnessOf(buffer) {
    return this.#loudness.get(buffer) ?? null;
  }

  /** By how many dB a preset is turned up: as loud as others when it is loaded; what is edited then keeps that gain. */
  gainOf(preset, buffer) {
    const own = Math.min(WANTED_DB - (this.loudnessOf(buffer) ?? WANTED_DB), MOST_DB);
    if (preset.id !== this.current.id) return own;
    if (this.current.gain === null) {
      this.current.gain = own;
      this.#tell("gain");
    }
    return this.current.gain;
  }

  /** Returns the sound of a preset's note, rendered unless it is here. */
  note(preset, note) {
    this.#make();
    return this.#fetched(preset, note);
  }

  /** Loops target and candidate in step; only one is heard. Gains are in dB. Begins, or goes on with others in their place. */
  async ab(target, candidate, { targetDb = 0, candidateDb = 0, side = this.side } = {}) {
    await this.#running();
    this.stopSound();
    for (const pitch of this.sounding) this.stopNote(pitch);
    const seconds = Math.max(target.duration, candidate.duration) + 0.1;
    const old = this.#ab;
    // A candidate of the same length goes on where the last one was: comparing is not begun anew by a new candidate.
    const keep = old && Math.abs(old.seconds - seconds) < 0.05;
    const start = keep ? old.start : this.context.currentTime + 0.02;
    const length = keep ? old.seconds : seconds;
    this.side = side;
    const made = { start, seconds: length, sources: {} };
    for (const [name, buffer, db] of [["target", target, targetDb], ["candidate", candidate, candidateDb]]) {
      made.sources[name] = this.#loop(buffer, { start, seconds: length, level: linear(db), heard: name === side });
    }
    this.#end(old);
    this.#ab = made;
    this.#tell("ab");
  }

  /** Goes to the other side of A/B, or to a named one: a crossfade of a few milliseconds, no gap. */
  flip(side = this.side === "target" ? "candidate" : "target") {
    if (!this.#ab) return;
    this.side = side;
    for (const [name, { gain, level }] of Object.entries(this.#ab.sources)) ramp(gain, name === side ? level : 0);
    this.#tell("ab");
  }

  /** Changes when a note or Esc ends A/B, or would have: what is still being fetched must not begin then. */
  get ended() {
    return this.#ended;
  }

  stopAb() {
    this.#ended += 1;
    this.#endAb();
  }

  #endAb() {
    if (!this.#ab) return;
    this.#end(this.#ab);
    this.#ab = null;
    this.#tell("ab");
  }

  /** What loops, for tests: {target: {buffer, gain}, candidate: {...}}; null if A/B is off. */
  get loops() {
    if (!this.#ab) return null;
    const sides = Object.entries(this.#ab.sources).map(([name, { source, level }]) => [name, { buffer: source.buffer, gain: level }]);
    return Object.fromEntries(sides);
  }

  /** Where the loop of A/B is, in seconds; null if it is off. */
  get position() {
    if (!this.#ab) return null;
    return Math.max(0, this.context.currentTime - this.#ab.start) % this.#ab.seconds;
  }

  /** Renders notes ahead, one at a time, the nearest first; those of another preset are no longer wanted. */
  prefetch(preset, pitches, layer = layerOf(100)) {
    this.#make();
    if (this.#ahead.preset?.id !== preset.id) {
      this.#ahead.abort.abort();
      this.#ahead = { preset, queue: [], busy: 0, abort: new AbortController() };
    }
    const wanted = pitches.filter((pitch) => pitch >= 0 && pitch <= 127);
    this.#ahead.queue = wanted.map((pitch) => ({ pitch, velocity: layer, ...TAP }));
    clearTimeout(this.#later);
    this.#later = setTimeout(() => this.#next(this.#ahead), CALM);
  }

  /** Whether a key would sound at once. */
  has(preset, pitch, velocity = 100) {
    return Boolean(preset && this.#cached(preset, { pitch, velocity: layerOf(velocity), ...TAP }));
  }

  #make() {
    if (this.context) return;
    this.context = new AudioContext({ latencyHint: "interactive" });
    this.#master = new GainNode(this.context, { gain: 1 });
    this.#analyser = new AnalyserNode(this.context, { fftSize: 8192, smoothingTimeConstant: 0 });
    // Sixteen notes at once may be too loud: what is above -2 dB is bent, not cut. A compressor would add 6 ms of latency.
    const bend = new WaveShaperNode(this.context, { curve: bent() });
    this.#master.connect(bend).connect(this.#analyser).connect(this.context.destination);
  }

  async #running() {
    this.#make();
    if (this.context.state !== "running") await this.context.resume();
  }

  #key(preset, { pitch, velocity, hold, length }) {
    return `${preset.id}:${pitch}:${velocity}:${hold}:${length}`;
  }

  #cached(preset, note) {
    const key = this.#key(preset, note);
    const entry = this.#notes.get(key);
    if (!entry?.buffer) return null;
    this.#notes.delete(key); // the newest at the end: the oldest is forgotten first
    this.#notes.set(key, entry);
    return entry.buffer;
  }

  #fetched(preset, note, options = {}, ahead = false) {
    const key = this.#key(preset, note);
    const known = this.#notes.get(key);
    // What is being rendered ahead is asked for again once somebody waits: the server plays it once, but sooner.
    if (known && (known.buffer || ahead || !known.ahead)) return known.promise;
    const { pitch, velocity, hold, length } = note;
    const address = api.url(`/presets/${preset.id}/audio`, { pitch, velocity, hold, length, gain_db: ROOM_DB });
    const entry = { buffer: null, promise: null, ahead };
    entry.promise = this.buffer(address, options).then((buffer) => {
      this.#took.set(`${preset.synth} ${length}`, this.#rendered.get(buffer).ms);
      return this.#stored(key, entry, buffer);
    }, (error) => {
      if (this.#notes.get(key) === entry) this.#notes.delete(key);
      throw error;
    });
    this.#notes.set(key, entry);
    return entry.promise;
  }

  /** The first part of a note; null where the whole is about as soon there, or its gain, which only that tells, unknown. */
  #firstOf(preset, note) {
    const ms = this.#took.get(`${preset.synth} ${note.length}`) ?? 0;
    if (ms < CHEAP || preset.id !== this.current.id || this.current.gain === null) return null;
    const length = Number(Math.max(FIRST, Math.ceil(ms / 25) * 0.05).toFixed(2));
    return length <= note.length / 2 ? { ...note, length } : null;
  }

  #stored(key, entry, buffer) {
    if (this.#notes.get(key) !== entry) return buffer; // it was asked for again meanwhile
    entry.buffer = buffer;
    this.#bytes += sizeOf(buffer);
    for (const [old, { buffer: held }] of this.#notes) {
      if (this.#bytes < ROOM) break;
      if (!held || old === key) continue;
      this.#notes.delete(old);
      this.#bytes -= sizeOf(held);
    }
    return buffer;
  }

  #next(ahead) {
    while (ahead === this.#ahead && ahead.busy < 1 && ahead.queue.length) {
      const note = ahead.queue.shift();
      if (this.#notes.has(this.#key(ahead.preset, note))) continue;
      ahead.busy += 1;
      const options = { signal: ahead.abort.signal, headers: { "X-Ahead": "1" } };
      this.#fetched(ahead.preset, note, options, true).then(() => this.#tell("notes"), () => { ahead.queue = []; })
        .finally(() => {
          ahead.busy -= 1;
          this.#next(ahead);
        });
    }
  }

  #start(voice, buffer, { at, isFirst }) {
    const when = this.context.currentTime + SOON;
    Object.assign(voice, { buffer, started: when });
    voice.hops = [this.#source(buffer, { when, offset: 0, level: voice.gain })];
    if (isFirst) this.#endSoftly(voice, buffer);
    if (at !== null) this.#time(performance.now() - at + 1000 * SOON);
    if (voice.off !== null) this.#release(voice, voice.off);
  }

  /** Fetches the same note held for longer, if its key is still down. */
  #extend(voice) {
    voice.extend = setTimeout(() => {
      const { pitch, layer } = voice;
      this.#complete(voice, { pitch, velocity: layer, ...LONG });
    }, 1000 * SOONER);
  }

  /** Fetches a longer render of a note, which takes over if its key is still down. */
  async #complete(voice, note) {
    try {
      const buffer = await this.#fetched(voice.preset, note);
      const isLonger = note.length > voice.length;
      if (voice.down && !voice.dead && voice.started !== null && isLonger) this.#hop(voice, buffer, note.length);
    } catch {
      // The short render goes on to its own end; the next request says what is wrong.
    }
  }

  /** Has a first part end without a click, should the whole come too late; hop() takes this back. */
  #endSoftly(voice, buffer) {
    const [{ gain }] = voice.hops;
    gain.gain.setTargetAtTime(0, voice.started + buffer.duration - 4 * HOP, HOP / 4);
  }

  async #release(voice, held = this.context.currentTime - voice.started) {
    const hold = Math.max(STEP, Math.round(held / STEP) * STEP);
    if (hold >= LONG.hold) return;
    const { preset, pitch, layer } = voice;
    const note = { pitch, velocity: layer, hold: Number(hold.toFixed(2)), length: Number((hold + RELEASE).toFixed(2)) };
    const late = new Promise((resolve) => { setTimeout(resolve, 1000 * LATE, null); });
    const buffer = await Promise.race([this.#fetched(preset, note).catch(() => null), late]);
    if (voice.dead) return;
    if (buffer) this.#hop(voice, buffer);
    else for (const { gain } of voice.hops) gain.gain.setTargetAtTime(0, this.context.currentTime, FADE);
  }

  /** Goes on with another render of the same note at the same place. */
  #hop(voice, buffer, length = 0) {
    voice.length = length;
    const when = Math.max(this.context.currentTime + LATER, voice.started);
    for (const { gain, source } of voice.hops) {
      ramp(gain, 0, when);
      source.stop(when + 4 * HOP);
    }
    // Where one of the two was turned down so that it does not clip, both are as loud nevertheless.
    const level = voice.gain * linear(this.#rendered.get(voice.buffer).gain - this.#rendered.get(buffer).gain);
    voice.hops = [this.#source(buffer, { when, offset: when - voice.started, level, fade: true })];
  }

  #source(buffer, { when, offset, level, fade = false }) {
    const gain = new GainNode(this.context, { gain: fade ? 0 : level });
    const source = new AudioBufferSourceNode(this.context, { buffer });
    source.connect(gain).connect(this.#master);
    if (fade) ramp(gain, level, when);
    source.start(when, Math.min(offset, buffer.duration));
    source.addEventListener("ended", () => gain.disconnect());
    return { source, gain };
  }

  #loop(buffer, { start, seconds, level, heard }) {
    const whole = padded(this.context, buffer, seconds);
    const gain = new GainNode(this.context, { gain: 0 });
    const source = new AudioBufferSourceNode(this.context, { buffer: whole, loop: true });
    source.connect(gain).connect(this.#master);
    const now = this.context.currentTime;
    if (start >= now) source.start(start);
    else source.start(now, (now - start) % seconds);
    ramp(gain, heard ? level : 0);
    return { source, gain, level };
  }

  #end(pair) {
    for (const { source, gain } of Object.values(pair?.sources ?? {})) {
      ramp(gain, 0);
      source.stop(this.context.currentTime + 4 * HOP);
    }
  }

  #play(buffer, gainDb, { onEnd = () => {}, isFirst = false } = {}) {
    this.#endAb(); // not one that was asked for after this, and is still being fetched
    this.#silence(this.#single);
    const voice = { buffer, gain: linear(gainDb), started: this.context.currentTime + (isFirst ? SOON : 0) };
    voice.hops = [this.#source(buffer, { when: voice.started, offset: 0, level: voice.gain })];
    if (isFirst) this.#endSoftly(voice, buffer);
    voice.hops[0].source.addEventListener("ended", onEnd);
    this.#single = voice;
    return voice;
  }

  #silence(voice) {
    if (!voice) return;
    voice.dead = true;
    clearTimeout(voice.extend);
    for (const { gain, source } of voice.hops) {
      ramp(gain, 0);
      source.stop(this.context.currentTime + 4 * HOP);
    }
  }

  #limit() {
    while (this.#voices.size > VOICES) this.stopNote(this.#voices.keys().next().value);
  }

  #time(own) {
    this.#own = own;
    this.#tell("latency");
  }

  #tell(name) {
    this.dispatchEvent(new Event(name));
  }
}

/** Takes a gain to a value within a few milliseconds, from where it is then. */
function ramp(node, value, when = node.context.currentTime) {
  node.gain.cancelAndHoldAtTime?.(when);
  node.gain.setTargetAtTime(value, when, HOP / 4);
}

/** The velocity that is rendered for one that is played: the nearest layer. */
function layerOf(velocity) {
  return LAYERS.reduce((best, one) => (Math.abs(one - velocity) < Math.abs(best - velocity) ? one : best));
}

/** What is left of a velocity is loudness: 40 dB over the whole range, as the General MIDI sounds of many synths. */
function gainOf(velocity, layer) {
  return Math.min((Math.max(velocity, 1) / layer) ** 1.5, 2);
}

/** Keys around one, the nearest first. */
function around(pitch) {
  const keys = [pitch];
  for (let step = 1; step <= AHEAD; step += 1) keys.push(pitch + step, pitch - step);
  return keys;
}

function linear(db) {
  return 10 ** (db / 20);
}

function sizeOf(buffer) {
  return 4 * buffer.length * buffer.numberOfChannels;
}

/** A buffer with silence at its end, so that two of them loop in step. */
function padded(context, buffer, seconds) {
  const length = Math.round(seconds * buffer.sampleRate);
  const whole = context.createBuffer(buffer.numberOfChannels, length, buffer.sampleRate);
  for (let channel = 0; channel < buffer.numberOfChannels; channel += 1) {
    whole.copyToChannel(buffer.getChannelData(channel).subarray(0, length), channel);
  }
  return whole;
}

/** A curve that is straight up to 0.8 and bends to 1 from there. */
function bent() {
  const knee = 0.8;
  return Float32Array.from({ length: 4097 }, (_, i) => {
    const x = i / 2048 - 1;
    const size = Math.abs(x);
    return size <= knee ? x : Math.sign(x) * (knee + (1 - knee) * Math.tanh((size - knee) / (1 - knee)));
  });
}

export const engine = new Engine();
