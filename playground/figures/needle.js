// The loss of a frequency against its value: one bowl, or a needle in a plain.
import { Stage, short } from "../kit.js";
import { generator } from "../random.js";

const TRUTH = 0.583;

// The mean over all x of (cos ax - cos bx)^2, for a Gaussian x of that deviation.
export function population(a, deviation) {
  const wave = (frequency) => Math.exp(-((frequency * deviation) ** 2) / 2);
  return 1 + (wave(2 * a) + wave(2 * TRUTH)) / 2 - wave(a - TRUTH) - wave(a + TRUTH);
}

export function sample(a, deviation, bells) {
  return bells.reduce((sum, z) => sum + (Math.cos(a * deviation * z) - Math.cos(TRUTH * deviation * z)) ** 2, 0) / bells.length;
}

export default function draw(host, { width }) {
  const stage = new Stage(host, { width, height: Math.min(0.7 * width, 400), label: "Loss against frequency" });
  const setting = { deviation: 5, rows: 200 };
  let axes;

  const show = () => {
    const { deviation, rows } = setting;
    const { normal } = generator(2);
    const bells = Array.from({ length: rows }, normal);
    // The needle is as wide as one over the deviation: look at some of its widths.
    const reach = Math.min(1, 60 / deviation);
    const xlim = reach === 1 ? [0, 2] : [TRUTH - 0.5 * reach, TRUTH + 0.5 * reach];
    axes?.group.remove();
    axes = stage.axes({ xlim, ylim: [0, 1.6], xlabel: "a", ylabel: "loss" });
    const grid = Array.from({ length: 401 }, (_, k) => xlim[0] + ((xlim[1] - xlim[0]) * k) / 400);
    const seen = grid.map((a) => sample(a, deviation, bells));
    axes.line(grid.map((a, k) => [a, seen[k]]), 0);
    axes.line(grid.map((a) => [a, population(a, deviation)]), 1);
    const dips = seen.filter((y, k) => k && k < 400 && y < seen[k - 1] && y < seen[k + 1]).length;
    stage.say(`x of deviation ${short(deviation)}, ${rows} rows: ${dips} dip${dips === 1 ? "" : "s"} from ${short(xlim[0])} to ${short(xlim[1])}. `
      + `The one at ${TRUTH} is about ${short(4 / deviation)} wide.`);
    host.state = { ...setting, dips };
  };

  stage.legend(["these rows", "infinitely many rows"]);
  stage.slider("deviation of x", { min: 1, max: 500, value: 5, log: true }, (deviation) => {
    setting.deviation = deviation;
    show();
  });
  stage.slider("rows", { min: 20, max: 5000, value: 200, log: true, show: (n) => String(Math.round(n)) }, (rows) => {
    setting.rows = Math.round(rows);
    show();
  });
  show();
}
