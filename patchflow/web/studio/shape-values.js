// Parameters as numbers and as words: where a value lies between its ends, how it is written and read, what groups show.
//
// A parameter is what `/synths/{synth}` says of it: name, title, kind, low, high, log, power, unit, options, default.
// A place is how far a value lies between the ends, from 0 to 1, as the engine encodes it.

/** Returns whether a parameter is one of two options that say off and on. */
export function isSwitch(parameter) {
  if (parameter.kind !== "categorical" || parameter.options.length !== 2) return false;
  const [first, second] = parameter.options.map((option) => String(option).toLowerCase());
  return first === "off" && second === "on";
}

/** Returns how far a value lies between the ends of its parameter, from 0 to 1. */
export function placeOf(parameter, value) {
  if (parameter.kind === "categorical") {
    return parameter.options.indexOf(value) / Math.max(1, parameter.options.length - 1);
  }
  const { low, high } = parameter;
  if (high === low) return 0;
  if (parameter.log) return clamp(Math.log(value / low) / Math.log(high / low));
  return clamp((value - low) / (high - low)) ** (1 / (parameter.power || 1));
}

/** Returns the value at a place; whole numbers are rounded. */
export function valueAt(parameter, place) {
  const u = clamp(place);
  if (parameter.kind === "categorical") {
    return parameter.options[Math.round(u * (parameter.options.length - 1))];
  }
  const { low, high } = parameter;
  if (parameter.kind === "integer") return Math.round(low + u * (high - low));
  const value = parameter.log ? low * (high / low) ** u : low + u ** (parameter.power || 1) * (high - low);
  return Math.min(Math.max(value, low), high);
}

/** Returns a value moved by some steps: by whole numbers, or by hundredths of the way. */
export function moved(parameter, value, steps) {
  if (parameter.kind === "integer") {
    const whole = Math.abs(steps) < 1 ? Math.sign(steps) : Math.round(steps);
    return Math.min(Math.max(value + whole, parameter.low), parameter.high);
  }
  return valueAt(parameter, placeOf(parameter, value) + steps / 100);
}

/** Returns a value with its unit, short enough to stand under a knob. */
export function written(parameter, value) {
  if (typeof value !== "number") return String(value ?? "");
  if (parameter.kind === "integer") {
    const sign = parameter.low < 0 && value > 0 ? "+" : "";
    return `${sign}${value}${shortUnit(parameter.unit)}`;
  }
  if (parameter.unit === "s" && Math.abs(value) < 1) return `${digits(value * 1000)} ms`;
  if (parameter.unit === "Hz" && Math.abs(value) >= 1000) return `${digits(value / 1000)} kHz`;
  const sign = parameter.low < 0 && value > 0 ? "+" : "";
  return `${sign}${digits(value)}${shortUnit(parameter.unit)}`;
}

/** Returns the value that a text means, kept within the range; null if it means none. */
export function readValue(parameter, text) {
  const words = text.trim().toLowerCase().replace("−", "-").replace(",", ".");
  const found = /^([-+]?\d*\.?\d+(?:e[-+]?\d+)?)\s*([a-z%°]*)/.exec(words);
  if (!found) return null;
  let value = Number(found[1]);
  if (parameter.unit === "s" && found[2] === "ms") value /= 1000;
  if (parameter.unit === "Hz" && found[2].startsWith("k")) value *= 1000;
  if (parameter.kind === "integer") value = Math.round(value);
  return Math.min(Math.max(value, parameter.low), parameter.high);
}

/** Returns whether two values are the same to the eye: within a thousandth of the way. */
export function isSame(parameter, one, other) {
  if (one === undefined || other === undefined) return true;
  if (parameter.kind !== "continuous") return one === other;
  return Math.abs(placeOf(parameter, one) - placeOf(parameter, other)) < 0.001;
}

/** Returns the name of a parameter within its group: without the group, in words. */
export function nameInGroup(parameter, group) {
  let name = parameter.title && parameter.title !== parameter.name ? parameter.title : parameter.name;
  if (group && name.toLowerCase().startsWith(group.toLowerCase())) name = name.slice(group.length);
  name = name.replace(/^[._ ]+/, "");
  const words = (name || parameter.name).replace(/[._]+/g, " ").replace(/([a-z])(\d+)$/i, "$1 $2");
  return words[0].toUpperCase() + words.slice(1);
}

/** Returns a word as a title: op_1 is "Op 1". */
export function titled(word) {
  const spaced = String(word).replace(/[._]+/g, " ").replace(/([a-z])(\d+)$/i, "$1 $2").trim();
  if (!spaced) return "Main";
  const words = spaced.replace(/\b(lfo|eq|fx|eg|fm|vco|vcf|vca|adsr)\b/gi, (short) => short.toUpperCase());
  return words[0].toUpperCase() + words.slice(1);
}

