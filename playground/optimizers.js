// The optimizers of the course, in double precision and in the order of torch.optim's own steps.
// Each is a function of its settings that returns a step: (point, gradient, hessian) -> next point.

const each = (point, change) => point.map((x, i) => x - change(i));

export const optimizers = {
  "gradient descent": ({ lr }) => (point, gradient) => each(point, (i) => lr * gradient[i]),

  momentum: ({ lr, beta1 }) => {
    let velocity;
    return (point, gradient) => {
      velocity = gradient.map((g, i) => (velocity ? beta1 * velocity[i] + g : g));
      return each(point, (i) => lr * velocity[i]);
    };
  },

  Nesterov: ({ lr, beta1 }) => {
    let velocity;
    return (point, gradient) => {
      velocity = gradient.map((g, i) => (velocity ? beta1 * velocity[i] + g : g));
      return each(point, (i) => lr * (gradient[i] + beta1 * velocity[i]));
    };
  },

  AdaGrad: ({ lr }) => {
    let squares = [0, 0];
    return (point, gradient) => {
      squares = squares.map((s, i) => s + gradient[i] * gradient[i]);
      return each(point, (i) => (lr * gradient[i]) / (Math.sqrt(squares[i]) + 1e-10));
    };
  },

  RMSProp: ({ lr, beta2 }) => {
    let squares = [0, 0];
    return (point, gradient) => {
      squares = squares.map((s, i) => beta2 * s + (1 - beta2) * gradient[i] * gradient[i]);
      return each(point, (i) => (lr * gradient[i]) / (Math.sqrt(squares[i]) + 1e-8));
    };
  },

  Adam: ({ lr, beta1, beta2 }) => {
    let mean = [0, 0];
    let squares = [0, 0];
    let count = 0;
    return (point, gradient) => {
      count += 1;
      mean = mean.map((m, i) => m + (1 - beta1) * (gradient[i] - m));
      squares = squares.map((s, i) => beta2 * s + (1 - beta2) * gradient[i] * gradient[i]);
      const size = lr / (1 - beta1 ** count);
      const scale = Math.sqrt(1 - beta2 ** count);
      return each(point, (i) => (size * mean[i]) / (Math.sqrt(squares[i]) / scale + 1e-8));
    };
  },

  AdamW: ({ lr, beta1, beta2, decay }) => {
    const adam = optimizers.Adam({ lr, beta1, beta2 });
    return (point, gradient) => adam(point.map((x) => x * (1 - lr * decay)), gradient);
  },

  Newton: () => (point, [g, h], [[a, b], [c, d]]) => {
    const determinant = a * d - b * c;
    return [point[0] - (d * g - b * h) / determinant, point[1] - (a * h - c * g) / determinant];
  },
};

// The settings that each of them has, beside the number of steps.
export const settingsOf = {
  "gradient descent": ["lr"],
  momentum: ["lr", "beta1"],
  Nesterov: ["lr", "beta1"],
  AdaGrad: ["lr"],
  RMSProp: ["lr", "beta2"],
  Adam: ["lr", "beta1", "beta2"],
  AdamW: ["lr", "beta1", "beta2", "decay"],
  Newton: [],
};

// The points of a descent, its start among them; it ends early where a number is no longer finite.
export function descend(surface, start, name, settings, steps) {
  const step = optimizers[name](settings);
  const points = [start];
  for (let k = 0; k < steps; k += 1) {
    const [x, y] = points[k];
    const hessian = name === "Newton" ? surface.hessian(x, y) : undefined;
    const next = step(points[k], surface.gradient(x, y), hessian);
    if (!next.every(Number.isFinite)) break;
    points.push(next);
  }
  return points;
}
