"""The best machine with a whole number of memory stacks on each chip."""

from dataclasses import replace

import numpy as np

from steptime.model.errors import UserError
from steptime.model.solver.machine.best import Machine, best_machine


def with_whole_stacks(found: Machine) -> Machine | None:
    """The best machine with a whole number of stacks on each chip, None where there is none.

    What is minimised is convex in the logarithm of the stacks, so the best whole number is next to the best number.
    """
    design = found.design
    if "stack" not in design.for_sale:
        return None
    each, best = found.amounts["stack"] / design.chips, None
    for whole in {max(1, int(np.floor(each * (1 + 1e-9)))), max(1, int(np.ceil(each * (1 - 1e-9))))}:
        stack = design.prices.goods["stack"]
        held = max(workload.capacity for workload in design.workloads)
        holds = whole * design.prices.stack_capacity >= held * (1 - 1e-12)
        if not holds or not (stack.least or 0) <= whole <= (stack.most or np.inf):
            continue
        goods = {**design.prices.goods, "stack": replace(stack, least=float(whole), most=float(whole))}
        try:
            tried = best_machine(replace(design, prices=replace(design.prices, goods=goods)))
        except UserError:
            continue
        best = tried if best is None or tried.cost < best.cost else best
    return best
