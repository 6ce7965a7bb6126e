// A signal on its way through a deep network, and a gradient on its way back through the same
// weights: their mean squares in each layer, and the last outputs.
import { Stage, short } from "../kit.js";
import { generator } from "../random.js";

const WIDTH = 60;
const INPUTS = 20;
const DEPTH = 40;
const BATCH = WIDTH * INPUTS;
const rules = [[Math.sqrt(1 / 3), "default"], [1, "Xavier"], [Math.sqrt(2), "He"], [10, "N(0, 1)"]];

// Each function, and its slope where its value is v.
const functions = {
  ReLU: [(z) => Math.max(0, z), (v) => (v > 0 ? 1 : 0)],
  tanh: [Math.tanh, (v) => 1 - v * v],
};

// The inputs, the weights of all layers, and the gradient that enters at the end.
let numbers;
export function draws() {
  const { normal } = generator(3);
  numbers ??= Float64Array.from({ length: BATCH + DEPTH * WIDTH * WIDTH + BATCH }, normal);
  return numbers;
}

// The weights of a layer, or their transpose, times a batch, four of its inputs at a time.
function times(layer, batch, across, down, gain) {
  const weights = numbers;
  const product = new Float64Array(BATCH);
  for (let i = 0; i < WIDTH; i += 1) {
    const first = BATCH + layer * WIDTH * WIDTH + i * down;
    for (let n = 0; n < INPUTS; n += 4) {
      let [a, b, c, d] = [0, 0, 0, 0];
      for (let j = 0; j < WIDTH; j += 1) {
        const weight = weights[first + j * across];
        const from = j * INPUTS + n;
        a += weight * batch[from];
        b += weight * batch[from + 1];
        c += weight * batch[from + 2];
        d += weight * batch[from + 3];
      }
      product.set([a, b, c, d], i * INPUTS + n);
    }
  }
  return product.map((sum) => (sum * gain) / Math.sqrt(WIDTH));
}

// The outputs of every layer, the inputs first; a weight has the variance gain^2 / width.
export function signals({ activation, gain, depth }) {
  const layers = [draws().subarray(0, BATCH)];
  for (let k = 0; k < depth; k += 1) layers.push(times(k, layers[k], 1, WIDTH, gain).map(functions[activation][0]));
  return layers;
}

// The gradients of every layer's outputs, those of the inputs first.
export function gradients({ activation, gain, depth }, layers) {
  const found = [draws().subarray(-BATCH)];
  for (let k = depth; k > 0; k -= 1) {
    const behind = found[0].map((g, n) => g * functions[activation][1](layers[k][n]));
    found.unshift(times(k - 1, behind, WIDTH, 1, gain));
  }
  return found;
}

export const meanSquare = (values) => values.reduce((sum, v) => sum + v * v, 0) / values.length;

export function fate(from, to) {
  if (to < from / 30) return "dies";
  return to > 30 * from ? "explodes" : "survives";
}

export default function draw(host, { width, height }) {
  const tall = width < 500;
  const box = tall ? [width, width * 0.75] : [width / 2, Math.min(height, 340)];
  const stage = new Stage(host, { width, height: tall ? 2 * box[1] : box[1], label: "A signal through layers" });
  const setting = { activation: "tanh", gain: rules[0][0], depth: 20 };
  const along = stage.axes({ box: [0, 0, ...box], xlim: [0, DEPTH], ylim: [1e-12, 1e17], logy: true, xlabel: "layer", ylabel: "mean square" });
  const second = tall ? [0, box[1]] : [box[0], 0];
  const bars = stage.axes({ box: [...second, ...box], xlim: [-1.05, 1.05], ylim: [0, 1], xlabel: "output of the last layer", ylabel: "share, tallest 1" });

  const show = () => {
    const layers = signals(setting);
    const sizes = layers.map(meanSquare);
    const back = gradients(setting, layers).map(meanSquare);
    along.clear();
    [sizes, back].forEach((values, number) => {
      const points = values.map((size, layer) => [layer, Math.max(size, 1e-300)]);
      along.line(points, number);
      along.dots(points, number, 2.5);
    });
    // What is outside is counted in the outermost bars.
    const counts = new Array(31).fill(0);
    layers.at(-1).forEach((v) => (counts[Math.max(0, Math.min(30, Math.floor((v + 1) * 15.5)))] += 1));
    const outside = layers.at(-1).filter((v) => Math.abs(v) > 1).length / BATCH;
    const tallest = Math.max(...counts);
    bars.clear();
    const outline = counts.flatMap((c, k) => [k, k + 1].map((edge) => [-1 + edge / 15.5, c / tallest]));
    bars.line([[-1, 0], ...outline, [1, 0]], 0, { fill: "#0072b255" });
    const ends = [sizes[0], sizes.at(-1), back.at(-1), back[0]];
    stage.say(`${setting.activation}, gain ${short(setting.gain)}, ${setting.depth} layer${setting.depth > 1 ? "s" : ""}: the signal's `
      + `mean square goes from ${short(ends[0])} to ${short(ends[1])}: it ${fate(ends[0], ends[1])}. The gradient's goes back from `
      + `${short(ends[2])} to ${short(ends[3])}: it ${fate(ends[2], ends[3])}.`
      + (outside ? ` ${short(100 * outside)} % of the outputs are above 1, and stand in the last bar.` : ""));
    host.state = { ...setting, sizes, back };
  };
  const named = (gain) => {
    const rule = rules.find(([size]) => Math.abs(gain / size - 1) < 0.01);
    return short(gain) + (rule ? `, ${rule[1]}` : "");
  };

  stage.legend(["signal", "gradient, from the last layer back"]);
  stage.choice("activation", Object.keys(functions), setting.activation, (activation) => {
    setting.activation = activation;
    show();
  });
  stage.slider("gain", { min: 0.3, max: 10, step: 0.0076143, value: setting.gain, log: true, show: named }, (gain) => {
    setting.gain = gain;
    show();
  });
  stage.slider("layers", { min: 1, max: DEPTH, step: 1, value: 20 }, (depth) => {
    setting.depth = depth;
    show();
  });
  show();
}
