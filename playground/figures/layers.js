// A signal on its way through a deep network: its mean square in each layer, and the last outputs.
import { Stage, short } from "../kit.js";
import { generator } from "../random.js";

const WIDTH = 60;
const INPUTS = 40;

const functions = { ReLU: (z) => Math.max(0, z), tanh: Math.tanh };

let numbers;

// The outputs of every layer, the inputs first; a weight has the variance gain^2 / width.
export function signals({ activation, gain, depth }) {
  const { normal } = generator(3);
  numbers ??= Float64Array.from({ length: WIDTH * INPUTS + 40 * WIDTH * WIDTH }, normal);
  const layers = [numbers.subarray(0, WIDTH * INPUTS)];
  const size = gain / Math.sqrt(WIDTH);
  for (let layer = 0; layer < depth; layer += 1) {
    const weights = WIDTH * INPUTS + layer * WIDTH * WIDTH;
    const before = layers[layer];
    const after = new Float64Array(WIDTH * INPUTS);
    for (let n = 0; n < INPUTS; n += 1) {
      for (let i = 0; i < WIDTH; i += 1) {
        let sum = 0;
        for (let j = 0; j < WIDTH; j += 1) sum += numbers[weights + i * WIDTH + j] * before[n * WIDTH + j];
        after[n * WIDTH + i] = functions[activation](size * sum);
      }
    }
    layers.push(after);
  }
  return layers;
}

export const meanSquare = (values) => values.reduce((sum, v) => sum + v * v, 0) / values.length;

export default function draw(host, { width, height }) {
  const tall = width < 500;
  const box = tall ? [width, width * 0.75] : [width / 2, Math.min(height, 340)];
  const stage = new Stage(host, { width, height: tall ? 2 * box[1] : box[1], label: "A signal through layers" });
  const setting = { activation: "tanh", gain: 0.58, depth: 20 };
  const along = stage.axes({ box: [0, 0, ...box], xlim: [0, 40], ylim: [1e-20, 1e20], logy: true, xlabel: "layer", ylabel: "mean square" });
  const second = tall ? [0, box[1]] : [box[0], 0];
  const bars = stage.axes({ box: [...second, ...box], xlim: [-1.05, 1.05], ylim: [0, 1], xlabel: "output of the last layer", ylabel: "share, tallest 1" });

  const show = () => {
    const layers = signals(setting);
    const sizes = layers.map(meanSquare);
    along.clear();
    const points = sizes.map((size, layer) => [layer, Math.max(size, 1e-30)]);
    along.line(points, 0);
    along.dots(points, 0, 2.5);
    const counts = new Array(31).fill(0);
    layers.at(-1).forEach((v) => Math.abs(v) <= 1 && (counts[Math.min(30, Math.floor((v + 1) * 15.5))] += 1));
    const tallest = Math.max(...counts, 1);
    bars.clear();
    const outline = counts.flatMap((c, k) => [k, k + 1].map((edge) => [-1 + edge / 15.5, c / tallest]));
    bars.line([[-1, 0], ...outline, [1, 0]], 0, { fill: "#0072b255" });
    const change = (sizes.at(-1) / sizes[0]) ** (1 / setting.depth);
    const fate = change < 0.8 ? "The signal fades" : change > 1.25 ? "The signal grows" : "The signal keeps its size";
    stage.say(`${setting.activation}, gain ${short(setting.gain)}, ${setting.depth} layers: the mean square goes from `
      + `${short(sizes[0])} to ${short(sizes.at(-1))}. ${fate}, by ${short(change)} a layer on average.`);
    host.state = { ...setting, sizes };
  };

  stage.choice("activation", Object.keys(functions), setting.activation, (activation) => {
    setting.activation = activation;
    show();
  });
  stage.slider("gain", { min: 0.3, max: 10, value: 0.58, log: true }, (gain) => {
    setting.gain = gain;
    show();
  });
  stage.slider("layers", { min: 1, max: 40, step: 1, value: 20 }, (depth) => {
    setting.depth = depth;
    show();
  });
  show();
}
