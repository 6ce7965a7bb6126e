// Adam on Beale's function: into the trough, or over the pass.
import { COLORS, Stage, short } from "../kit.js";
import { descend } from "../optimizers.js";
import { surfaces } from "../surfaces.js";

const { value } = surfaces.beale;

export function run({ start, lr, beta1 }, steps = 1000) {
  const path = descend(surfaces.beale, start, "Adam", { lr, beta1, beta2: 0.999 }, steps);
  const highest = Math.max(...path.slice(1).map((point) => value(...point)));
  return { path, end: path.at(-1), highest };
}

export default function draw(host, { width, height }) {
  const stage = new Stage(host, { width, height, label: "Adam on Beale's function" });
  const axes = stage.axes({ xlim: [-8, 5], ylim: [-1, 4], xlabel: "x", ylabel: "y", equal: true });
  axes.shade(value, 120);
  const setting = { start: [-1, 2], lr: 0.3, beta1: 0.9 };

  const show = () => {
    const { path, end, highest } = run(setting);
    axes.clear();
    axes.mark([3, 0.5], "☆");
    axes.mark([0, 1], "✕");
    axes.line(path, 1, { "stroke-dasharray": "" });
    axes.mark(end, "■", { fill: COLORS[1] });
    const arrived = Math.hypot(end[0] - 3, end[1] - 0.5) < 0.1;
    const where = arrived ? "at the minimum" : end[0] < 0 ? "in the trough on the left" : "elsewhere";
    stage.say(`Rate ${short(setting.lr)}, beta1 ${short(setting.beta1)}: after the first step the run climbs to `
      + `${short(highest)} at most; the pass, the cross, is at 14.2. It ends at (${end.map(short).join(", ")}), ${where}.`);
    host.state = { ...setting, end, highest };
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
