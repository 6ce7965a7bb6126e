// The loss of a frequency against its value: one bowl, or a needle in a plain.
import { Stage, short } from "../kit.js";
import { generator } from "../random.js";

const TRUTH = 0.583;
const SIZE = 2 ** 15;
const BIN = 1e-3;

// The mean of (cos ax - cos bx)^2 follows from phi, the mean of cos ux over all x.
const loss = (a, phi) => 1 + (phi(2 * a) + phi(2 * TRUTH)) / 2 - phi(a - TRUTH) - phi(a + TRUTH);

// Over infinitely many x, for a Gaussian of that deviation.
export const population = (a, deviation) => loss(a, (u) => Math.exp(-((u * deviation) ** 2) / 2));

// Rows of deviation 1, in steps of BIN.
export function drawRows(count) {
  const { normal } = generator(2);
  return Array.from({ length: count }, () => Math.round(normal() / BIN));
}

// The mean of cos vz over rows z, for v = 0, h, 2h, ... with h = 2 pi / (SIZE BIN): their counts,
// and the fast Fourier transform.
export function means(rows) {
  const [re, im] = [new Float64Array(SIZE), new Float64Array(SIZE)];
  rows.forEach((z) => {
    let place = 0;
    for (let bit = 1; bit < SIZE; bit *= 2) place = 2 * place + (z & bit ? 1 : 0);
    re[place] += 1 / rows.length;
  });
  for (let half = 1; half < SIZE; half *= 2) {
    for (let k = 0; k < half; k += 1) {
      const [c, s] = [Math.cos((Math.PI * k) / half), Math.sin((Math.PI * k) / half)];
      for (let i = k; i < SIZE; i += 2 * half) {
        const j = i + half;
        const [x, y] = [c * re[j] - s * im[j], s * re[j] + c * im[j]];
        re[j] = re[i] - x;
        im[j] = im[i] - y;
        re[i] += x;
        im[i] += y;
      }
    }
  }
  return re;
}

// Over these rows: between the v of the table by cubics.
export function sample(a, deviation, table) {
  return loss(a, (u) => {
    const v = (Math.abs(u * deviation) * SIZE * BIN) / (2 * Math.PI);
    const k = Math.floor(v);
    const f = v - k;
    const [p, q, r, s] = [table[k ? k - 1 : 1], table[k], table[k + 1], table[k + 2]];
    return q + f * (r - q) - (f * (1 - f) * ((2 - f) * (p - 2 * q + r) + (1 + f) * (q - 2 * r + s))) / 6;
  });
}

const grid = (low, high, parts) => Array.from({ length: parts + 1 }, (_, k) => low + ((high - low) * k) / parts);

export function dips(deviation, table) {
  const seen = grid(0, 2, 4000).map((a) => sample(a, deviation, table));
  return { seen, count: seen.filter((y, k) => y < seen[k - 1] && y < seen[k + 1]).length };
}

// Where the walls beside the truth end: at their tops, or at 0 and 2.
export function rims(deviation, table) {
  return [-1, 1].map((way) => {
    const step = (way * 0.02) / deviation;
    let [a, here, next] = [TRUTH, 0, 0];
    do [a, here, next] = [a + step, next, sample(a + step, deviation, table)];
    while (next > here && a > 0 && a < 2);
    return next > here ? Math.max(0, Math.min(2, a)) : a - step;
  });
}

export default function draw(host, { width }) {
  const high = Math.max(190, Math.min(0.36 * width, 230));
  const stage = new Stage(host, { width, height: 2 * high, label: "Loss against frequency" });
  const axes = stage.axes({ box: [0, 0, width, high], xlim: [0, 2], ylim: [0, 2], ylabel: "loss" });
  const setting = { deviation: 5, rows: 200 };
  let near;
  let table = means(drawRows(setting.rows));

  const show = () => {
    const { deviation, rows } = setting;
    const whole = dips(deviation, table);
    axes.clear();
    const truth = (part) => part.line([[TRUTH, 0], [TRUTH, 2]], 0, { stroke: "currentColor", "stroke-dasharray": "2 3" });
    truth(axes);
    axes.line(whole.seen.map((y, k) => [k / 2000, y]), 0, { style: "stroke-width: 1" });
    near?.group.remove();
    const xlim = [Math.max(0, TRUTH - 17 / deviation), Math.min(2, TRUTH + 17 / deviation)];
    near = stage.axes({ box: [0, high, width, high], xlim, ylim: [0, 2], xlabel: "a, enlarged around the truth", ylabel: "loss" });
    truth(near);
    const fine = grid(...xlim, 400);
    near.line(fine.map((a) => [a, sample(a, deviation, table)]), 0);
    near.line(fine.map((a) => [a, population(a, deviation)]), 1);
    const [low, top] = rims(deviation, table);
    const tell = (a) => Number(a.toPrecision(4));
    stage.say(`x of deviation ${short(deviation)}, ${rows} rows: ${whole.count} dip${whole.count === 1 ? "" : "s"} from 0 to 2. `
      + `The one at ${TRUTH} reaches from ${tell(low)} to ${tell(top)}: it is ${short(top - low)} wide, `
      + `${short((top - low) * deviation)} over the deviation.`);
    host.state = { ...setting, dips: whole.count, rims: [low, top] };
  };

  stage.legend(["these rows", "infinitely many rows"]);
  stage.slider("deviation of x", { min: 1, max: 500, step: 0.0134948, value: 5, log: true }, (deviation) => {
    setting.deviation = deviation;
    show();
  });
  stage.slider("rows", { min: 20, max: 10000, step: 0.0134948, value: 200, log: true, show: (n) => String(Math.round(n)) }, (rows) => {
    setting.rows = Math.round(rows);
    table = means(drawRows(setting.rows));
    show();
  });
  show();
}
