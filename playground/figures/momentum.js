// Momentum's map of rates: the factor of each pair, and beside it the path of the chosen one.
import { COLORS, Stage, element, short } from "../kit.js";

const CURVATURES = [0.2, 4];
const START = [-5, -2];
const STEPS = 60;

// The larger root of r^2 - (1 + beta - lr h) r + beta = 0, for the worse of the two curvatures.
export function factor(lr, beta) {
  return Math.max(...CURVATURES.map((h) => {
    const half = (1 + beta - lr * h) / 2;
    const inside = half * half - beta;
    return inside < 0 ? Math.sqrt(beta) : Math.abs(half) + Math.sqrt(inside);
  }));
}

// The pairs whose factor is at most a number: a triangle on its tip, for the larger root is that
// number on its sides, its negative on the right, and the root of beta reaches it at the top.
export function triangle(by) {
  const [low, high] = CURVATURES;
  const left = (part) => ((1 - by) * (1 - part)) / low;
  const right = (part) => ((1 + by) * (1 + part)) / high;
  const [up, down] = [(1 - by) / low, (1 + by) / high];
  const tip = (up - down) / (up + down);
  return [[left(by), by * by], [left(tip), by * tip], [right(by), by * by], [left(by), by * by]];
}

// How many steps until no later one is farther than a tenth of the start, at most so many.
export function tenth(setting, steps = 3000) {
  const far = path({ ...setting, angle: 0 }, steps).map((point) => Math.hypot(...point));
  return far.findLastIndex((distance) => distance > far[0] / 10) + 1;
}

// The path in a valley that is turned by an angle, as is the start: then nothing but the picture turns.
export function path({ lr, beta, angle }, steps = STEPS) {
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  const turn = ([x, y]) => [c * x - s * y, s * x + c * y];
  const back = ([x, y]) => [c * x + s * y, c * y - s * x];
  let point = turn(START);
  let velocity = [0, 0];
  const points = [point];
  for (let k = 0; k < steps; k += 1) {
    const slope = turn(back(point).map((x, i) => CURVATURES[i] * x));
    velocity = velocity.map((v, i) => beta * v + slope[i]);
    point = point.map((x, i) => x - lr * velocity[i]);
    points.push(point);
  }
  return points;
}

export default function draw(host, { width }) {
  const tall = width < 500;
  const size = tall ? width : width / 2;
  const stage = new Stage(host, { width, height: tall ? 2 * size : size, label: "Momentum" });
  const map = stage.axes({ box: [0, 0, size, size], xlim: [0.02, 1], ylim: [0, 0.95], xlabel: "learning rate", ylabel: "beta" });
  map.shade((lr, beta) => (factor(lr, beta) < 1 ? factor(lr, beta) : 1));
  const box = tall ? [0, size, size, size] : [size, 0, size, size];
  const plane = stage.axes({ box, xlim: [-6, 6], ylim: [-6, 6], xlabel: "x", ylabel: "y", equal: true });
  const ratio = Math.sqrt(CURVATURES[1] / CURVATURES[0]);
  const best = [4 / (Math.sqrt(CURVATURES[0]) + Math.sqrt(CURVATURES[1])) ** 2, ((ratio - 1) / (ratio + 1)) ** 2];
  const setting = { lr: best[0], beta: best[1], angle: 0 };

  const shade = () => {
    const [c, s] = [Math.cos(setting.angle), Math.sin(setting.angle)];
    plane.shade((x, y) => CURVATURES[0] * (c * x + s * y) ** 2 + CURVATURES[1] * (c * y - s * x) ** 2, 60);
  };
  const show = () => {
    const points = path(setting);
    plane.clear();
    plane.line(points, 1, { "stroke-dasharray": "" });
    plane.dots(points, 1, 2);
    plane.mark([0, 0], "☆");
    plane.mark(points[0], "●", { fill: COLORS[1] });
    const by = factor(setting.lr, setting.beta);
    const count = tenth(setting);
    let told = `in the long run each step keeps ${by > 0.999 ? by.toFixed(6) : short(by)} of the distance; `
      + `a tenth is left after ${count > 3000 ? "more than 3000" : count} steps`;
    if (Math.abs(by - 1) < 1e-6) told = "on the border, it swings for ever";
    else if (by > 1) told = `it diverges, by ${short(by)} a step in the long run`;
    stage.say(`Rate ${short(setting.lr)}, beta ${short(setting.beta)}: ${told}. `
      + `After ${STEPS} steps it is ${short(Math.hypot(...points.at(-1)))} away.`);
    host.state = { ...setting, factor: by, end: points.at(-1) };
  };

  // Hatch what diverges, beyond the line where the steep root is -1, and draw lines of equal factor.
  const hatch = { id: "diverges", width: 9, height: 9, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" };
  element("rect", { width: 1.5, height: 9, fill: "#222" }, element("pattern", hatch, map.group));
  const edge = (beta) => [(2 * (1 + beta)) / CURVATURES[1], beta];
  const plain = { stroke: "#222", "stroke-dasharray": "" };
  map.line([edge(0), edge(1), [2, 1], [2, 0], edge(0)], 0, { ...plain, style: "stroke-width: 1; fill: url(#diverges)" });
  [0.95, 0.9, 0.8, 0.7].forEach((by) => {
    map.line(triangle(by), 0, { ...plain, style: "stroke-width: 1" });
    map.mark([0.56, by * by], by, { style: "font-size: 12px" });
  });
  map.handle(best, "Learning rate and beta", ([lr, beta]) => {
    Object.assign(setting, { lr, beta });
    show();
  });
  const star = map.mark(best, "☆", { "pointer-events": "none" });
  map.front.append(star);
  stage.slider("angle of the valley, degrees", { min: 0, max: 90, step: 1, value: 0 }, (degrees) => {
    setting.angle = (degrees * Math.PI) / 180;
    shade();
    show();
  });
  shade();
  show();
}
