// The picture of a map: points by WebGL, or by a plain canvas where there is none; names, rings and a lasso above them.

const NEAR = 20; // pixels within which a point is meant
const WIDEST = 4000; // times that one may zoom in
const LABELS = 140; // names at once, at most
const CONSIDERED = 700; // points in sight; where there are more, names would hide them
const LINE = 18; // pixels from one name to the next below it
const GLIDE = 180; // milliseconds of a jump

const VERTEX = `#version 300 es
in vec2 place; in vec4 tint; uniform vec2 centre; uniform vec2 scale; uniform float size; out vec4 colour;
void main() {
  gl_Position = vec4((place - centre) * scale, 0.0, 1.0);
  gl_PointSize = tint.a < 0.25 ? max(1.5, size * 0.6) : size;
  colour = tint;
}`;
const FRAGMENT = `#version 300 es
precision highp float; in vec4 colour; uniform float size; out vec4 shown;
void main() {
  float far = length(gl_PointCoord - 0.5) * 2.0;
  float inside = 1.0 - smoothstep(1.0 - 2.5 / max(size, 3.0), 1.0, far);
  float lit = 1.0 + 0.22 * (1.0 - far) * step(5.0, size);
  float part = colour.a * inside;
  shown = vec4(min(colour.rgb * lit, 1.0) * part, part);
}`;

/** Draws points by WebGL. Colours are bytes: red, green, blue and how opaque, four a point. */
class FastPoints {
  constructor(canvas) {
    this.gl = canvas.getContext("webgl2", { antialias: false, premultipliedAlpha: true, alpha: true });
    if (!this.gl) throw new Error("no WebGL");
    this.canvas = canvas;
    this.#prepare();
  }

  #prepare() {
    const { gl } = this;
    const program = gl.createProgram();
    for (const [kind, text] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
      const shader = gl.createShader(kind);
      gl.shaderSource(shader, text);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
    }
    gl.linkProgram(program);
    if (!gl.getProgramParameter(program, gl.LINK_STATUS)) throw new Error(gl.getProgramInfoLog(program) || "no WebGL");
    gl.useProgram(program);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    this.spots = { place: gl.getAttribLocation(program, "place"), tint: gl.getAttribLocation(program, "tint") };
    this.uniforms = {};
    for (const name of ["centre", "scale", "size"]) this.uniforms[name] = gl.getUniformLocation(program, name);
    this.buffers = { place: gl.createBuffer(), tint: gl.createBuffer(), order: gl.createBuffer() };
  }

  set(places, tints, order) {
    const { gl, buffers, spots } = this;
    gl.bindBuffer(gl.ARRAY_BUFFER, buffers.place);
    gl.bufferData(gl.ARRAY_BUFFER, places, gl.STATIC_DRAW);
    gl.enableVertexAttribArray(spots.place);
    gl.vertexAttribPointer(spots.place, 2, gl.FLOAT, false, 0, 0);
    gl.bindBuffer(gl.ARRAY_BUFFER, buffers.tint);
    gl.bufferData(gl.ARRAY_BUFFER, tints, gl.DYNAMIC_DRAW);
    gl.enableVertexAttribArray(spots.tint);
    gl.vertexAttribPointer(spots.tint, 4, gl.UNSIGNED_BYTE, true, 0, 0);
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, buffers.order);
    gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, order, gl.DYNAMIC_DRAW);
    this.count = order.length;
  }

  draw(view, size, ratio) {
    const { gl, uniforms, canvas } = this;
    gl.viewport(0, 0, canvas.width, canvas.height);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
    gl.uniform2f(uniforms.centre, view.x, view.y);
    gl.uniform2f(uniforms.scale, (2 * view.scale) / view.width, (2 * view.scale) / view.height);
    gl.uniform1f(uniforms.size, (size + 1) * ratio); // the soft edge of a disc takes a pixel
    gl.drawElements(gl.POINTS, this.count, gl.UNSIGNED_INT, 0);
  }
}

