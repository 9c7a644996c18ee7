// What a map shows: presets with places, categories, tags, attributes, neighbours; which of them pass filter and search.
//
// `write_map` of the Python package writes it into the page as JSON; long columns are numbers in base64. A page that has
// them as arrays of numbers gives these.

const CELLS = 96; // of the grid in which points are looked for, along each side
const LETTERS = /[\p{M}]/gu;

/** Returns the bytes of base64. */
export function bytesOf(text) {
  const letters = atob(text);
  const bytes = new Uint8Array(letters.length);
  for (let i = 0; i < letters.length; i += 1) bytes[i] = letters.charCodeAt(i);
  return bytes;
}

/** Returns text as a search compares it: small letters without accents. */
export function folded(text) {
  return text.normalize("NFKD").replace(LETTERS, "").toLowerCase();
}

/** Returns a column of numbers: in base64, or as it is. */
function column(given, Kind) {
  return typeof given === "string" ? new Kind(bytesOf(given).buffer) : given;
}

/** The presets of a map, in columns: index i is the same preset everywhere. */
export class MapData {
  constructor(given) {
    this.given = given;
    this.count = given.names.length;
    this.names = given.names;
    this.numbers = given.numbers;
    this.places = column(given.places, Float32Array);
    this.measures = given.measures;
    this.near = column(given.near, Uint32Array);
    this.nearCount = this.count ? this.near.length / this.count : 0;
    this.fields = this.#fields();
    this.values = this.#values();
    this.ranks = new Map(); // of the attributes that were asked for
    this.byName = this.#sortedByName();
    this.words = this.names.map((name, i) => folded([name, ...this.labelsOf(i)].join(" ")));
    this.filters = new Map(); // of a field, the values that may be shown; of an attribute, the range of ranks
    this.query = "";
    this.shown = new Uint8Array(this.count).fill(1);
    this.shownCount = this.count;
    this.#sortIntoCells();
  }

  /** Returns all labels of a preset, for a search. */
  labelsOf(i) {
    return [this.fields.synth, this.fields.category, this.fields.tag, this.fields.author]
      .flatMap((field) => field.of(i).map((value) => field.names[value]));
  }

  /** Returns an attribute of a preset in its unit, NaN where there is none. */
  value(i, m) {
    return this.values[i * this.measures.length + m];
  }

  /** Returns an attribute as people read it; octaves as what they are octaves of. */
  text(i, m) {
    const { unit, shown } = this.measures[m];
    const value = this.value(i, m);
    if (Number.isNaN(value)) return "not measured";
    if (unit !== "octaves") return `${value.toFixed(1)} ${shown}`;
    const natural = 2 ** value;
    const digits = Math.max(0, 2 - Math.floor(Math.log10(natural)));
    return `${natural.toFixed(Math.min(digits, 6))} ${shown}`;
  }

  /** Shows only what has one of some values of a field; all of them if there are none. */
  filter(name, values) {
    if (values.size) this.filters.set(name, values);
    else this.filters.delete(name);
    this.#show();
  }

  /** Shows only what lies in a part of the range of an attribute, as shares of all presets. */
  filterRange(m, low, high) {
    if (low > 0 || high < 1) this.filters.set(m, [low, high]);
    else this.filters.delete(m);
    this.#show();
  }

  search(text) {
    this.query = text;
    this.#show();
  }

  /** Calls back with every preset of a rectangle, in units of the places. */
  within([left, bottom, right, top], call) {
    const [fromX, fromY] = this.#cell(left, bottom);
    const [toX, toY] = this.#cell(right, top);
    for (let y = fromY; y <= toY; y += 1) {
      const row = y * CELLS;
      for (let at = this.starts[row + fromX]; at < this.starts[row + toX + 1]; at += 1) {
        const i = this.ordered[at];
        const px = this.places[2 * i];
        const py = this.places[2 * i + 1];
        if (px >= left && px <= right && py >= bottom && py <= top) call(i, px, py);
      }
    }
  }

  /** Returns the shown preset that is nearest to a place, -1 if there is none within a distance. */
  nearest(x, y, distance) {
    let best = -1;
    let least = distance * distance;
    this.within([x - distance, y - distance, x + distance, y + distance], (i, px, py) => {
      const far = (px - x) ** 2 + (py - y) ** 2;
      if (this.shown[i] && far <= least) {
        best = i;
        least = far;
      }
    });
    return best;
  }

  /** Returns the next shown preset into a direction, as an arrow key means it; -1 if there is none. */
  beyond(from, dx, dy) {
    let best = -1;
    let least = Infinity;
    const x = this.places[2 * from];
    const y = this.places[2 * from + 1];
    for (let i = 0; i < this.count; i += 1) {
      if (!this.shown[i] || i === from) continue;
      const right = this.places[2 * i] - x;
      const up = this.places[2 * i + 1] - y;
      const along = right * dx + up * dy;
      const aside = Math.abs(right * dy - up * dx);
      if (along <= 1e-9 || aside > along) continue;
      const far = along + 2 * aside;
      if (far < least) {
        best = i;
        least = far;
      }
    }
    return best;
  }

