// How loud and how high a stretch of samples is: for the meter, and for tests that measure what sounds.

const LOW_HZ = 40;
const HIGH_HZ = 2500;
const SILENT = 1e-4;
const CLEAR = 0.8; // of the autocorrelation, for there to be a pitch at all

/** Returns {rms, peak, pitch}: levels from 0 to 1, pitch in Hz or null where there is none. */
export function measured(samples, rate) {
  let [sum, peak] = [0, 0];
  for (const sample of samples) {
    sum += sample * sample;
    peak = Math.max(peak, Math.abs(sample));
  }
  const rms = Math.sqrt(sum / samples.length);
  return { rms, peak, pitch: rms < SILENT ? null : pitchOf(samples, rate) };
}

/** The pitch by autocorrelation: the first lag that is nearly as good as the best one. */
function pitchOf(samples, rate) {
  const [first, last] = [Math.floor(rate / HIGH_HZ), Math.min(Math.ceil(rate / LOW_HZ), samples.length / 2)];
  const likeness = [];
  for (let lag = first; lag <= last; lag += 1) likeness.push(likenessAt(samples, lag));
  const best = Math.max(...likeness);
  if (best < CLEAR) return null;
  const at = likeness.findIndex((value, i) => value > 0.95 * best && value >= (likeness[i + 1] ?? 0)
    && value >= (likeness[i - 1] ?? 0));
  if (at < 0) return null;
  const [left, middle, right] = [likeness[at - 1] ?? likeness[at], likeness[at], likeness[at + 1] ?? likeness[at]];
  const bow = left - 2 * middle + right;
  return rate / (first + at + (bow ? (left - right) / (2 * bow) : 0));
}

function likenessAt(samples, lag) {
  let [product, here, there] = [0, 0, 0];
  const count = samples.length / 2;
  for (let i = 0; i < count; i += 1) {
    product += samples[i] * samples[i + lag];
    here += samples[i] * samples[i];
    there += samples[i + lag] * samples[i + lag];
  }
  return product / (Math.sqrt(here * there) || 1);
}
