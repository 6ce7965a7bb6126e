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

const [WIDE, HIGH] = [52, 30];

export default function draw(host, { width, height }) {
  const tall = width < 500;
  const stage = new Stage(host, { width, height: tall ? 370 : Math.max(height, 260), label: "A tape" });
  const setting = { x: 2, y: 3, step: 1 };
  const share = (part, room) => room * (0.17 + 0.66 * part);
  // From left to right, or from top to bottom.
  const spot = ([k, i]) => tall ? [share(i, width), 40 + 145 * k] : [share(k / 2, width), share(i, stage.height)];
  const steps = [...Array(3).fill("forward"), "the slope of the sum is 1; back through the sum", "back through the product", "back through the sine"];
  const write = (text, x, y, name = "") => element("text", { x, y, "text-anchor": "middle", class: name }, stage.svg, text);

  const show = () => {
    const { x, y, step } = setting;
    const values = forward(x, y);
    const known = [2, 4, 5, 5, 5, 5][step - 1];
    const { slopes, parts } = backward(values, Math.max(0, step - 3));
    stage.svg.replaceChildren();
    tape.forEach(({ at, of }, index) => of.forEach((from) => {
      const [[x1, y1], [x2, y2]] = [spot(tape[from].at), spot(at)];
      const [dx, dy] = [x2 - x1, y2 - y1];
      const part = parts.find((p) => p.from === index && p.to === from);
      const look = { class: "curve", stroke: part ? "#d55e00" : "#888" };
      element("line", { x1, y1, x2, y2, ...look }, stage.svg);
      const edge = 1 - Math.min(WIDE / Math.abs(dx), HIGH / Math.abs(dy));
      const turn = `translate(${x1 + edge * dx} ${y1 + edge * dy}) rotate(${(Math.atan2(dy, dx) * 180) / Math.PI})`;
      element("path", { d: "M-10,-5L0,0L-10,5", transform: turn, ...look }, stage.svg);
      if (part) write(`× ${part.factor.toFixed(3)}`, (x1 + x2) / 2, (y1 + y2) / 2 + 4, "over-line");
    }));
    tape.forEach(({ name, at }, index) => {
      const [left, top] = spot(at);
      const look = { x: left - WIDE, y: top - HIGH, width: 2 * WIDE, height: 2 * HIGH, rx: 6, class: "box" };
      element("rect", look, stage.svg);
      const reached = step > 3 && (index === 4 || parts.some((p) => p.to === index));
      const lines = [name, `value ${index < known ? values[index].toFixed(3) : ""}`, `slope ${reached ? slopes[index].toFixed(3) : ""}`];
      lines.forEach((line, k) => write(line, left, top - 12 + 18 * k));
    });
    const got = tape.map(({ name }, k) => `${name} is ${values[k].toFixed(3)}`).slice([0, 2, 4][step - 1] ?? 5, known);
    const given = parts.filter(({ from }) => from === 8 - step).map(({ from, to, factor }) => `${tape[to].name} gets ${slopes[from].toFixed(3)} × ${factor.toFixed(3)}`);
    const told = step < 6 ? "" : ` The slope of x is the sum over both ways, ${slopes[0].toFixed(3)}.`;
    stage.say(`Step ${step} of 6: ${[steps[step - 1], ...got, ...given].join(", ")}.${told}`);
    button.setAttribute("aria-disabled", step === 6);
    host.state = { ...setting, values, slopes };
  };

  ["x", "y"].forEach((name) => stage.slider(name, { min: -4, max: 4, step: 0.05, value: setting[name] }, (value) => {
    setting[name] = value;
    show();
  }));
  const button = stage.button("One step", () => {
    setting.step = Math.min(6, setting.step + 1);
    show();
  });
  stage.button("Begin anew", () => {
    setting.step = 1;
    show();
  });
  show();
}
