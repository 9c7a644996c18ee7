// A/B: the target and the current preset, looped in step and equally loud, whatever view is open.
//
// compare.flip() begins, or goes to the other side. When the current preset changes, it takes its place in the loop.

import { api } from "./api.js";
import { session } from "./session.js";
import { engine } from "./sound-engine.js";

const WINDOW = 0.4; // seconds
const MOST = 0.8; // of full scale: above, the engine bends

class Compare {
  #turn = 0;
  #asked = 0; // what `engine.ended` was when the newest start was asked for
  #wish = null; // the side that begins, while it is fetched

  constructor() {
    session.addEventListener("change", ({ detail }) => {
      if ((engine.comparing || this.waiting) && (detail.includes("preset") || detail.includes("part") || detail.includes("sound"))) {
        if (session.state.sound && session.state.preset) this.start(engine.comparing ? engine.side : this.#wish);
        else this.stop();
      }
    });
  }

  /** Whether there is something to compare. */
  get possible() {
    return Boolean(session.state.sound && session.state.preset);
  }

  flip() {
    // What is still being fetched begins on the other side: a key that is pressed twice flips once.
    if (!engine.comparing) return this.start(this.waiting && this.#wish === "target" ? "candidate" : "target");
    engine.flip();
    session.say(engine.side === "target" ? "Target" : "Candidate", "quiet");
    return null;
  }

  /** Whether both sounds are fetched, to begin as soon as they are there. */
  get waiting() {
    return this.#wish !== null && this.#asked === engine.ended;
  }

  /** Loops both, one side heard; the newest call wins. What ends A/B meanwhile ends it: a note, or Esc. */
  async start(side = "target") {
    const { sound, part, preset, candidates } = session.state;
    if (!sound || !preset) return;
    this.#turn += 1;
    const turn = this.#turn;
    const candidate = candidates.find((one) => one.preset.id === preset.id);
    this.#wait(side);
    try {
      const [target, made] = await Promise.all([targetBuffer(sound, part), engine.note(preset, noteOf(candidate))]);
      if (turn !== this.#turn || this.#asked !== engine.ended) return;
      const wanted = loudness(target) - loudness(made);
      // Both are lowered alike where one would be too loud to stay as it is.
      const over = Math.max(peak(target), peak(made) * 10 ** (wanted / 20)) / MOST;
      const less = over > 1 ? -20 * Math.log10(over) : 0;
      await engine.ab(target, made, { targetDb: less, candidateDb: wanted + less, side });
    } catch (error) {
      session.fail(error);
    } finally {
      if (turn === this.#turn) this.#wait(null);
    }
  }

  stop() {
    this.#turn += 1;
    this.#wait(null);
    engine.stopAb();
  }

  #wait(side) {
    this.#wish = side;
    this.#asked = engine.ended;
    engine.dispatchEvent(new Event("ab"));
  }
}

/** Returns the part of the target that is matched. */
export function targetBuffer(sound, part) {
  const { start, end } = bounds(sound, part);
  return engine.buffer(api.url(`/sounds/${sound.id}/audio`, { start, end }));
}

/** Where the target begins and ends, in seconds: as the user said, else as it was heard. */
export function bounds(sound, part) {
  return { start: part.start ?? sound.heard?.start ?? 0, end: part.end ?? sound.heard?.end ?? sound.seconds };
}

function noteOf(candidate) {
  return candidate?.note ?? session.state.note;
}

function peak(buffer) {
  let most = 0;
  for (let channel = 0; channel < buffer.numberOfChannels; channel += 1) {
    for (const sample of buffer.getChannelData(channel)) most = Math.max(most, Math.abs(sample));
  }
  return most;
}

/** How loud a sound is: as the server measured it, or the level of its loudest 0.4 s where it is too short for that. */
function loudness(buffer) {
  const measured = engine.loudnessOf(buffer);
  if (measured !== null) return measured;
  const samples = buffer.getChannelData(0);
  const size = Math.min(Math.round(WINDOW * buffer.sampleRate), samples.length);
  let most = 0;
  for (let start = 0; start + size <= samples.length; start += Math.max(1, size >> 2)) {
    let sum = 0;
    for (let i = start; i < start + size; i += 1) sum += samples[i] * samples[i];
    most = Math.max(most, sum / size);
  }
  return 10 * Math.log10(most || 1e-9);
}

export const compare = new Compare();
