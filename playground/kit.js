// What every live figure is made of: axes, shades, paths, handles, and controls that a keyboard and
// a screen reader can use. Drawing only; the arithmetic stands in other modules.

const SVG = "http://www.w3.org/2000/svg";
export const COLORS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00"];
export const DASHES = ["", "7 3", "9 3 2 3", "2 3", "12 4"];

export function element(name, attributes = {}, parent = undefined, text = "") {
  const made = document.createElementNS(SVG, name);
  const { style = "", ...plain } = attributes;
  Object.entries(plain).forEach(([key, value]) => made.setAttribute(key, value));
  if (style) made.style.cssText = style; // an attribute of that name may be forbidden by the page
  made.textContent = text;
  parent?.append(made);
  return made;
}

function html(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

export function short(number) {
  if (!Number.isFinite(number)) return "no number";
  const size = Math.abs(number);
  const rounded = Number(number.toPrecision(3));
  return size && (size < 1e-3 || size >= 1e5) ? rounded.toExponential() : String(rounded);
}

// Far outside a box a coordinate says nothing, and a browser draws large ones badly.
const bound = (value) => Math.max(-1e4, Math.min(1e4, value || 0)).toFixed(1);

// A number beside an axis: 1e-6 is written as a power of ten.
function written(value) {
  const raised = (digit) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(digit)];
  return short(value).replace(/^1e\+?(.+)/, (_, power) => 10 + power.replace(/./g, raised));
}

// Round numbers for about four ticks of an axis.
function ticks([low, high], log) {
  if (log) {
    const first = Math.ceil(Math.log10(low) - 1e-9);
    const count = Math.floor(Math.log10(high) + 1e-9) - first + 1;
    const every = Math.ceil(count / 5);
    return Array.from({ length: Math.ceil(count / every) }, (_, k) => 10 ** (first + k * every));
  }
  const rough = (high - low) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const size = [1, 2, 5, 10].find((factor) => factor * power >= rough) * power;
  const first = Math.ceil(low / size - 1e-9);
  const count = Math.floor(high / size + 1e-9) - first + 1;
  return Array.from({ length: count }, (_, k) => (first + k) * size);
}

const share = (value, [low, high], log) =>
  log ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low);
const blues = (level) => [0.42, 0.62, 0.82].map((dark, c) => dark + (1 - dark) * level ** (c === 2 ? 1 : 0.8));

// Axes in a box of a drawing: where a value stands, and what can be drawn there.
export class Axes {
  constructor(drawing, { box, xlim, ylim, xlabel = "", ylabel = "", logx = false, logy = false, equal = false }) {
    Object.assign(this, { drawing, xlim, ylim, logx, logy });
    const [left, top, width, height] = box;
    const margin = Math.max(44, ...ticks(ylim, logy).map((value) => 24 + 6.5 * written(value).length));
    this.box = [left + margin, top + 8, width - margin - 10, height - 46];
    if (equal) {
      const [l, t, w, h] = this.box;
      const scale = Math.min(w / (xlim[1] - xlim[0]), h / (ylim[1] - ylim[0]));
      const [wide, high] = [scale * (xlim[1] - xlim[0]), scale * (ylim[1] - ylim[0])];
      this.box = [l + (w - wide) / 2, t + (h - high) / 2, wide, high];
    }
    this.group = element("g", {}, drawing.svg);
    this.back = element("g", {}, this.group);
    this.frame = element("g", { class: "axes" }, this.group);
    const id = `clip-${Math.random().toString(36).slice(2)}`;
    const [l, t, w, h] = this.box;
    element("rect", { x: l, y: t, width: w, height: h }, element("clipPath", { id }, this.group));
    this.inside = element("g", { "clip-path": `url(#${id})` }, this.group);
    this.front = element("g", {}, this.group);
    this.label(xlabel, ylabel, margin);
  }

  label(xlabel, ylabel, margin) {
    const [l, t, w, h] = this.box;
    const { frame } = this;
    element("rect", { x: l, y: t, width: w, height: h, class: "frame" }, frame);
    ticks(this.xlim, this.logx).forEach((value) => {
      element("line", { x1: this.x(value), x2: this.x(value), y1: t + h, y2: t + h + 4 }, frame);
      element("text", { x: this.x(value), y: t + h + 16, "text-anchor": "middle" }, frame, written(value));
    });
    ticks(this.ylim, this.logy).forEach((value) => {
      element("line", { x1: l - 4, x2: l, y1: this.y(value), y2: this.y(value) }, frame);
      element("text", { x: l - 6, y: this.y(value) + 4, "text-anchor": "end" }, frame, written(value));
    });
    element("text", { x: l + w / 2, y: t + h + 32, "text-anchor": "middle" }, frame, xlabel);
    const turned = { transform: `translate(${l - margin + 10} ${t + h / 2}) rotate(-90)` };
    element("text", { ...turned, "text-anchor": "middle" }, frame, ylabel);
  }

