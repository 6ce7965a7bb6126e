// The basins of two wells, and restarts that are counted against the formula.
import { COLORS, Stage, element, short } from "../kit.js";
import { descend } from "../optimizers.js";
import { generator } from "../random.js";
import { surfaces } from "../surfaces.js";

const wells = surfaces["two wells"];
const { domain, gradient, minima } = wells;
const RATE = 0.002;

// Where gradient descent ends: the number of the well, or -1.
export function well([x, y], steps = 500) {
  for (let k = 0; k < steps; k += 1) {
    const [gx, gy] = gradient(x, y);
    [x, y] = [x - RATE * gx, y - RATE * gy];
  }
  return minima.findIndex((m) => Math.hypot(m[0] - x, m[1] - y) < 0.1);
}

// The share of a regular grid from which it ends in the deep well.
export function share(count = 60) {
  const along = ([low, high], k) => low + ((high - low) * (k + 0.5)) / count;
  let deep = 0;
  for (let i = 0; i < count; i += 1) {
    for (let j = 0; j < count; j += 1) deep += well([along(domain[0], i), along(domain[1], j)]) === 0;
  }
  return deep / count ** 2;
}

// How likely it is that n starts miss A.
export function missed(p, n) {
  const percent = 100 * (1 - p) ** n;
  return `The chance that ${n} random start${n > 1 ? "s all miss" : " misses"} A is ${percent < 1e-10 ? "below 1e-10" : short(percent)} %.`;
}

export default function draw(host, { width, height }) {
  const stage = new Stage(host, { width, height: Math.min(width, Math.max(height, 380)), label: "Basins of two wells" });
  const axes = stage.axes({ xlim: domain[0], ylim: domain[1], xlabel: "x", ylabel: "y", equal: true });
  axes.shade((x, y) => well([x, y]), 60, (level) => (level ? [0.96, 0.83, 0.72] : [0.72, 0.86, 0.94]));
  minima.forEach((m, k) => element("text", { x: axes.x(m[0]), y: axes.y(m[1]) + 6, "text-anchor": "middle", class: "mark" }, axes.front, "AB"[k]));
  const p = share();
  const { uniform } = generator(4);
  let [n, hits, own] = [0, 0, [4, 3]];
  let path;

  const show = () => {
    path?.remove();
    path = axes.line(descend(wells, own, "gradient descent", { lr: RATE }, 500), 2, { stroke: "currentColor" });
    const end = "AB"[well(own)];
    stage.say(`Your start at (${own.map(short).join(", ")}) ${end ? `leads to ${end}` : "stays between the wells"}. `
      + `Of all starts ${(100 * p).toFixed(1)} % lead to A, the deep well.`
      + (n ? ` ${hits} of ${n} restarts did. ${missed(p, n)}` : ""));
    host.state = { p, n, hits };
  };
  const restart = (count) => {
    for (let k = 0; k < count; k += 1) {
      const start = domain.map(([low, high]) => low + (high - low) * uniform());
      const hit = well(start) === 0;
      axes.mark(start, hit ? "●" : "✕", { fill: COLORS[hit ? 0 : 1] });
      hits += hit;
    }
    n += count;
    show();
  };

  axes.handle(own, "Your own start", (start) => {
    own = start;
    show();
  });
  stage.legend(["restart that leads to A", "restart that misses it"], ["●", "✕"]);
  stage.button("One more restart", () => restart(1));
  stage.button("Twenty more", () => restart(20));
  stage.button("Begin anew", () => {
    [n, hits] = [0, 0];
    axes.clear();
    show();
  });
  show();
}
