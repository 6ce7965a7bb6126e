// Three minimizers from one start, which the reader moves.
import { COLORS, Stage, short } from "../kit.js";
import { descend } from "../optimizers.js";
import { surfaces } from "../surfaces.js";

const rules = {
  "gradient descent": ["gradient descent", { lr: 0.01 }],
  "momentum 0.9": ["momentum", { lr: 0.01, beta1: 0.9 }],
  Adam: ["Adam", { lr: 0.1, beta1: 0.9, beta2: 0.999 }],
};

const STEPS = 100;

export function ends(start) {
  return Object.values(rules).map(([name, settings]) =>
    descend(surfaces.himmelblau, start, name, settings, STEPS));
}

// Where the paths end, in words.
export function story(paths) {
  const { minima } = surfaces.himmelblau;
  const where = paths.map((path) => {
    const end = path.at(-1);
    const near = minima.findIndex((m) => Math.hypot(m[0] - end[0], m[1] - end[1]) < 0.5);
    if (near >= 0) return `ends near (${minima[near].map(short).join(", ")})`;
    return Math.hypot(...end) > 1e6 ? "leaves for infinity" : "ends at none of the minima";
  });
  const same = new Set(where).size === 1 && /near/.test(where[0]) ? " All three agree." : "";
  return `${Object.keys(rules).map((name, k) => `${name} ${where[k]}`).join(", ")}.${same}`;
}

export default function draw(host, { width, height }) {
  const stage = new Stage(host, { width, height: Math.max(height, Math.min(width, 420)), label: "Three minimizers from one start" });
  const { domain, minima, value } = surfaces.himmelblau;
  const axes = stage.axes({ xlim: domain[0], ylim: domain[1], xlabel: "x", ylabel: "y", equal: true });
  axes.shade(value);

  const show = (start) => {
    axes.clear();
    minima.forEach((minimum) => axes.mark(minimum, "☆"));
    const paths = ends(start);
    paths.forEach((path, number) => axes.line(path, number));
    // Squares of three sizes: where all agree, each is still seen.
    paths.forEach((path, number) => {
      axes.mark(path.at(-1), "■", { fill: COLORS[number] }).style.fontSize = `${24 - 6 * number}px`;
    });
    stage.say(`From (${start.map(short).join(", ")}): ${story(paths)}`);
    host.state = { start, ends: paths.map((path) => path.at(-1)) };
  };

  const start = [0.5, 4];
  const handle = axes.handle(start, "Start", show);
  stage.legend(Object.keys(rules));
  stage.button("Back to the printed start", () => { handle.put(start); show(start); });
  show(start);
}
