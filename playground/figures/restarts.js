// The basins of two wells, and restarts that are counted against the formula.
import { COLORS, Stage, element, short } from "../kit.js";
import { generator } from "../random.js";
import { surfaces } from "../surfaces.js";

const { domain, gradient, minima } = surfaces["two wells"];
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

export default function draw(host, { width, height }) {
  const stage = new Stage(host, { width, height: Math.min(width, Math.max(height, 380)), label: "Basins of two wells" });
  const axes = stage.axes({ xlim: domain[0], ylim: domain[1], xlabel: "x", ylabel: "y", equal: true });
  axes.shade((x, y) => well([x, y]), 60);
  minima.forEach((m, k) => element("text", { x: axes.x(m[0]), y: axes.y(m[1]) + 6, "text-anchor": "middle", class: "mark" }, axes.front, "AB"[k]));
  const p = share();
  const { uniform } = generator(4);
  let [draws, hits, own] = [[], 0, undefined];

  const show = () => {
    axes.clear();
    draws.forEach(({ start, end }) => axes.mark(start, end === 0 ? "●" : "✕", { fill: COLORS[end === 0 ? 0 : 1] }));
    const n = draws.length;
    const chance = n ? `The chance that ${n} random start${n > 1 ? "s" : ""} all miss A is ${short((1 - p) ** n)}.` : "";
    const mine = own ? `The start at (${own.start.map(short).join(", ")}) leads to ${"AB"[own.end]}. ` : "";
    stage.say(`${mine}Of all starts ${(100 * p).toFixed(0)} % lead to A, the deep well. ${n ? `${hits} of ${n} restarts did. ` : ""}${chance}`);
    host.state = { p, n, hits };
  };
  const restart = (count) => {
    for (let k = 0; k < count; k += 1) {
      const start = domain.map(([low, high]) => low + (high - low) * uniform());
      const end = well(start);
      draws.push({ start, end });
      hits += end === 0;
    }
    show();
  };

  axes.handle([4, 3], "Your own start", (start) => {
    own = { start, end: well(start) };
    show();
  });
  stage.button("One more restart", () => restart(1));
  stage.button("Twenty more", () => restart(20));
  stage.button("Begin anew", () => {
    [draws, hits] = [[], 0];
    show();
  });
  show();
}
