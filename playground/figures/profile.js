// A peak on a slope, fitted while the reader moves a data point: what the width's error does.
import { Stage, short } from "../kit.js";

// The data of the chapter, to six digits; a test compares them.
export const DATA = {
  error: 0.8,
  y: [
    6.151243, 5.479237, 5.464422, 3.739138, 7.029526, 6.402571, 5.124468, 5.901675,
    5.406101, 4.638247, 5.767341, 4.648870, 4.561976, 4.147211, 5.147137, 4.775460,
    5.456314, 4.811277, 5.789057, 5.454190, 7.357300, 7.306572, 7.758449, 7.948445,
    6.682797, 7.739597, 8.181645, 4.532388, 3.739786, 3.248518, 4.551612, 3.522508,
    3.932314, 3.386672, 2.780805, 2.685460, 2.193536, 2.909047, 1.202413, 1.663855,
  ],
};
const X = DATA.y.map((_, k) => (10 * k) / (DATA.y.length - 1));

export function model(x, [height, center, width, level, slope]) {
  return height * Math.exp(-(((x - center) / width) ** 2) / 2) + level + slope * x;
}

function slopes(x, [height, center, width]) {
  const z = (x - center) / width;
  const bell = Math.exp((-z * z) / 2);
  return [bell, (height * bell * z) / width, (height * bell * z * z) / width, 1, x];
}

export function chiSquared(y, p) {
  return y.reduce((sum, value, k) => sum + ((value - model(X[k], p)) / DATA.error) ** 2, 0);
}

// Solve a small symmetric system by elimination with pivots.
function solve(matrix, right) {
  const rows = matrix.map((row, i) => [...row, right[i]]);
  rows.forEach((_, i) => {
    const pivot = rows.slice(i).reduce((best, row, k) => (Math.abs(row[i]) > Math.abs(rows[best][i]) ? i + k : best), i);
    [rows[i], rows[pivot]] = [rows[pivot], rows[i]];
    rows.forEach((row, k) => {
      if (k === i) return;
      const share = row[i] / rows[i][i];
      for (let j = i; j <= rows.length; j += 1) row[j] -= share * rows[i][j];
    });
  });
  return rows.map((row, i) => row.at(-1) / row[i]);
}

// Levenberg and Marquardt's fit of the free parameters, from a start.
export function fit(y, start, free = [0, 1, 2, 3, 4]) {
  let [p, best, damping] = [[...start], chiSquared(y, start), 1e-3];
  for (let k = 0; k < 200; k += 1) {
    const rows = X.map((x) => slopes(x, p)).map((row) => free.map((i) => row[i]));
    const matrix = free.map((_, i) => free.map((__, j) => rows.reduce((sum, row) => sum + row[i] * row[j], 0)));
    const right = free.map((_, i) => rows.reduce((sum, row, n) => sum + row[i] * (y[n] - model(X[n], p)), 0));
    const damped = matrix.map((row, i) => row.map((value, j) => value * (i === j ? 1 + damping : 1)));
    const step = solve(damped, right);
    const next = [...p];
    free.forEach((i, n) => (next[i] += step[n]));
    const value = chiSquared(y, next);
    if (value <= best) {
      const gain = best - value;
      [p, best, damping] = [next, value, damping / 5];
      if (gain < 1e-12 * best) break;
    } else damping *= 5;
    if (damping > 1e12) break;
  }
  return { p, best };
}

// Half the width of HESSE's parabola at 1: it touches the profile at its lowest point, where both
// have the same second derivative.
export function hesse(y, found) {
  const [low, high] = profile(y, found, [-0.01, 0.01].map((far) => found.p[2] + far));
  return 0.01 / Math.sqrt((low + high) / 2);
}

// The slice: the same with the others held.
export const slice = (y, { p, best }, widths) =>
  widths.map((width) => chiSquared(y, p.map((value, i) => (i === 2 ? width : value))) - best);