/** Draws points on a plain canvas, pixel by pixel: thirty thousand calls for small discs would take far longer. */
class PlainPoints {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d", { willReadFrequently: true });
  }

  set(places, tints, order) {
    Object.assign(this, { places, tints, order });
  }

  draw(view, size, ratio) {
    const { width, height } = this.canvas;
    const fits = this.image?.width === width && this.image.height === height;
    if (!fits) this.image = this.context.createImageData(width, height);
    this.image.data.fill(0);
    const scale = view.scale * ratio;
    const stamps = [disc(size * ratio), disc(Math.max(1.5, size * 0.6) * ratio)];
    for (const i of this.order) {
      const stamp = stamps[this.tints[4 * i + 3] < 64 ? 1 : 0];
      const x = Math.round(width / 2 + (this.places[2 * i] - view.x) * scale);
      const y = Math.round(height / 2 - (this.places[2 * i + 1] - view.y) * scale);
      const { reach } = stamp;
      if (x >= reach && y >= reach && x < width - reach && y < height - reach) this.#put(stamp, x, y, 4 * i);
    }
    this.context.putImageData(this.image, 0, 0);
  }

  #put({ across, down, part }, x, y, tint) {
    const { data, width } = this.image;
    const { tints } = this;
    for (let k = 0; k < part.length; k += 1) {
      const at = 4 * ((y + down[k]) * width + x + across[k]);
      const above = (part[k] * tints[tint + 3]) / 255;
      const below = (data[at + 3] / 255) * (1 - above);
      const whole = above + below;
      for (let c = 0; c < 3; c += 1) data[at + c] = (tints[tint + c] * above + data[at + c] * below) / whole;
      data[at + 3] = 255 * whole;
    }
  }
}

/** The pixels of a disc around its middle, and how far each is inside. */
function disc(wide) {
  const reach = Math.ceil(wide / 2);
  const found = { reach, across: [], down: [], part: [] };
  for (let dy = -reach; dy <= reach; dy += 1) {
    for (let dx = -reach; dx <= reach; dx += 1) {
      const part = Math.min(1, wide / 2 + 0.5 - Math.hypot(dx, dy));
      if (part <= 0) continue;
      found.across.push(dx);
      found.down.push(dy);
      found.part.push(part);
    }
  }
  return found;
}