  x(value) {
    return this.box[0] + this.box[2] * share(value, this.xlim, this.logx);
  }

  y(value) {
    return this.box[1] + this.box[3] * (1 - share(value, this.ylim, this.logy));
  }

  // The values at a place of the screen, as a pointer event tells it.
  at({ clientX, clientY }) {
    const { x, y } = new DOMPoint(clientX, clientY).matrixTransform(this.drawing.svg.getScreenCTM().inverse());
    const [right, up] = [(x - this.box[0]) / this.box[2], 1 - (y - this.box[1]) / this.box[3]];
    const value = ([low, high], share, log) =>
      log ? low * (high / low) ** share : low + share * (high - low);
    return [value(this.xlim, right, this.logx), value(this.ylim, up, this.logy)];
  }

  // Shade the box by a function of the plane: each of twelve shades covers the same area.
  shade(value, cells = 90, paint = blues) {
    const canvas = html("canvas", { width: cells, height: cells });
    const heights = Array.from({ length: cells * cells }, (_, k) => {
      const [i, j] = [(k % cells) + 0.5, Math.floor(k / cells) + 0.5];
      const x = this.xlim[0] + (i / cells) * (this.xlim[1] - this.xlim[0]);
      return value(x, this.ylim[1] - (j / cells) * (this.ylim[1] - this.ylim[0]));
    });
    const sorted = heights.filter(Number.isFinite).sort((a, b) => a - b);
    const levels = Array.from({ length: 11 }, (_, k) => sorted[Math.floor(((k + 1) / 12) * sorted.length)]);
    const context = canvas.getContext("2d");
    const image = context.createImageData(cells, cells);
    heights.forEach((height, k) => {
      const level = levels.filter((limit) => height > limit).length / 11;
      image.data.set([...paint(level).map((part) => 255 * part), 255], 4 * k);
    });
    context.putImageData(image, 0, 0);
    this.back.replaceChildren();
    const [l, t, w, h] = this.box;
    const fill = { x: l, y: t, width: w, height: h, preserveAspectRatio: "none" };
    element("image", { ...fill, href: canvas.toDataURL() }, this.back);
  }

  clear() {
    this.inside.replaceChildren();
  }

  line(points, number = 0, attributes = {}) {
    const inBox = points.filter((p) => p.every(Number.isFinite));
    const path = inBox.map(([x, y]) => `${bound(this.x(x))},${bound(this.y(y))}`).join(" ");
    const look = { stroke: COLORS[number], "stroke-dasharray": DASHES[number], class: "curve" };
    return element("polyline", { points: path, ...look, ...attributes }, this.inside);
  }

  dots(points, number = 0, size = 2.5) {
    const circles = points.map(([x, y]) => {
      const [right, down] = [this.x(x), this.y(y)];
      return Math.abs(right) < 1e4 && Math.abs(down) < 1e4
        ? `M${right.toFixed(1)},${down.toFixed(1)}m-${size},0a${size},${size} 0 1,0 ${2 * size},0a${size},${size} 0 1,0 -${2 * size},0`
        : "";
    });
    return element("path", { d: circles.join(""), fill: COLORS[number] }, this.inside);
  }

  mark([x, y], text, attributes = {}) {
    const place = { x: bound(this.x(x)), y: bound(this.y(y)), dy: "0.35em" };
    return element("text", { ...place, "text-anchor": "middle", class: "mark", ...attributes }, this.inside, text);
  }

