// An activation function, its slope and its second derivative, at a place that the reader moves.
import { Stage, short } from "../kit.js";

const bell = (x) => Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);
const sigmoid = (x) => 1 / (1 + Math.exp(-x));

// The share of a Gaussian below x: Simpson's rule, to 1e-12 where the figure looks.
export function below(x) {
  const pieces = 200;
  const h = x / pieces;
  let sum = bell(0) + bell(x);
  for (let k = 1; k < pieces; k += 1) sum += (k % 2 ? 4 : 2) * bell(k * h);
  return 0.5 + (sum * h) / 3;
}

// The value and two derivatives of each, as torch answers, at the kinks too.
export const activations = {
  relu: (x) => [Math.max(0, x), x > 0 ? 1 : 0, 0],
  "leaky relu": (x) => [x > 0 ? x : 0.01 * x, x > 0 ? 1 : 0.01, 0],
  elu: (x) => (x >= 0 ? [x, 1, 0] : [Math.expm1(x), Math.exp(x), Math.exp(x)]),
  softplus: (x) => [Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))), sigmoid(x), sigmoid(x) * sigmoid(-x)],
  gelu: (x) => [x * below(x), below(x) + x * bell(x), (2 - x * x) * bell(x)],
  silu: (x) => {
    const [s, t] = [sigmoid(x), sigmoid(-x)];
    return [x * s, s * (1 + x * t), s * t * (2 + x * (t - s))];
  },
  tanh: (x) => {
    const t = Math.tanh(x);
    return [t, 1 - t * t, -2 * t * (1 - t * t)];
  },
  sigmoid: (x) => {
    const [s, t] = [sigmoid(x), sigmoid(-x)];
    return [s, s * t, s * t * (t - s)];
  },
};

const kink = " There is a kink here: the slope is a convention, the one from the left.";
const kinks = {
  relu: kink,
  "leaky relu": kink,
  elu: " The second derivative jumps from 1 to 0 here.",
};

export default function draw(host, { width }) {
  const stage = new Stage(host, { width, height: Math.min(0.7 * width, 420), label: "An activation function" });
  const axes = stage.axes({ xlim: [-4, 4], ylim: [-1.3, 2.3], xlabel: "x", ylabel: "" });
  const setting = { name: "relu", x: 0 };
  const grid = Array.from({ length: 401 }, (_, k) => -4 + k / 50);
  const order = ["value", "slope", "second derivative"];

  const show = () => {
    const function_ = activations[setting.name];
    const values = grid.map(function_);
    axes.clear();
    axes.line([[-4, 0], [4, 0]], 0, { stroke: "currentColor", "stroke-width": 1, "stroke-dasharray": "", opacity: 0.5 });
    // A slope below zero, thick.
    axes.line(grid.map((x, i) => [x, values[i][1]]).filter(([, slope]) => slope < 0), 1, { "stroke-width": 5, "stroke-dasharray": "" });
    order.forEach((_, k) => axes.line(grid.map((x, i) => [x, values[i][k]]), k));
    const here = function_(setting.x);
    axes.line([[setting.x, -2], [setting.x, 3]], 0, { stroke: "currentColor", "stroke-width": 1, "stroke-dasharray": "1 3" });
    here.forEach((y, k) => axes.dots([[setting.x, y]], k, 7 - 2 * k));
    stage.say(`${setting.name} at ${short(setting.x)}: ${order.map((word, k) => `${word} ${short(here[k])}`).join(", ")}.`
      + (setting.x === 0 ? kinks[setting.name] ?? "" : "") + (here[1] < 0 ? " The slope is below zero here." : ""));
    host.state = { ...setting, here };
  };

  stage.legend(order);
  stage.choice("function", Object.keys(activations), setting.name, (name) => {
    setting.name = name;
    show();
  });
  stage.slider("x", { min: -4, max: 4, step: 0.02, value: 0 }, (x) => {
    setting.x = Math.abs(x) < 1e-9 ? 0 : x;
    show();
  });
  show();
}
