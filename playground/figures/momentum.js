// Momentum's map of rates: the factor of each pair, and beside it the path of the chosen one.
import { COLORS, Stage, short } from "../kit.js";

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

export default function draw(host, { width, height }) {
  const tall = width < 500;
  const size = tall ? width : width / 2;
  const stage = new Stage(host, { width, height: tall ? 2 * size : Math.max(height, size), label: "Momentum" });
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
    const told = by < 1
      ? `in the long run each step keeps ${short(by)} of the distance; a tenth is left after ${short(Math.log(0.1) / Math.log(by))} steps`
      : "it does not converge";
    stage.say(`Rate ${short(setting.lr)}, beta ${short(setting.beta)}: ${told}. `
      + `After ${STEPS} steps it is ${short(Math.hypot(...points.at(-1)))} away.`);
    host.state = { ...setting, factor: by, end: points.at(-1) };
  };

  map.mark(best, "☆");
  map.handle(best, "Learning rate and beta", ([lr, beta]) => {
    Object.assign(setting, { lr, beta });
    show();
  });
  stage.slider("angle of the valley, degrees", { min: 0, max: 90, step: 1, value: 0 }, (degrees) => {
    setting.angle = (degrees * Math.PI) / 180;
    shade();
    show();
  });
  shade();
  show();
}
