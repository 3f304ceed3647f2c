"""Chapter 15, power and heat: joules of a token on the blackboard, and what tokens cost where watts are short."""

from steptime.derivations.power.symbols import (  # isort: skip
    cable_reach, cable_run, energy_rise, rack_power, raised_token_cost, reached_racks, site_chips, site_cost,
    site_steps, site_token_cost, step_yields,
)  # fmt: skip
from steptime.model.economics.symbols import (  # isort: skip
    byte_energy, power_usage,
)  # fmt: skip
from steptime.model.symbols import (  # isort: skip
    active_parameters, bytes_per_weight, context, electricity_price, flops_energy, flops_per_mac, kv_bytes, micro_batch,
    parameters, power,
)  # fmt: skip

of_token = flops_energy * flops_per_mac * active_parameters + byte_energy * (
    bytes_per_weight * parameters / micro_batch + context * kv_bytes
)
"""Joules of a token: its multiply-adds, its share of the weights' traffic and its own cache's."""

cost_on_site = site_cost / (site_steps * step_yields)
"""Dollars of a token: what a site costs a second over its tokens a second."""

dearer = (raised_token_cost / site_token_cost - 1) / energy_rise
"""By how many per cent a token costs more for each per cent by which an energy rises."""

of_site = power_usage * power * site_chips
"""Watts of a site: those of its chips, and what cooling and conversion draw beside each."""

for_electricity = electricity_price * power_usage * power
"""Dollars of electricity for a chip and its cooling."""

reached = 1 + 2 * (cable_reach - cable_run)
"""Racks that a cable reaches from one in the middle: that one, and as many to either side."""

in_reach = reached_racks * rack_power / power
"""Chips of racks that cables reach: as many in each as it can feed and cool."""