const FAMILIES = [
  ["Operators", /^op ?_?\d*$/],
  ["Oscillators", /^(osc|oscillator|vco|dco|sample|noise|mixer)/],
  ["Filters", /^(filter|vcf|fx_?filter)/],
  ["Envelopes", /^(env|envelope|eg|adsr|amp)/],
  ["LFOs", /^(lfo|random|vibrato)/],
  ["Modulation", /^(mod|modulation|matrix)/],
  ["Effects", /^(chorus|compressor|delay|distortion|eq|flanger|phaser|reverb|fx|effect|echo)/],
];

/** Returns the sections of a panel: families of groups that musicians see as one, each with its groups in order. */
export function sectionsOf(panel) {
  const found = new Map();
  for (const group of panel) {
    const key = String(group.group || "").toLowerCase();
    const family = FAMILIES.find(([, pattern]) => pattern.test(key));
    const title = family ? family[0] : panel.length > 24 ? "More" : titled(group.title || key);
    if (!found.has(title)) found.set(title, []);
    found.get(title).push(group);
  }
  const named = ([title, groups]) => ({
    title: title === "More" && groups.length === 1 ? titled(groups[0].title || groups[0].group) : title,
    groups,
  });
  return joined([...found].map(named));
}

/** Puts small sections of one group together, so that a panel has few tabs. */
function joined(sections) {
  const isSmall = (one) => one.groups.length === 1 && one.groups[0].parameters.length < 9;
  const small = sections.filter(isSmall);
  if (small.length < 2) return sections;
  const kept = sections.filter((one) => !isSmall(one));
  if (!kept.length && small.length < 5) return [{ title: "All", groups: small.flatMap((one) => one.groups) }];
  const title = small.length < 4 ? small.map((one) => one.title).join(", ") : "Others";
  return [...kept, { title, groups: small.flatMap((one) => one.groups) }];
}

const STAGES = ["delay", "attack", "hold", "decay", "sustain", "release"];

/** Returns the envelopes of a group: parts in order, each of a time (or rate) and a level, by parameter. */
export function envelopesOf(parameters) {
  const byName = new Map(parameters.map((one) => [one.name, one]));
  const found = [];
  for (const parameter of parameters) {
    const prefix = /^(.*?)rate1$/.exec(parameter.name)?.[1];
    if (prefix === undefined || !byName.has(`${prefix}level4`)) continue;
    const part = (kind) => [1, 2, 3, 4].map((number) => byName.get(`${prefix}${kind}${number}`));
    found.push({ name: prefix.replace(/[._]+$/, ""), rates: part("rate"), levels: part("level") });
  }
  return [...found, ...adsr(parameters)];
}

function adsr(parameters) {
  const found = new Map();
  for (const parameter of parameters) {
    const match = /^(.*?)[._ ]?(attack|hold|decay|sustain|release)$/i.exec(parameter.name);
    if (!match || parameter.kind === "categorical") continue;
    const [, name, stage] = match;
    if (!found.has(name)) found.set(name, { name, stages: {} });
    found.get(name).stages[stage.toLowerCase()] = parameter;
  }
  const power = (one) => parameters.find((other) => other.name === `${one.name}.decay_power`);
  const whole = [...found.values()].filter((one) => one.stages.attack && (one.stages.decay || one.stages.release));
  return whole.filter((one) => one.stages.sustain || one.stages.release).map((one) => ({ ...one, power: power(one) }));
}

/** Returns the parameters that an envelope's curve shows and moves. */
export function shownByCurve(envelope) {
  if (envelope.rates) return [...envelope.rates, ...envelope.levels];
  return STAGES.map((stage) => envelope.stages[stage]).filter(Boolean);
}

/** Returns between which places each parameter of a preset may lie, as far as the match that found it can say.
 *
 * A search that has ended tells the spread of its good presets around the best; until then, and of another synth than the
 * best one's, the candidates themselves show it, if there are two or more. Empty where nothing is known.
 */
export function spreadOf(candidates, uncertainty, synth, panel) {
  const presets = candidates.map((one) => one.preset);
  const own = presets.filter((preset) => preset.synth === synth);
  const spread = new Map();
  for (const parameter of panel.flatMap((group) => group.parameters)) {
    const { name } = parameter;
    const places = own.map((preset) => placeOf(parameter, preset.values[name]));
    const varies = presets[0]?.synth === synth ? uncertainty?.[name] : undefined;
    if (Number.isFinite(varies)) spread.set(name, [clamp(places[0] - varies), clamp(places[0] + varies)]);
    else if (places.length > 1) spread.set(name, [Math.min(...places), Math.max(...places)]);
  }
  return spread;
}

export function clamp(value, low = 0, high = 1) {
  return Math.min(Math.max(value, low), high);
}

function digits(value) {
  const size = Math.abs(value);
  if (size >= 100) return value.toFixed(0);
  if (size >= 10) return value.toFixed(1);
  return size === 0 ? "0" : value.toFixed(2);
}

function shortUnit(unit) {
  if (!unit || unit.length > 5) return "";
  return unit === "%" || unit === "°" ? unit : ` ${unit}`;
}
