// The tape of x y + sin x, forward and backward, one step at a time.
import { Stage, element } from "../kit.js";

// What is on the tape: the name, where it stands, what it is made of, its value, and how its slope
// goes back to each of them.
export const tape = [
  { name: "x", at: [0, 0], of: [] },
  { name: "y", at: [0, 1], of: [] },
  { name: "sine", at: [1, 0], of: [0], value: (x) => Math.sin(x), back: (x) => [Math.cos(x)] },
  { name: "multiply", at: [1, 1], of: [0, 1], value: (x, y) => x * y, back: (x, y) => [y, x] },
  { name: "add", at: [2, 0.5], of: [2, 3], value: (a, b) => a + b, back: () => [1, 1] },
];

export function forward(x, y) {
  const values = [x, y];
  tape.slice(2).forEach(({ of, value }) => values.push(value(...of.map((i) => values[i]))));
  return values;
}

// The slopes after so many steps back, and what each step did.
export function backward(values, steps) {
  const slopes = [0, 0, 0, 0, 1];
  const parts = [];
  for (const index of [4, 3, 2].slice(0, steps)) {
    const { of, back } = tape[index];
    const factors = back(...of.map((i) => values[i]));
    of.forEach((i, k) => {
      slopes[i] += factors[k] * slopes[index];
      parts.push({ from: index, to: i, factor: factors[k] });
    });
  }
  return { slopes, parts };
}

export default function draw(host, { width, height }) {
  const stage = new Stage(host, { width, height: Math.max(height, 260), label: "A tape" });
  const setting = { x: 2, y: 3, step: 6 };
  const spot = ([right, down]) => [width * (0.15 + 0.35 * right), stage.height * (0.22 + 0.56 * down)];
  const steps = ["values of x and y", "sine and product", "their sum", "back through the sum", "back through the product", "back through the sine"];

  const show = () => {
    const { x, y, step } = setting;
    const values = forward(x, y);
    const known = [2, 4, 5, 5, 5, 5][step - 1];
    const { slopes, parts } = backward(values, Math.max(0, step - 3));
    stage.svg.replaceChildren();
    tape.forEach(({ at, of }, index) => of.forEach((from) => {
      const [[x1, y1], [x2, y2]] = [spot(tape[from].at), spot(at)];
      const part = parts.find((p) => p.from === index && p.to === from);
      element("line", { x1, y1, x2, y2, class: "curve", stroke: part ? "#d55e00" : "#888" }, stage.svg);
      if (part) {
        const middle = { x: (x1 + x2) / 2, y: (y1 + y2) / 2 + 5, "text-anchor": "middle", class: "mark" };
        element("text", middle, stage.svg, `× ${part.factor.toFixed(3)}`);
      }
    }));
    tape.forEach(({ name, at }, index) => {
      const [left, top] = spot(at);
      const look = { x: left - 52, y: top - 30, width: 104, height: 60, rx: 6, class: "box" };
      element("rect", look, stage.svg);
      const slope = step > 3 && (index === 4 || slopes[index] !== 0) ? slopes[index].toFixed(3) : "";
      const lines = [name, `value ${index < known ? values[index].toFixed(3) : ""}`, `slope ${slope}`];
      lines.forEach((line, k) => element("text", { x: left, y: top - 12 + 18 * k, "text-anchor": "middle" }, stage.svg, line));
    });
    const told = step < 6 ? "" : ` The slope of x is ${slopes[0].toFixed(3)}, the sum over both ways; that of y is ${slopes[1].toFixed(3)}.`;
    stage.say(`Step ${step} of 6: ${steps[step - 1]}.${told}`);
    host.state = { ...setting, values, slopes };
  };

  ["x", "y"].forEach((name) => stage.slider(name, { min: -4, max: 4, step: 0.05, value: setting[name] }, (value) => {
    setting[name] = value;
    show();
  }));
  stage.button("Begin anew", () => {
    setting.step = 1;
    show();
  });
  stage.button("One step", () => {
    setting.step = Math.min(6, setting.step + 1);
    show();
  });
  show();
}
