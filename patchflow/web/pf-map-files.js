// What leaves a map: sounds that are heard, preset files and banks that are saved, texts that are copied.

import { bytesOf } from "./pf-map-data.js";

const FADE = 0.012; // seconds, so that a sound that is cut off does not click
const KEPT = 256; // decoded sounds

/** Plays the sounds of a map: those inside the page, or files of a folder beside it. */
export class MapSounds {
  constructor(given, text) {
    this.own = new Int32Array(bytesOf(given.of).buffer); // number of its sound, or of the one like it
    this.presets = new Uint32Array(bytesOf(given.presets).buffer); // whose each sound is
    this.starts = given.starts ? new Uint32Array(bytesOf(given.starts).buffer) : null;
    this.files = given.files;
    this.rate = given.rate;
    this.text = text;
    this.on = true;
    this.decoded = new Map();
    this.context = null;
    this.playing = null;
  }

  get any() {
    return this.presets.length > 0;
  }

  /** Whether a gesture has allowed the page to make sound: browsers ask for one. */
  get allowed() {
    return this.files ? Boolean(navigator.userActivation?.hasBeenActive ?? true) : this.context?.state === "running";
  }

  /** Makes ready to be heard, in a gesture. */
  async wake() {
    if (this.files || !this.any) return;
    this.context ??= new AudioContext();
    await this.context.resume();
  }

  /** Whose sound is heard for a preset, -1 if none. */
  heardFor(i) {
    return this.own[i] < 0 ? -1 : this.presets[this.own[i]];
  }

  stop() {
    const { playing } = this;
    this.playing = null;
    if (!playing) return;
    if (playing.pause) return playing.pause();
    const now = this.context.currentTime;
    playing.gain.gain.setTargetAtTime(0, now, FADE / 3);
    playing.source.stop(now + 2 * FADE);
  }

  /** Plays what is heard for a preset; returns its length in seconds, 0 if there is nothing or nothing may be heard. */
  async play(i) {
    this.stop();
    const number = this.own[i];
    if (!this.on || number < 0 || !this.allowed) return 0;
    const wanted = (this.wanted = Symbol("sound"));
    if (this.files) return this.#playFile(this.files[number]);
    const buffer = await this.buffer(number);
    if (this.wanted !== wanted || !this.on) return 0; // another one was asked for meanwhile
    this.stop();
    const gain = this.context.createGain();
    const source = this.context.createBufferSource();
    source.buffer = buffer;
    source.connect(gain).connect(this.context.destination);
    source.start();
    this.playing = { gain, source };
    return buffer.duration;
  }

  /** Returns a decoded sound of the page. */
  async buffer(number) {
    const known = this.decoded.get(number);
    if (known) return known;
    // Decoded without the context that plays: browsers let that one begin only after a gesture.
    this.decoder ??= new OfflineAudioContext(1, 1, this.rate);
    const data = bytesOf(this.text.slice(this.starts[number], this.starts[number + 1])).buffer;
    const buffer = await this.decoder.decodeAudioData(data);
    this.decoded.set(number, buffer);
    if (this.decoded.size > KEPT) this.decoded.delete(this.decoded.keys().next().value);
    return buffer;
  }

  async #playFile(file) {
    const audio = new Audio(file);
    this.playing = audio;
    try {
      await audio.play();
    } catch (error) {
      if (error.name !== "AbortError") throw new Error(`${decodeURIComponent(file)} cannot be played`);
    }
    return Number.isFinite(audio.duration) ? audio.duration : 1;
  }
}

/** The preset files of a map. */
export class MapPresets {
  constructor(given, text) {
    this.endings = given.endings; // by synth
    this.starts = new Uint32Array(bytesOf(given.starts).buffer);
    this.text = text;
  }

  has(i) {
    return this.starts[i + 1] > this.starts[i];
  }

