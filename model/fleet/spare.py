"""Whole groups of chips, and one to spare: what it costs that they are bought whole, and that one may fail."""

from sympy import ceiling

from steptime.model.fleet.symbols import (  # isort: skip
    demanded_rate, group_price, groups_in_part, needed_groups, price_a, price_b, rate_a, rate_b, rounding_cost, size_a,
    size_b, whole_groups,
)  # fmt: skip

with_spare = (needed_groups + 1) / needed_groups
"""Groups with a spare one over those without: so many serve after the loss of any one."""

rounding = group_price * (whole_groups - needed_groups)
"""Dollars per second of what is bought beyond what is needed."""

bought = ceiling(needed_groups) + 1
"""Whole groups that serve a demand after the loss of any one."""

spare_on_a = price_a * (demanded_rate / rate_a + size_a)
spare_on_b = price_b * (demanded_rate / rate_b + size_b)
"""Dollars per second with one spare group, groups otherwise of any size."""

gap = groups_in_part * rounding_cost
"""Dollars per second of rounding up every kind of group that an optimum buys in part."""
