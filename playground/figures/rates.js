// Gradient descent on the parabola x squared: the reader moves the learning rate and the start.
import { COLORS, Stage, short } from "../kit.js";

const STEPS = 10;
const digits = (number) => String(Number(number.toFixed(3)));

export function walk(rate, start, steps = STEPS) {
  const places = [start];
  for (let k = 0; k < steps; k += 1) places.push(places[k] - rate * 2 * places[k]);
  return places;
}

export function story(rate, start) {
  if (start === 0) return "it stands in the minimum, where nothing moves";
  const factor = 1 - 2 * rate;
  if (Math.abs(factor) < 1e-9) return "one step lands in the minimum";
  if (Math.abs(Math.abs(factor) - 1) < 1e-9) return "it swings for ever between two points";
  if (factor > 0) return "it creeps down one side";
  return factor > -1 ? "it swings from side to side, and converges" : "it swings and leaves: it explodes";
}

export default function draw(host, { width, height }) {
  const stage = new Stage(host, { width, height, label: "Gradient descent on a parabola" });
  const axes = stage.axes({ xlim: [-16, 16], ylim: [-15, 250], xlabel: "x", ylabel: "f(x)" });
  let [rate, start] = [0.05, 10];

  const show = () => {
    const places = walk(rate, start);
    axes.clear();
    const curve = Array.from({ length: 161 }, (_, k) => 0.2 * k - 16);
    axes.line(curve.map((x) => [x, x * x]), 0, { stroke: "currentColor" });
    const points = places.map((x) => [x, x * x]);
    axes.line(points, 1, { "stroke-dasharray": "" });
    axes.dots(points, 1, 4);
    axes.mark(points.at(-1), "■", { fill: COLORS[1] });
    stage.say(`Learning rate ${digits(rate)}: each step multiplies x by ${digits(1 - 2 * rate)}; ${story(rate, start)}. `
      + `After ${STEPS} steps x is ${short(places.at(-1))}.`);
    host.state = { rate, start, end: places.at(-1) };
  };

  const handle = axes.handle([start, start * start], "Start", ([x, y]) => {
    // Up and down move along the curve as well.
    const side = Math.abs(x - start) < 1e-9 ? Math.sign(start || 1) * Math.sqrt(Math.max(0, y)) : x;
    start = Math.abs(side) < 0.05 ? 0 : Math.max(-15.8, Math.min(15.8, side));
    handle.put([start, start * start]);
    show();
  });
  stage.slider("learning rate", { min: 0.01, max: 1.2, step: 0.005, value: rate, show: digits }, (value) => {
    rate = value;
    show();
  });
  show();
}
