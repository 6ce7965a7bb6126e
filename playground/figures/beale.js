// Adam on Beale's function: into the trough, or over the pass.
import { COLORS, Stage, short } from "../kit.js";
import { descend } from "../optimizers.js";
import { surfaces } from "../surfaces.js";

const { value } = surfaces.beale;

// The path, its highest value after the first step, and the step that first leads from x <= 0 to
// x > 0, or -1.
export function run({ start, lr, beta1 }, steps = 1000) {
  const path = descend(surfaces.beale, start, "Adam", { lr, beta1, beta2: 0.999 }, steps);
  const highest = Math.max(...path.slice(1).map((point) => value(...point)));
  const crossed = path.findIndex(([x], k) => k && x > 0 && path[k - 1][0] <= 0);
  return { path, end: path.at(-1), highest, crossed };
}

// The trough and its continuation on the far right are where x (1 - y) is near 111/112.
export function place([x, y]) {
  if (Math.hypot(x - 3, y - 0.5) < 0.1) return "at the minimum";
  const along = Math.abs(x * (1 - y) - 111 / 112) < 0.5;
  if (x < 0) return along ? "in the trough on the left" : "left of the line, outside the trough";
  return along && x > 5 ? "far out on the right, along y = 1" : "right of the line, not at the minimum";
}

export default function draw(host, { width, height }) {
  const stage = new Stage(host, { width, height: Math.min(height, 0.5 * width), label: "Adam on Beale's function" });
  const axes = stage.axes({ xlim: [-8, 5], ylim: [-1, 4], xlabel: "x", ylabel: "y", equal: true });
  axes.shade(value, 120);
  const setting = { start: [-1, 2], lr: 0.3, beta1: 0.9 };

  const show = () => {
    const { path, end, highest, crossed } = run(setting);
    const at = (k) => Number(value(...path[k]).toPrecision(4));
    axes.clear();
    axes.line([[0, -1], [0, 4]], 0, { stroke: "#222", "stroke-dasharray": "2 3", style: "stroke-width: 1" });
    axes.mark([3, 0.5], "☆");
    axes.mark([0, 1], "✕");
    axes.line(path, 1, { "stroke-dasharray": "" });
    axes.mark(end, "■", { fill: COLORS[1] });
    const line = "the dotted line x = 0, where the value is 14.2";
    const climb = highest > value(...path[1]) ? `then it climbs to ${short(highest)} at most` : "then it stays below that";
    let way = `the first step leads to the value ${at(1)}, ${climb}; it never crosses ${line}`;
    if (setting.start[0] > 0) way = `it starts on the right of ${line}`;
    else if (crossed > 0) way = `step ${crossed} leads over ${line}, from ${at(crossed - 1)} to ${at(crossed)}`;
    stage.say(`Rate ${short(setting.lr)}, beta1 ${short(setting.beta1)}: ${way}. `
      + `The run ends at (${end.map(short).join(", ")}), ${place(end)}.`);
    host.state = { ...setting, end, highest, crossed };
  };

  axes.handle(setting.start, "Start", (start) => {
    setting.start = start;
    show();
  });
  stage.slider("learning rate", { min: 0.01, max: 1, value: 0.3, log: true }, (lr) => {
    setting.lr = lr;
    show();
  });
  stage.slider("beta1", { min: 0, max: 0.998, step: 0.002, value: 0.9 }, (beta1) => {
    setting.beta1 = beta1;
    show();
  });
  show();
}
