"""What is to be beaten: the bound itself, and the bound times one number for all machines, models and stacks."""

import numpy as np

from steptime.model.solver.calibration.fit import Array, Table


def ideal(table: Table) -> Array:
    """The logarithm of the bound over the measured time of each row."""
    return np.log([row.ideal for row in table.rows]) - np.log(table.measured)


def one_multiplier(table: Table) -> Array:
    """The same of the bound times one number: the median of measured over bound of all rows but those of the row's
    group of model, machine and serving stack."""
    logs, groups = ideal(table), np.array(table.groups)
    found = np.zeros(len(logs))
    for group in dict.fromkeys(table.groups):
        out = groups == group
        found[out] = logs[out] - np.median(logs[~out])
    return found