  /** Returns the rectangle around all presets, or around those that are shown. */
  bounds(onlyShown = false) {
    const found = [Infinity, Infinity, -Infinity, -Infinity];
    for (let i = 0; i < this.count; i += 1) {
      if (onlyShown && !this.shown[i]) continue;
      found[0] = Math.min(found[0], this.places[2 * i]);
      found[1] = Math.min(found[1], this.places[2 * i + 1]);
      found[2] = Math.max(found[2], this.places[2 * i]);
      found[3] = Math.max(found[3], this.places[2 * i + 1]);
    }
    return found[0] <= found[2] ? found : [-1, -1, 1, 1];
  }

  #fields() {
    const one = (names, codes) => {
      const values = column(codes, Uint16Array);
      return { names, of: (i) => [values[i]], first: (i) => values[i] };
    };
    const { synths, categories, tags, authors } = this.given;
    const lists = tags.of;
    const fields = {
      category: one(categories.names, categories.of),
      synth: one(synths.names, synths.of),
      author: one(authors.names, authors.of),
      tag: { names: tags.names, of: (i) => lists[i], first: (i) => lists[i][0] ?? -1 },
    };
    for (const field of Object.values(fields)) {
      field.counts = new Array(field.names.length).fill(0);
      for (let i = 0; i < this.count; i += 1) for (const value of field.of(i)) field.counts[value] += 1;
    }
    return fields;
  }

  #values() {
    if (typeof this.given.values !== "string") return this.given.values;
    const steps = column(this.given.values, Uint16Array);
    const wide = this.measures.length;
    return Float32Array.from(steps, (step, at) => {
      const { least, most } = this.measures[at % wide];
      return step === 65535 ? NaN : least + ((most - least) * step) / 65534;
    });
  }

  /** Returns for each preset the share of presets with less of an attribute: by it colours and filters spread evenly. */
  ranksOf(m) {
    if (!this.ranks.has(m)) this.ranks.set(m, this.#ranked(m));
    return this.ranks.get(m);
  }

  /** Returns the same for one preset, without sorting all. */
  rank(i, m) {
    const value = this.value(i, m);
    if (Number.isNaN(value)) return NaN;
    let less = 0;
    let known = 0;
    for (let other = 0; other < this.count; other += 1) {
      less += this.value(other, m) < value;
      known += !Number.isNaN(this.value(other, m));
    }
    return less / Math.max(1, known - 1);
  }

  #ranked(m) {
    const known = [];
    for (let i = 0; i < this.count; i += 1) if (!Number.isNaN(this.value(i, m))) known.push(i);
    known.sort((a, b) => this.value(a, m) - this.value(b, m));
    const ranks = new Float32Array(this.count).fill(NaN);
    known.forEach((i, place) => {
      const before = place && this.value(known[place - 1], m) === this.value(i, m);
      ranks[i] = before ? ranks[known[place - 1]] : place / Math.max(1, known.length - 1);
    });
    return ranks;
  }

  /** All presets by name, as people look them up: what is no letter in front does not count, and no name is last. */
  #sortedByName() {
    const keys = this.names.map((name) => folded(name).replace(/^[^\p{L}\p{N}]+/u, ""));
    const compare = (a, b) => (keys[a] < keys[b] ? -1 : keys[a] > keys[b] ? 1 : a - b);
    return [...keys.keys()].sort((a, b) => !keys[a] - !keys[b] || compare(a, b));
  }

  #show() {
    const words = folded(this.query).split(/\s+/).filter(Boolean);
    const number = this.query.trim();
    const tests = [...this.filters].map(([name, wanted]) => {
      if (typeof name === "number") {
        const ranks = this.ranksOf(name);
        return (i) => ranks[i] >= wanted[0] && ranks[i] <= wanted[1];
      }
      return (i) => this.fields[name].of(i).some((value) => wanted.has(value));
    });
    this.shownCount = 0;
    for (let i = 0; i < this.count; i += 1) {
      const found = words.every((word) => this.words[i].includes(word)) || this.numbers[i] === number;
      this.shown[i] = found && tests.every((test) => test(i)) ? 1 : 0;
      this.shownCount += this.shown[i];
    }
  }

  #sortIntoCells() {
    this.box = this.bounds();
    this.starts = new Uint32Array(CELLS * CELLS + 1);
    const cells = new Uint32Array(this.count);
    for (let i = 0; i < this.count; i += 1) {
      const [x, y] = this.#cell(this.places[2 * i], this.places[2 * i + 1]);
      cells[i] = y * CELLS + x;
      this.starts[cells[i] + 1] += 1;
    }
    for (let cell = 0; cell < CELLS * CELLS; cell += 1) this.starts[cell + 1] += this.starts[cell];
    const next = this.starts.slice();
    this.ordered = new Uint32Array(this.count);
    for (let i = 0; i < this.count; i += 1) {
      this.ordered[next[cells[i]]] = i;
      next[cells[i]] += 1;
    }
  }

  #cell(x, y) {
    const [left, bottom, right, top] = this.box;
    const place = (value, low, high) => {
      const share = (value - low) / (high - low || 1);
      return Math.min(CELLS - 1, Math.max(0, Math.floor(share * CELLS)));
    };
    return [place(x, left, right), place(y, bottom, top)];
  }
}