  // A point to be dragged, or moved by the arrows; `moved` hears where it is.
  handle(point, name, moved) {
    const look = { class: "handle", tabindex: 0, role: "slider", "aria-label": `${name}, both ways by the arrow keys` };
    const [low, high] = this.xlim;
    const group = element("g", { ...look, "aria-valuemin": low, "aria-valuemax": high }, this.front);
    element("circle", { r: 22, class: "reach" }, group);
    element("circle", { r: 7, class: "knob" }, group);
    const put = (values) => {
      point = [this.xlim, this.ylim].map(([low, high], i) => Math.max(low, Math.min(high, values[i])));
      group.setAttribute("transform", `translate(${this.x(point[0])} ${this.y(point[1])})`);
      group.setAttribute("aria-valuenow", point[0].toPrecision(3));
      group.setAttribute("aria-valuetext", point.map(short).join(", "));
    };
    const move = (values) => {
      put(values);
      moved(point);
    };
    let grip;
    // In some browsers a finger would scroll the page.
    group.addEventListener("touchstart", (event) => event.preventDefault(), { passive: false });
    group.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      const { x, y, width, height } = group.getBoundingClientRect();
      grip = [x + width / 2 - event.clientX, y + height / 2 - event.clientY];
      group.focus();
      group.setPointerCapture(event.pointerId);
    });
    group.addEventListener("pointermove", (event) => {
      if (!group.hasPointerCapture(event.pointerId)) return;
      move(this.at({ clientX: event.clientX + grip[0], clientY: event.clientY + grip[1] }));
    });
    group.addEventListener("keydown", (event) => {
      const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowDown: [0, -1], ArrowUp: [0, 1] }[event.key];
      if (!way) return;
      event.preventDefault();
      const size = event.shiftKey ? 0.1 : 0.01;
      const spans = [this.xlim, this.ylim].map(([low, high]) => size * (high - low));
      move(point.map((value, i) => value + way[i] * spans[i]));
    });
    put(point);
    return { put };
  }
}

// The place of a live figure: a drawing, controls below it, and a line that says what happened.
export class Stage {
  constructor(host, { width = 640, height = 420, label }) {
    Object.assign(this, { width, height });
    this.svg = element("svg", { viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": label });
    this.controls = html("div", { className: "live-controls" });
    this.told = html("p", { className: "live-told", ariaHidden: "true" });
    this.heard = html("p", { className: "live-heard", role: "status" });
    host.append(this.svg, this.controls, this.told, this.heard);
  }

  axes(options) {
    return new Axes(this, { box: [0, 0, this.width, this.height], ...options });
  }

  // Say what happened: at once for the eye, and for the ear when the hand rests.
  say(text) {
    this.told.textContent = text;
    // What stands below moves down once, not up and down.
    const height = this.told.offsetHeight;
    if (height) this.told.style.minHeight = `${height}px`;
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => (this.heard.textContent = text), 250);
  }

  // The names of the lines, each with its color and its dashes, or of marks.
  legend(names, marks = []) {
    const list = html("ul", { className: "live-legend" });
    names.forEach((name, number) => {
      const sample = element("svg", { width: 36, height: 12, "aria-hidden": "true" });
      const look = { stroke: COLORS[number], "stroke-dasharray": DASHES[number], "stroke-width": 2.5 };
      if (marks[number]) element("text", { x: 18, y: 12, "text-anchor": "middle", fill: COLORS[number], class: "mark" }, sample, marks[number]);
      else element("line", { x1: 0, x2: 36, y1: 6, y2: 6, ...look }, sample);
      list.append(html("li", {}, sample, ` ${name}`));
    });
    this.controls.before(list);
  }

  slider(name, { min, max, value, step = undefined, log = false, show = short }, moved) {
    const [low, high] = log ? [Math.log10(min), Math.log10(max)] : [min, max];
    const place = (number) => (log ? Math.log10(number) : number);
    const bounds = { min: low, max: high + 1e-9 }; // rounding must not keep the last step away
    const input = html("input", { type: "range", ...bounds, step: step ?? (high - low) / 200 });
    const output = html("output");
    const read = () => (log ? Number((10 ** input.value).toPrecision(3)) : Number(input.value));
    const tell = (number) => {
      output.textContent = show(number);
      input.setAttribute("aria-valuetext", show(number));
    };
    input.value = place(value);
    tell(value);
    input.addEventListener("input", () => {
      tell(read());
      moved(read());
    });
    this.controls.append(html("label", {}, html("span", {}, `${name} `, output), input));
    return { set: (number) => { input.value = place(number); tell(number); } };
  }

  choice(name, options, value, moved) {
    const select = html("select");
    options.forEach((option) => select.append(html("option", { value: option, textContent: option })));
    select.value = value;
    select.addEventListener("change", () => moved(select.value));
    this.controls.append(html("label", {}, html("span", {}, name), select));
    return { set: (option) => (select.value = option) };
  }

  button(name, pressed) {
    const button = html("button", { type: "button", textContent: name });
    button.addEventListener("click", pressed);
    this.controls.append(button);
    return button;
  }
}