/** The picture and the gestures on it. It calls `hover(i)`, `choose(i, event)`, `drawn(list, adds)` and `moved()`. */
export class MapView {
  constructor(stage, points, above, data, calls, plain = false) {
    this.stage = stage;
    this.points = points;
    this.above = above;
    this.data = data;
    this.calls = calls;
    this.context = above.getContext("2d");
    this.drawer = this.#drawer(plain);
    this.view = { x: 0, y: 0, scale: 1, width: 1, height: 1 };
    this.hovered = -1;
    this.chosen = -1;
    this.picked = new Set();
    this.pulse = null;
    this.marks = []; // places beside those of presets: {x, y, text, colour}
    this.labels = [];
    this.lasso = null;
    this.lassoMode = false;
    this.pointers = new Map();
    this.frames = 0; // drawn so far, for those who measure
    this.fitScale = 1;
    this.look = {};
    this.#listen();
    this.watcher = new ResizeObserver(() => this.#resize());
    this.watcher.observe(stage);
  }

  /** Ends it: nothing is watched or drawn any more. */
  close() {
    this.watcher.disconnect();
    clearTimeout(this.settling);
    cancelAnimationFrame(this.waiting);
    this.goal = null;
  }

  get fast() {
    return this.drawer instanceof FastPoints;
  }

  /** Takes over colours: of the points, four bytes each, and of what is above them; `layers` says what is on top. */
  paint(tints, layers, look) {
    this.tints = tints;
    this.look = look;
    const order = new Uint32Array(this.data.count);
    let at = 0;
    for (const wanted of [0, 1, 2]) {
      for (let i = 0; i < order.length; i += 1) {
        if (layers[i] !== wanted) continue;
        order[at] = i;
        at += 1;
      }
    }
    this.drawer.set(this.data.places, tints, order);
    this.#settle(0);
    this.draw();
  }

  draw() {
    if (this.waiting) return;
    this.waiting = requestAnimationFrame(() => {
      this.waiting = 0;
      this.#draw();
    });
  }

  /** Moves so that a rectangle of places fills the picture. */
  fit([left, bottom, right, top], glide = true) {
    const { width, height } = this.view;
    const wide = Math.max(right - left, 1e-3);
    const high = Math.max(top - bottom, 1e-3);
    const room = 0.86;
    const scale = Math.min((room * width) / wide, (room * height) / high);
    this.go({ x: (left + right) / 2, y: (bottom + top) / 2, scale }, glide);
  }

  home(glide = true) {
    this.fit(this.data.box, glide);
  }

  /** Glides to a view, or jumps for those who want less motion. */
  go(to, glide = true) {
    const from = { ...this.view };
    const until = { ...from, ...to, scale: this.#limited(to.scale ?? from.scale) };
    this.goal = until;
    if (!glide || matchMedia("(prefers-reduced-motion: reduce)").matches) return this.#set(until);
    const begun = performance.now();
    const step = (now) => {
      if (this.goal !== until) return;
      const share = Math.min(1, Math.max(0, now - begun) / GLIDE);
      const eased = 1 - (1 - share) ** 3;
      const scale = from.scale * (until.scale / from.scale) ** eased;
      // the place at the centre of the zoom stays where it is: positions follow the scale, not the clock
      const mixed = Math.abs(until.scale / from.scale - 1) > 0.01
        ? (1 / from.scale - 1 / scale) / (1 / from.scale - 1 / until.scale)
        : eased;
      this.#set({ ...until, scale, x: from.x + (until.x - from.x) * mixed, y: from.y + (until.y - from.y) * mixed });
      if (share < 1) requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  }

  /** Zooms by a factor, so that a pixel of the picture stays where it is; its centre if none is given. */
  zoom(factor, px = this.view.width / 2, py = this.view.height / 2, glide = false) {
    const base = glide && this.goal ? this.goal : this.view;
    const scale = this.#limited(base.scale * factor);
    const dx = px - this.view.width / 2;
    const dy = py - this.view.height / 2;
    const x = base.x + dx / base.scale - dx / scale;
    const y = base.y - dy / base.scale + dy / scale;
    this.go({ x, y, scale }, glide);
  }

  pan(dx, dy, glide = false) {
    const base = glide && this.goal ? this.goal : this.view;
    this.go({ x: base.x - dx / base.scale, y: base.y + dy / base.scale }, glide);
  }

  /** Moves just so far that a preset is well within the picture. */
  reveal(i) {
    const [x, y] = this.pixel(i);
    const { width, height } = this.view;
    const edge = Math.min(width, height) * 0.12;
    const over = (value, size) => Math.min(0, value - edge) + Math.max(0, value - (size - edge));
    const dx = over(x, width);
    const dy = over(y, height);
    if (dx || dy) this.pan(-dx, -dy, true);
  }

  /** Where a preset is in the picture, in pixels. */
  pixel(i) {
    const { places } = this.data;
    return this.#pixelOf(places[2 * i], places[2 * i + 1]);
  }

  #pixelOf(px, py) {
    const { x, y, scale, width, height } = this.view;
    return [width / 2 + (px - x) * scale, height / 2 - (py - y) * scale];
  }

  /** The place below a pixel. */
  place(px, py) {
    const { x, y, scale, width, height } = this.view;
    return [x + (px - width / 2) / scale, y - (py - height / 2) / scale];
  }

  /** Returns the shown presets in sight. */
  inSight() {
    const { width, height } = this.view;
    const [left, top] = this.place(0, 0);
    const [right, bottom] = this.place(width, height);
    const found = [];
    this.data.within([left, bottom, right, top], (i) => this.data.shown[i] && found.push(i));
    return found;
  }

  /** Lets a ring run around a preset for as long as its sound lasts. */
  sounding(i, seconds) {
    this.pulse = seconds > 0 ? { i, from: performance.now(), to: performance.now() + 1000 * seconds } : null;
    this.draw();
  }

  #drawer(plain) {
    if (!plain) {
      try {
        return new FastPoints(this.points);
      } catch {
        // A canvas that was once asked for WebGL gives nothing else: the plain way needs a new one.
        const fresh = this.points.cloneNode();
        this.points.replaceWith(fresh);
        this.points = fresh;
      }
    }
    return new PlainPoints(this.points);
  }

  #limited(scale) {
    return Math.min(this.fitScale * WIDEST, Math.max(this.fitScale * 0.4, scale));
  }

