"""What the chapters of Downhill import.

An objective is what to minimize, a minimizer is how, a path is what happened:

- `objectives`: functions of a point, each with its domain, its minima and its formula
- `minimizers`: `descend` (torch.optim), `migrad` (iminuit), `scipy_minimize` (scipy.optimize)
- `paths`: the record that every minimizer leaves, and the recorder that makes it

The other modules serve them:

- `multistart`: the same minimizer from many starts, here or on the workers of a cluster
- `noise`: objectives whose gradient is noisy, by a tilt or by mini-batches of a fit
- `derivatives`: gradients, Hessians and finite differences
- `initialization`: the spread of a new layer's parameters, and the signals that it makes
- `plotting`: every function draws on the axes it is given
- `tables`: one way to show a table, in a notebook and in the book alike

Importing this package does nothing: import from its modules.
"""
