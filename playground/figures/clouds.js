// Many noisy descents in a valley under a schedule: where they are after 2000 steps.
import { Stage, short } from "../kit.js";
import { generator } from "../random.js";

const STEPS = 2000;
const RUNS = 300;
// A draw whose runs are as far away as all possible ones, within 2 %.
const SEED = 39;
const START = [-5, -2];
const CURVATURES = [2, 4];

export const schedules = {
  constant: () => 1,
  exponential: (t) => Math.exp(-0.1 * t),
  "inverse root": (t) => (1 + 0.1 * t) ** -0.5,
  piecewise: (t) => 0.1 ** ((t >= 200) + (t >= 1000)),
  cosine: (t) => (1 + Math.cos((Math.PI * t) / STEPS)) / 2,
};

// The root of the mean squared distance from the minimum, by the two recursions of the chapter.
export function predicted(schedule, rate, noise) {
  let mean = START;
  let variance = [0, 0];
  for (let t = 0; t < STEPS; t += 1) {
    const lr = rate * schedules[schedule](t);
    mean = mean.map((m, i) => m * (1 - lr * CURVATURES[i]));
    variance = variance.map((v, i) => v * (1 - lr * CURVATURES[i]) ** 2 + (lr * noise) ** 2);
  }
  return Math.sqrt(mean.reduce((sum, m, i) => sum + m * m + variance[i], 0));
}

let tilts;

export function cloud(schedule, rate, noise) {
  const { normal } = generator(SEED);
  tilts ??= Float64Array.from({ length: RUNS * START.length * STEPS }, normal);
  const rates = Array.from({ length: STEPS }, (_, t) => rate * schedules[schedule](t));
  return Array.from({ length: RUNS }, (_, run) =>
    START.map((x, i) => {
      const first = (run * START.length + i) * STEPS;
      for (let t = 0; t < STEPS; t += 1) x -= rates[t] * (CURVATURES[i] * x + noise * tilts[first + t]);
      return x;
    }));
}

export default function draw(host, { width, height }) {
  const stage = new Stage(host, { width, height: Math.min(height, 0.65 * width), label: "A cloud of descents" });
  const [xlim, ylim] = [[-1.2, 0.8], [-0.6, 0.6]];
  const axes = stage.axes({ xlim, ylim, xlabel: "x", ylabel: "y", equal: true });
  const setting = { schedule: "constant", rate: 0.1, noise: 1 };

  const show = () => {
    const { schedule, rate, noise } = setting;
    const ends = cloud(schedule, rate, noise);
    axes.clear();
    axes.dots(ends, 0, 1.8);
    axes.mark([0, 0], "+").style.fontSize = "30px";
    const mean = (of) => ends.reduce((sum, end) => sum + of(end), 0) / RUNS;
    const far = Math.sqrt(mean(([x, y]) => x * x + y * y));
    const middle = Math.hypot(mean(([x]) => x), mean(([, y]) => y));
    const theory = predicted(schedule, rate, noise);
    const sum = Array.from({ length: STEPS }, (_, t) => rate * schedules[schedule](t)).reduce((a, b) => a + b);
    const left = 100 * Math.exp(-CURVATURES[0] * sum);
    const out = ends.filter((end) => [xlim, ylim].some(([low, high], i) => end[i] < low || end[i] > high)).length;
    stage.say(`${schedule}, first rate ${short(rate)}, noise ${short(noise)}: the rates add up to ${short(sum)}, `
      + `so that ${left < 0.01 ? "less than 0.01" : `at most ${short(left)}`} % of the start's x is left. `
      + `After ${STEPS} steps the middle of the ${RUNS} runs is ${short(middle)} from the minimum; `
      + `their root mean square distance is ${short(far)}, for all possible runs ${short(theory)}.`
      + (out ? ` ${out} of them lie outside the picture.` : ""));
    host.state = { ...setting, far, theory };
  };

  stage.choice("schedule", Object.keys(schedules), setting.schedule, (name) => {
    setting.schedule = name;
    show();
  });
  stage.slider("first rate", { min: 0.01, max: 0.48, step: 0.01, value: 0.1 }, (value) => {
    setting.rate = value;
    show();
  });
  stage.slider("noise", { min: 0, max: 3, step: 0.05, value: 1 }, (value) => {
    setting.noise = value;
    show();
  });
  show();
}