  #set(view) {
    this.view = { ...view, width: this.view.width, height: this.view.height };
    this.#settle();
    this.calls.moved?.();
    this.draw();
  }

  /** Names are chosen anew when the picture has come to rest: in between they move along. */
  #settle(delay = 90) {
    clearTimeout(this.settling);
    this.settling = setTimeout(() => {
      this.labels = this.#choose();
      this.draw();
    }, delay);
  }

  #choose() {
    const seen = this.inSight();
    if (seen.length > CONSIDERED) return [];
    const { width, height } = this.view;
    // In an order that has nothing to do with places, so that names are everywhere; the same one every time.
    const mixed = (i) => Math.imul(i + 1, 0x9e3779b1) >>> 0;
    seen.sort((a, b) => this.picked.has(b) - this.picked.has(a) || mixed(a) - mixed(b));
    const taken = new Map();
    const found = [];
    for (const i of seen) {
      const [x, y] = this.pixel(i);
      const wide = 7 * cut(this.data.names[i]).length + this.size + 14;
      if (!this.data.names[i] || x < 4 || x + wide > width || y < 10 || y > height - 10) continue;
      const row = Math.floor(y / LINE);
      const beside = [row - 1, row, row + 1].flatMap((near) => taken.get(near) ?? []);
      if (beside.some((one) => Math.abs(one.y - y) < LINE && one.x < x + wide && x < one.x + one.wide)) continue;
      if (!taken.has(row)) taken.set(row, []);
      taken.get(row).push({ x, y, wide });
      found.push(i);
      if (found.length === LABELS) break;
    }
    return found;
  }

  #resize() {
    const { width, height } = this.stage.getBoundingClientRect();
    if (!width || !height) return;
    const first = this.view.width === 1;
    this.ratio = Math.min(devicePixelRatio || 1, 2);
    for (const canvas of [this.points, this.above]) {
      canvas.width = Math.round(width * this.ratio);
      canvas.height = Math.round(height * this.ratio);
    }
    this.view = { ...this.view, width, height };
    const [left, bottom, right, top] = this.data.box;
    const wide = Math.max(right - left, 1e-3);
    const high = Math.max(top - bottom, 1e-3);
    this.fitScale = Math.min((0.86 * width) / wide, (0.86 * height) / high);
    if (this.data.count < 2) this.fitScale = Math.min(width, height) / 4;
    if (first) this.home(false);
    this.#settle(0);
    // At once, not with the next frame: a canvas is empty after a change of its size.
    if (this.tints) this.#draw();
  }

  get size() {
    const { width, height, scale } = this.view;
    const room = Math.sqrt((width * height) / Math.max(1, this.data.count));
    const base = Math.min(9, Math.max(2.6, room * 0.42));
    return Math.min(22, base * Math.max(0.8, scale / this.fitScale) ** 0.34);
  }

  #draw() {
    this.frames += 1;
    if (!this.tints) return;
    this.drawer.draw(this.view, this.size, this.ratio);
    const { context, look, view } = this;
    context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    const ringed = Math.max(this.chosen, this.hovered) >= 0;
    const used = ringed || this.labels.length || this.picked.size || this.lasso || this.pulse || this.marks.length;
    if (!used && !this.marked) return; // an empty canvas need not be painted again
    this.marked = used;
    context.clearRect(0, 0, view.width, view.height);
    this.#drawPicked();
    this.#drawNames();
    if (this.lasso) this.#drawLasso();
    if (this.chosen >= 0) this.#ring(this.chosen, this.size / 2 + 5, look.accent, 2.5);
    if (this.hovered >= 0) this.#ring(this.hovered, this.size / 2 + 3.5, look.ink, 1.8);
    for (const mark of this.marks) this.#drawMark(mark);
    this.#drawPulse();
  }

  /** Draws a diamond with a text at a place. */
  #drawMark({ x, y, text, colour }) {
    const { context, look } = this;
    const [px, py] = this.#pixelOf(x, y);
    const reach = this.size / 2 + 6;
    context.beginPath();
    context.moveTo(px, py - reach);
    context.lineTo(px + reach, py);
    context.lineTo(px, py + reach);
    context.lineTo(px - reach, py);
    context.closePath();
    context.lineWidth = 5;
    context.strokeStyle = look.ground;
    context.stroke();
    context.lineWidth = 2.4;
    context.strokeStyle = colour;
    context.stroke();
    if (!text) return;
    context.font = "600 12px system-ui, sans-serif";
    context.textBaseline = "middle";
    context.lineWidth = 4;
    context.strokeStyle = look.ground;
    context.strokeText(text, px + reach + 5, py);
    context.fillStyle = colour;
    context.fillText(text, px + reach + 5, py);
  }

  #ring(i, radius, colour, line) {
    const { context } = this;
    const [x, y] = this.pixel(i);
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    context.lineWidth = line + 2;
    context.strokeStyle = this.look.ground;
    context.stroke();
    context.lineWidth = line;
    context.strokeStyle = colour;
    context.stroke();
  }

  #drawPicked() {
    if (!this.picked.size) return;
    const { context, look, view } = this;
    context.strokeStyle = look.accent;
    context.lineWidth = 1.4;
    context.globalAlpha = Math.max(0.3, Math.min(1, 20 / Math.sqrt(this.picked.size))); // thousands would hide all else
    context.beginPath();
    const radius = this.size / 2 + 1.6;
    for (const i of this.picked) {
      const [x, y] = this.pixel(i);
      if (x < -9 || y < -9 || x > view.width + 9 || y > view.height + 9) continue;
      context.moveTo(x + radius, y);
      context.arc(x, y, radius, 0, 2 * Math.PI);
    }
    context.stroke();
    context.globalAlpha = 1;
  }

  #drawNames() {
    const { context, look } = this;
    context.font = "12px system-ui, sans-serif";
    context.textBaseline = "middle";
    context.lineJoin = "round";
    const write = (i, text, colour) => {
      const [x, y] = this.pixel(i);
      const at = x + this.size / 2 + 5;
      context.lineWidth = 3.5;
      context.strokeStyle = look.ground;
      context.strokeText(text, at, y);
      context.fillStyle = colour;
      context.fillText(text, at, y);
    };
    for (const i of this.labels) {
      if (this.data.shown[i] && i !== this.hovered && i !== this.chosen) write(i, cut(this.data.names[i]), look.quiet);
    }
    if (this.chosen >= 0) {
      context.font = "600 13px system-ui, sans-serif";
      write(this.chosen, cut(this.data.names[this.chosen]), look.ink);
    }
  }

  #drawLasso() {
    const { context, look } = this;
    context.beginPath();
    this.lasso.path.forEach(([x, y], at) => (at ? context.lineTo(x, y) : context.moveTo(x, y)));
    context.closePath();
    context.globalAlpha = 0.14;
    context.fillStyle = look.accent;
    context.fill();
    context.globalAlpha = 1;
    context.setLineDash([6, 4]);
    context.lineWidth = 1.8;
    context.strokeStyle = look.accent;
    context.stroke();
    context.setLineDash([]);
  }

  #drawPulse() {
    if (!this.pulse) return;
    const now = performance.now();
    const { i, from, to } = this.pulse;
    if (now > to) {
      this.pulse = null;
      return;
    }
    const { context, look } = this;
    const [x, y] = this.pixel(i);
    const share = (now - from) / (to - from);
    context.beginPath();
    context.arc(x, y, this.size / 2 + 9, -Math.PI / 2, -Math.PI / 2 + 2 * Math.PI * share);
    context.lineWidth = 3;
    context.lineCap = "round";
    context.strokeStyle = look.accent;
    context.stroke();
    this.draw();
  }

  #listen() {
    const { stage } = this;
    stage.addEventListener("pointerdown", (event) => this.#down(event));
    stage.addEventListener("pointermove", (event) => this.#move(event));
    for (const name of ["pointerup", "pointercancel"]) stage.addEventListener(name, (event) => this.#up(event));
    stage.addEventListener("pointerleave", () => this.#over(-1));
    stage.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    stage.addEventListener("dblclick", (event) => {
      this.zoom(event.shiftKey ? 0.5 : 2, ...this.#at(event), true);
    });
  }

  #at(event) {
    const { left, top } = this.stage.getBoundingClientRect();
    return [event.clientX - left, event.clientY - top];
  }

  #down(event) {
    if (event.button > 0) return;
    this.stage.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, this.#at(event));
    this.goal = null;
    this.dragged = false;
    if (this.pointers.size > 1) this.lasso = null;
    else if (event.shiftKey || this.lassoMode) this.lasso = { path: [this.#at(event)] };
  }

  #move(event) {
    const at = this.#at(event);
    const before = this.pointers.get(event.pointerId);
    if (!before) {
      if (event.pointerType !== "touch") this.#over(this.#meant(at));
      return;
    }
    if (!this.dragged && Math.hypot(at[0] - before[0], at[1] - before[1]) < 4) return;
    this.dragged = true;
    if (this.pointers.size === 2) this.#pinch(event.pointerId, before, at);
    else if (this.lasso) this.lasso.path.push(at);
    else this.pan(at[0] - before[0], at[1] - before[1]);
    this.pointers.set(event.pointerId, at);
    this.draw();
  }

  #pinch(id, before, at) {
    const [other] = [...this.pointers].filter(([key]) => key !== id).map(([, place]) => place);
    const middle = (one) => [(one[0] + other[0]) / 2, (one[1] + other[1]) / 2];
    const apart = (one) => Math.hypot(one[0] - other[0], one[1] - other[1]) || 1;
    const [from, to] = [middle(before), middle(at)];
    this.pan(to[0] - from[0], to[1] - from[1]);
    this.zoom(apart(at) / apart(before), ...to);
  }

  #up(event) {
    if (!this.pointers.delete(event.pointerId)) return;
    const { lasso } = this;
    this.lasso = null;
    if (lasso && this.dragged) this.calls.drawn(this.#inside(lasso.path), event.ctrlKey || event.metaKey);
    else if (!this.dragged && event.type === "pointerup") this.calls.choose(this.#meant(this.#at(event)), event);
    if (!this.pointers.size) this.dragged = false;
    this.draw();
  }

  #wheel(event) {
    event.preventDefault();
    const lines = event.deltaMode === 1 ? 16 : 1;
    const amount = Math.max(-120, Math.min(120, event.deltaY * lines));
    this.zoom(2 ** (-amount / (event.ctrlKey ? 60 : 220)), ...this.#at(event));
  }

  #meant([px, py]) {
    return this.data.nearest(...this.place(px, py), NEAR / this.view.scale);
  }

  #over(i) {
    if (i === this.hovered) return;
    this.hovered = i;
    this.calls.hover(i);
    this.draw();
  }

  /** The shown presets inside a path of pixels. */
  #inside(path) {
    const corners = path.map(([x, y]) => this.place(x, y));
    const xs = corners.map(([x]) => x);
    const ys = corners.map(([, y]) => y);
    const found = [];
    this.data.within([Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)], (i, x, y) => {
      if (this.data.shown[i] && encloses(corners, x, y)) found.push(i);
    });
    return found;
  }
}

function encloses(corners, x, y) {
  let inside = false;
  for (let at = 0, last = corners.length - 1; at < corners.length; last = at, at += 1) {
    const [ax, ay] = corners[at];
    const [bx, by] = corners[last];
    if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) inside = !inside;
  }
  return inside;
}

function cut(name) {
  return name.length > 22 ? `${name.slice(0, 21)}…` : name;
}