  /** Returns the content of a preset's file. */
  async bytes(i) {
    const packed = new Blob([bytesOf(this.text.slice(this.starts[i], this.starts[i + 1]))]);
    const stream = packed.stream().pipeThrough(new DecompressionStream("deflate"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  }
}

/** Returns a name that a file can have on every system. */
export function fileName(name, otherwise = "preset") {
  const plain = name.replace(/[\p{C}<>:"/\\|?*]/gu, "_").trim().replace(/[. ]+$/, "").slice(0, 80);
  return /^(con|prn|aux|nul|com\d|lpt\d)?$/i.test(plain) ? `${otherwise}${plain && `-${plain}`}` : plain;
}

/** Saves bytes as a file of the reader's. */
export function save(name, bytes, type = "application/octet-stream") {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([bytes], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** Copies a text; returns whether that worked. */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Some browsers keep the clipboard from pages that are files: there the old way is left.
    const area = document.createElement("textarea");
    area.value = text;
    area.style.position = "fixed";
    area.style.opacity = "0";
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}

/** Returns a zip archive, not compressed, of files by name. */
export function zip(files) {
  const parts = [];
  const directory = [];
  let at = 0;
  for (const [name, bytes] of files) {
    const label = new TextEncoder().encode(name);
    const head = new DataView(new ArrayBuffer(30));
    head.setUint32(0, 0x04034b50, true);
    head.setUint16(4, 20, true);
    head.setUint16(6, 0x0800, true); // names are UTF-8
    head.setUint16(12, 0x21, true); // the first day of 1980: when it was made is nobody's business
    head.setUint32(14, crc32(bytes), true);
    head.setUint32(18, bytes.length, true);
    head.setUint32(22, bytes.length, true);
    head.setUint16(26, label.length, true);
    parts.push(new Uint8Array(head.buffer), label, bytes);
    const entry = new DataView(new ArrayBuffer(46));
    entry.setUint32(0, 0x02014b50, true);
    entry.setUint16(4, 20, true);
    new Uint8Array(entry.buffer).set(new Uint8Array(head.buffer, 4, 26), 6);
    entry.setUint32(42, at, true);
    directory.push(new Uint8Array(entry.buffer), label);
    at += 30 + label.length + bytes.length;
  }
  const size = directory.reduce((sum, part) => sum + part.length, 0);
  const end = new DataView(new ArrayBuffer(22));
  end.setUint32(0, 0x06054b50, true);
  end.setUint16(8, files.length, true);
  end.setUint16(10, files.length, true);
  end.setUint32(12, size, true);
  end.setUint32(16, at, true);
  return joined([...parts, ...directory, new Uint8Array(end.buffer)]);
}

/** Formats that hold several presets in one file: from the files of single ones to those of banks, one or more. */
export const BANKS = { ".syx": dx7Bank };

const VOICES = 32;

// Of each operator: byte, bit, then where its packed bytes take it from; what is not named is a byte of its own.
function packedOperator(plain) {
  const packed = new Uint8Array(17);
  packed.set(plain.subarray(0, 11));
  packed[11] = plain[11] | (plain[12] << 2); // curves
  packed[12] = plain[13] | (plain[20] << 3); // rate scaling, detune
  packed[13] = plain[14] | (plain[15] << 2); // amp mod, velocity
  packed[14] = plain[16]; // output
  packed[15] = plain[17] | (plain[18] << 1); // mode, coarse
  packed[16] = plain[19]; // fine
  return packed;
}

function packedVoice(plain) {
  const packed = new Uint8Array(128);
  for (let n = 0; n < 6; n += 1) packed.set(packedOperator(plain.subarray(21 * n, 21 * n + 21)), 17 * n);
  packed.set(plain.subarray(126, 135), 102); // pitch envelope, algorithm
  packed[111] = plain[135] | (plain[136] << 3); // feedback, oscillator sync
  packed.set(plain.subarray(137, 141), 112); // LFO
  packed[116] = plain[141] | (plain[142] << 1) | (plain[143] << 4); // LFO sync, wave, pitch mod
  packed.set(plain.subarray(144, 155), 117); // transpose, name
  return packed;
}

/** Returns DX7 banks of 32 voices, the last filled up, from dumps of single voices (163 bytes each). */
function dx7Bank(dumps, filler) {
  const voices = dumps.map((dump) => packedVoice(dump.subarray(6, 161)));
  while (voices.length % VOICES) voices.push(packedVoice(filler.subarray(6, 161)));
  const banks = [];
  for (let first = 0; first < voices.length; first += VOICES) {
    const body = joined(voices.slice(first, first + VOICES));
    const sum = body.reduce((total, byte) => total + byte, 0);
    banks.push(joined([Uint8Array.of(0xf0, 0x43, 0x00, 0x09, 0x20, 0x00), body, Uint8Array.of(-sum & 0x7f, 0xf7)]));
  }
  return banks; // a file each: Dexed reads no more than the first bank of a file
}

function joined(parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function crc32(bytes) {
  let sum = ~0;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit += 1) sum = (sum >>> 1) ^ (0xedb88320 & -(sum & 1));
  }
  return ~sum >>> 0;
}
