// Records from the microphone, without what browsers do to speech, as a WAV file: `const recorder = new Recorder()`.
//
// await recorder.start(); recorder.level is from 0 to 1; const file = recorder.stop(). Samples come from an AudioWorklet.

import { engine } from "./sound-engine.js";

export const LONGEST = 30; // seconds
const AS_IT_IS = { echoCancellation: false, noiseSuppression: false, autoGainControl: false, channelCount: 1 };

export class Recorder extends EventTarget {
  level = 0;
  seconds = 0;
  #chunks = [];
  #stream = null;
  #node = null;
  #source = null;

  /** Asks for the microphone and begins. Raises what the browser says if it is refused. */
  async start() {
    if (!navigator.mediaDevices?.getUserMedia) {
      throw new Error("Recording needs a page of this machine (127.0.0.1) or one with https.");
    }
    this.#stream = await navigator.mediaDevices.getUserMedia({ audio: AS_IT_IS });
    const context = await engine.ready();
    await context.audioWorklet.addModule(new URL("./recorder-worklet.js", import.meta.url));
    this.rate = context.sampleRate;
    this.#source = new MediaStreamAudioSourceNode(context, { mediaStream: this.#stream });
    this.#node = new AudioWorkletNode(context, "pf-recorder", { numberOfOutputs: 0 });
    this.#node.port.onmessage = ({ data }) => this.#take(data);
    this.#source.connect(this.#node);
  }

  /** Ends; returns a WAV file of 16 bits. */
  stop() {
    this.#source?.disconnect();
    this.#node?.port.close();
    for (const track of this.#stream?.getTracks() ?? []) track.stop();
    const samples = new Float32Array(this.#chunks.reduce((sum, chunk) => sum + chunk.length, 0));
    let at = 0;
    for (const chunk of this.#chunks) {
      samples.set(chunk, at);
      at += chunk.length;
    }
    return new File([wav(samples, this.rate)], recordedName(), { type: "audio/wav" });
  }

  #take(chunk) {
    this.#chunks.push(chunk);
    this.seconds += chunk.length / this.rate;
    const peak = chunk.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
    this.level = Math.max(peak, 0.85 * this.level);
    this.dispatchEvent(new Event(this.seconds < LONGEST ? "level" : "full"));
  }
}

/** Returns samples as a WAV file. */
function wav(samples, rate) {
  const bytes = new DataView(new ArrayBuffer(44 + 2 * samples.length));
  const text = (at, letters) => [...letters].forEach((letter, i) => bytes.setUint8(at + i, letter.charCodeAt(0)));
  text(0, "RIFF");
  bytes.setUint32(4, 36 + 2 * samples.length, true);
  text(8, "WAVEfmt ");
  bytes.setUint32(16, 16, true);
  bytes.setUint16(20, 1, true);
  bytes.setUint16(22, 1, true);
  bytes.setUint32(24, rate, true);
  bytes.setUint32(28, 2 * rate, true);
  bytes.setUint16(32, 2, true);
  bytes.setUint16(34, 16, true);
  text(36, "data");
  bytes.setUint32(40, 2 * samples.length, true);
  samples.forEach((sample, i) => bytes.setInt16(44 + 2 * i, Math.round(32767 * Math.min(Math.max(sample, -1), 1)), true));
  return bytes;
}

function recordedName() {
  const now = new Date();
  const two = (value) => String(value).padStart(2, "0");
  return `recording-${two(now.getHours())}${two(now.getMinutes())}${two(now.getSeconds())}.wav`;
}
