// Three minimizers from one start, which the reader moves.
import { COLORS, DASHES, Stage, short } from "../kit.js";
import { descend } from "../optimizers.js";
import { surfaces } from "../surfaces.js";

const rules = {
  "gradient descent": ["gradient descent", { lr: 0.01 }],
  "momentum 0.9": ["momentum", { lr: 0.01, beta1: 0.9 }],
  Adam: ["Adam", { lr: 0.1, beta1: 0.9, beta2: 0.999 }],
};

export function ends(start) {
  return Object.values(rules).map(([name, settings]) =>
    descend(surfaces.himmelblau, start, name, settings, 100));
}

export default function draw(host, { width, height }) {
  const stage = new Stage(host, { width, height, label: "Three minimizers from one start" });
  const { domain, minima, value } = surfaces.himmelblau;
  const axes = stage.axes({ xlim: domain[0], ylim: domain[1], xlabel: "x", ylabel: "y", equal: true });
  axes.shade(value);

  const show = (start) => {
    axes.clear();
    minima.forEach((minimum) => axes.mark(minimum, "☆"));
    const where = ends(start).map((path, number) => {
      axes.line(path, number);
      const end = path.at(-1);
      axes.mark(end, ["■", "▲", "◆"][number], { fill: COLORS[number] });
      const near = minima.findIndex((m) => Math.hypot(m[0] - end[0], m[1] - end[1]) < 0.5);
      return near < 0 ? "at none of the minima" : `near (${minima[near].map(short).join(", ")})`;
    });
    const same = new Set(where).size === 1 ? " All three agree." : "";
    const told = Object.keys(rules).map((name, k) => `${name} ends ${where[k]}`).join(", ");
    stage.say(`From (${start.map(short).join(", ")}): ${told}.${same}`);
    host.state = { start, ends: ends(start).map((path) => path.at(-1)) };
  };

  const start = [0.5, 4];
  const handle = axes.handle(start, "Start", show);
  stage.legend(Object.keys(rules));
  stage.button("Back to the printed start", () => { handle.put(start); show(start); });
  show(start);
}
