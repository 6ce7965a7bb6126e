// The playground: any surface, any optimizer, its settings, its start; all of it in the address.
import { COLORS, Stage, short } from "./kit.js";
import { descend, optimizers, settingsOf } from "./optimizers.js";
import { surfaces } from "./surfaces.js";

const RANGES = {
  lr: { name: "learning rate", min: 1e-4, max: 3, log: true },
  beta1: { name: "beta1, or momentum", min: 0, max: 0.999 },
  beta2: { name: "beta2, or alpha", min: 0.5, max: 0.9999 },
  decay: { name: "weight decay", min: 0, max: 1 },
  steps: { name: "steps", min: 1, max: 2000, step: 1 },
};
export const DEFAULTS = {
  surface: "himmelblau", optimizer: "Adam", start: [0.5, 4],
  lr: 0.1, beta1: 0.9, beta2: 0.999, decay: 0.1, steps: 300,
};

// What an address asks for, and what of it cannot be had.
export function read(text) {
  const asked = new URLSearchParams(text);
  const setting = { ...DEFAULTS };
  const refused = [];
  for (const [key, value] of asked) {
    const number = value.trim() === "" ? NaN : Number(value);
    if (key === "surface" && value in surfaces) setting.surface = value;
    else if (key === "optimizer" && value in optimizers) setting.optimizer = value;
    else if (key === "start" && /^[^,]+,[^,]+$/.test(value) && value.split(",").map(Number).every(Number.isFinite)) {
      setting.start = value.split(",").map(Number);
    } else if (key in RANGES && number >= RANGES[key].min && number <= RANGES[key].max) {
      setting[key] = key === "steps" ? Math.round(number) : number;
    } else refused.push(`${key}=${value}`);
  }
  return { setting, refused };
}

export function write({ start, ...setting }) {
  const plain = Object.entries(setting).map(([key, value]) => [key, typeof value === "number" ? short(value) : value]);
  return new URLSearchParams([...plain, ["start", start.map(short).join(",")]]).toString();
}

function ending({ setting, path, surface }) {
  const end = path.at(-1);
  const near = surface.minima.findIndex((m) => Math.hypot(m[0] - end[0], m[1] - end[1]) < 0.1);
  const where = near < 0 ? "not at a minimum" : `at the minimum (${surface.minima[near].map(short).join(", ")})`;
  if (path.length <= setting.steps) return `It left for infinity after ${path.length - 1} steps.`;
  return `After ${setting.steps} steps it is at (${end.map(short).join(", ")}), value ${short(surface.value(...end))}: ${where}.`;
}

export default function play(host) {
  const width = Math.min(760, host.clientWidth || 640);
  const { setting, refused } = read(location.search);
  let drawn;

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
    history.replaceState(null, "", `?${write(setting)}`);
  };

  const build = () => {
    host.replaceChildren();
    const surface = surfaces[setting.surface];
    const stage = new Stage(host, { width, height: Math.min(width, 430) + 280, label: "A descent on a surface" });
    const half = Math.min(width, 430);
    const [xlim, ylim] = surface.domain;
    const plane = stage.axes({ box: [0, 0, width, half], xlim, ylim, xlabel: "x", ylabel: "y", equal: true });
    plane.shade(surface.value);
    const labels = { xlabel: "step", ylabel: "value above the lowest minimum" };
    const chart = stage.axes({ box: [0, half, width, 280], xlim: [1, 2000], ylim: [1e-16, 1e6], logx: true, logy: true, ...labels });
    drawn = { stage, plane, chart };
    plane.handle(setting.start, "Start", (start) => {
      setting.start = start;
      show();
    });
    stage.choice("surface", Object.keys(surfaces), setting.surface, (name) => {
      const [x, y] = surfaces[name].domain;
      const inside = setting.start[0] >= x[0] && setting.start[0] <= x[1] && setting.start[1] >= y[0] && setting.start[1] <= y[1];
      Object.assign(setting, { surface: name }, inside ? {} : { start: [x[0] + 0.1 * (x[1] - x[0]), y[1] - 0.1 * (y[1] - y[0])] });
      rebuild("surface");
    });
    stage.choice("optimizer", Object.keys(optimizers), setting.optimizer, (name) => {
      setting.optimizer = name;
      rebuild("optimizer");
    });
    [...settingsOf[setting.optimizer], "steps"].forEach((key) => {
      const { name, ...range } = RANGES[key];
      stage.slider(name, { ...range, value: setting[key] }, (value) => {
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
    notice.textContent = `The address asked for what is not here (${refused.join(", ")}); the rest of it is shown.`;
    host.prepend(notice);
  }
}