// Where the profile is up by that much: its root is nearly straight between two widths.
export function crossings(widths, rise, up) {
  const root = (value) => Math.sqrt(Math.max(0, value));
  return widths.slice(1).flatMap((width, k) => {
    const [low, high] = [root(rise[k]), root(rise[k + 1])];
    const between = widths[k] + ((width - widths[k]) * (Math.sqrt(up) - low)) / (high - low);
    return (rise[k] - up) * (rise[k + 1] - up) < 0 ? [between] : [];
  });
}

// The profile of the width: chi-squared above its minimum, the others fitted again.
export function profile(y, { p, best }, widths) {
  const others = [0, 1, 3, 4];
  const rise = new Array(widths.length);
  const walk = (order) => {
    let last = p;
    order.forEach((k) => {
      const held = fit(y, last.map((value, i) => (i === 2 ? widths[k] : value)), others);
      last = held.p;
      rise[k] = held.best - best;
    });
  };
  const middle = widths.findIndex((width) => width >= p[2]);
  const places = [...widths.keys()];
  walk(places.slice(middle));
  walk(places.slice(0, middle).reverse());
  return rise;
}

export default function draw(host, { width, height }) {
  const tall = width < 500;
  const box = tall ? [width, 0.7 * width] : [width / 2, Math.max(300, Math.min(height, 340))];
  const stage = new Stage(host, { width, height: tall ? 2 * box[1] : box[1], label: "A fit and its profile" });
  const data = stage.axes({ box: [0, 0, ...box], xlim: [0, 10], ylim: [-1, 9], xlabel: "x", ylabel: "y" });
  const place = tall ? [0, box[1]] : [box[0], 0];
  const curve = stage.axes({ box: [...place, ...box], xlim: [0.4, 1.3], ylim: [0, 6], xlabel: "width", ylabel: "chi-squared above its minimum" });
  const chosen = 26;
  const y = [...DATA.y];
  const widths = Array.from({ length: 37 }, (_, k) => 0.4 + 0.025 * k);
  let [up, last] = [1, fit(y, [4, 6, 1, 6, -0.4])];

  const show = () => {
    last = fit(y, last.p);
    const { p, best } = last;
    data.clear();
    data.dots(X.map((x, k) => [x, y[k]]), 0, 3).setAttribute("fill", "currentColor");
    data.line(Array.from({ length: 101 }, (_, k) => [k / 10, model(k / 10, p)]), 1, { "stroke-dasharray": "" });
    const rise = profile(y, last, widths);
    const error = hesse(y, last);
    const ends = crossings(widths, rise, up);
    curve.clear();
    curve.line([[0, up], [9, up]], 0, { stroke: "currentColor", style: "stroke-width: 1" });
    const fine = Array.from({ length: 91 }, (_, k) => 0.4 + k / 100);
    curve.line(widths.map((w, k) => [w, rise[k]]), 0);
    curve.line(fine.map((w) => [w, ((w - p[2]) / error) ** 2]), 1);
    const cut = slice(y, last, fine);
    curve.line(fine.map((w, k) => [w, cut[k]]), 2);
    curve.dots(ends.map((w) => [w, up]), 0, 5).setAttribute("fill", "currentColor");
    const told = ends.length === 2
      ? `MINOS goes ${short(p[2] - ends[0])} down and ${short(ends[1] - p[2])} up, to ${short(ends[0])} and ${short(ends[1])}`
      : "an end of MINOS's interval is out of the picture";
    stage.say(`Width ${short(p[2])}, chi-squared ${short(best)} for 35 degrees of freedom. Up by ${short(up)}: ${told}; `
      + `HESSE's parabola goes ${short(error * Math.sqrt(up))} either way.`);
    host.state = { p, best, ends, up, error };
  };

  const handle = data.handle([X[chosen], y[chosen]], "One data point", ([, value]) => {
    y[chosen] = value;
    handle.put([X[chosen], value]);
    show();
  });
  stage.legend(["profile", "HESSE's parabola", "slice"]);
  stage.slider("up", { min: 0.2, max: 5, step: 0.1, value: 1 }, (value) => {
    up = value;
    show();
  });
  stage.button("Back to the printed data", () => {
    y[chosen] = DATA.y[chosen];
    handle.put([X[chosen], y[chosen]]);
    show();
  });
  show();
}
