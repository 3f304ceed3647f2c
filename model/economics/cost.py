"""Throughput, dollars and joules, from a step time."""

from sympy import Expr, Min

from steptime.model.symbols import (  # isort: skip
    batch, chip_hour_price, chips, hour, joules_per_token, million, power, power_cap, step_time,
)  # fmt: skip

throughput = batch / step_time
"""Tokens per second over all chips: every sequence gains one token a step."""

speed = 1 / step_time
"""Tokens per second of one sequence."""

cost_per_token = chips * chip_hour_price / hour * step_time / batch
"""Dollars per token, every chip paid for during the whole step: of the kind that the price of a chip-hour is."""

cost_per_million_tokens = million * cost_per_token

tokens_per_second_per_megawatt = million / joules_per_token
"""Tokens of a second that a megawatt of power feeds: the watts are those that the joules count."""

energy_per_token = chips * power * step_time / batch
"""Joules per token, every chip at its power for the whole step. At its rated power an upper bound on the chips' own
energy; host, network and cooling count where the power is the system's."""

capped_power: Expr = Min(power, power_cap, evaluate=False)
"""Watts that stand for a chip's power there under a cap: no more than either is drawn."""
