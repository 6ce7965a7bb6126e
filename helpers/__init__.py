"""What the chapters of Downhill import, module by module; importing the package does nothing.

An objective (`objectives`) is what to minimize, a minimizer (`minimizers`: torch.optim, iminuit,
scipy.optimize) is how, a path (`paths`) is what happened. The other modules serve them:
`multistart` runs a minimizer from many starts, here or on a cluster; `noise` makes objectives whose
gradient is noisy; `derivatives` holds gradients, Hessians and finite differences; `initialization`
the spread of a new layer's parameters and the signals that it makes; `plotting` draws on the axes
it is given; `tables` shows rows; `checks` is where the others look at their arguments.
"""
