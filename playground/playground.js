// The playground: any surface, any optimizer, its settings, its start; all of it in the address.
import { COLORS, Stage, short } from "./kit.js";
import { descend, optimizers, settingsOf } from "./optimizers.js";
import { surfaces } from "./surfaces.js";

const RANGES = {
  lr: { name: "learning rate", min: 1e-4, max: 3, log: true, step: 0.0025 },
  beta1: { name: "beta1, or momentum", min: 0, max: 0.999, step: 0.001 },
  beta2: { name: "beta2, or alpha", min: 0.5, max: 0.9999, step: 0.0001 },
  decay: { name: "weight decay", min: 0, max: 1, step: 0.01 },
  steps: { name: "steps", min: 1, max: 2000, step: 1 },
};
export const DEFAULTS = {
  surface: "himmelblau", optimizer: "Adam", start: [0.5, 4],
  lr: 0.1, beta1: 0.9, beta2: 0.999, decay: 0.1, steps: 300,
};

const inside = ({ domain }, point) => domain.every(([low, high], i) => point[i] >= low && point[i] <= high);

// Where a descent begins if nobody chose.
const home = (surface) => inside(surface, DEFAULTS.start)
  ? DEFAULTS.start
  : surface.domain.map(([low, high]) => low + 0.1 * (high - low));

// What an address asks for, and what of it cannot be had.
export function read(text) {
  const asked = new URLSearchParams(text);
  const setting = { ...DEFAULTS };
  const refused = [];
  for (const [key, value] of asked) {
    const numbers = value.split(",").map((part) => (part.trim() === "" ? NaN : Number(part)));
    const { min, max } = Object.hasOwn(RANGES, key) ? RANGES[key] : {};
    if (key === "surface" && Object.hasOwn(surfaces, value)) setting.surface = value;
    else if (key === "optimizer" && Object.hasOwn(optimizers, value)) setting.optimizer = value;
    else if (key === "start" && numbers.length === 2) setting.start = numbers;
    else if (numbers[0] >= min && numbers[0] <= max && numbers.length === 1) {
      setting[key] = key === "steps" ? Math.round(numbers[0]) : numbers[0];
    } else refused.push(`${key}=${value}`);
  }
  const surface = surfaces[setting.surface];
  if (!inside(surface, setting.start)) {
    if (setting.start !== DEFAULTS.start) refused.push(`start=${asked.getAll("start").at(-1)}`);
    setting.start = home(surface);
  }
  return { setting, refused };
}

export function write(setting) {
  return new URLSearchParams({ ...setting, start: setting.start.join(",") }).toString();
}

// Where a path ends, in words.
export function ending({ setting, path, surface }) {
  const end = path.at(-1);
  const steps = path.length - 1;
  const far = (point) => Math.hypot(...point) > 1e6;
  if (far(end)) return `It leaves for infinity: after ${path.findIndex(far)} steps it is more than a million away.`;
  const near = surface.minima.find((m) => Math.hypot(m[0] - end[0], m[1] - end[1]) < 0.1);
  const slope = Math.hypot(...surface.gradient(...end));
  let where = `not at a minimum${slope < 1e-6 ? ", though no slope is left" : ""}`;
  if (near) where = `${slope < 0.01 ? "at" : "near"} the minimum (${near.map(short).join(", ")})`;
  if (steps < setting.steps) where += ". The Hessian has no inverse here: there is no next step";
  return `After ${steps} steps it is at (${end.map(short).join(", ")}), value ${short(surface.value(...end))}: ${where}.`;
}

export default function play(host) {
  const width = Math.min(760, host.clientWidth || 640);
  const { setting, refused } = read(location.search);
  let drawn;
  let waiting;

  const show = () => {
    const surface = surfaces[setting.surface];
    const path = descend(surface, setting.start, setting.optimizer, setting, setting.steps);
    const { plane, chart } = drawn;
    plane.clear();
    surface.minima.forEach((minimum) => plane.mark(minimum, "☆"));
    plane.line(path, 1, { "stroke-dasharray": "" });
    if (path.length < 400) plane.dots(path, 1, 2);
    plane.mark(path.at(-1), "■", { fill: COLORS[1] });
    chart.clear();
    const floor = Math.min(...surface.minima.map((m) => surface.value(...m)));
    const above = path.map((point, k) => [k, Math.max(surface.value(...point) - floor, 1e-16)]);
    chart.line(above.slice(1), 1, { "stroke-dasharray": "" });
    drawn.stage.say(ending({ setting, path, surface }));
    host.state = { ...setting, end: path.at(-1), length: path.length };
    // A browser allows few changes of the address.
    clearTimeout(waiting);
    waiting = setTimeout(() => history.replaceState(null, "", `?${write(setting)}`), 200);
  };

  const build = () => {
    host.replaceChildren();
    const surface = surfaces[setting.surface];
    const stage = new Stage(host, { width, height: Math.min(width, 430) + 240, label: "A descent on a surface" });
    const half = Math.min(width, 430);
    const [xlim, ylim] = surface.domain;
    const plane = stage.axes({ box: [0, 0, width, half], xlim, ylim, xlabel: "x", ylabel: "y", equal: true });
    plane.shade(surface.value);
    const labels = { xlabel: "step", ylabel: "value above the lowest minimum" };
    const chart = stage.axes({ box: [0, half, width, 240], xlim: [1, 2000], ylim: [1e-16, 1e6], logx: true, logy: true, ...labels });
    stage.svg.after(stage.told);
    drawn = { stage, plane, chart };
    plane.handle(setting.start, "Start", (start) => {
      setting.start = start.map((value) => Number(value.toPrecision(4)));
      show();
    });
    stage.choice("surface", Object.keys(surfaces), setting.surface, (name) => {
      setting.surface = name;
      if (!inside(surfaces[name], setting.start)) setting.start = home(surfaces[name]);
      rebuild("surface");
    });
    stage.choice("optimizer", Object.keys(optimizers), setting.optimizer, (name) => {
      setting.optimizer = name;
      rebuild("optimizer");
    });
    [...settingsOf[setting.optimizer], "steps"].forEach((key) => {
      const { name, ...range } = RANGES[key];
      stage.slider(name, { ...range, value: setting[key], show: String }, (value) => {
        setting[key] = value;
        show();
      });
    });
    show();
  };

  // Draw anew what the choice changed, and leave the focus where it was.
  const rebuild = (name) => {
    build();
    const labels = [...host.querySelectorAll("label")];
    labels.find((label) => label.textContent.startsWith(name))?.querySelector("select").focus();
  };

  build();
  if (refused.length) {
    const notice = document.createElement("p");
    notice.className = "live-notice";
    notice.setAttribute("role", "status");
    notice.textContent = `The address asked for what is not here (${refused.slice(0, 3).join(", ")}); the rest of it is shown.`;
    host.prepend(notice);
  }
}
