"""A network as it is bought: a fat tree of switches, counted by ports, cables and ends, and priced by them.

A leaf switch shares its ports between chips and the tier above; ``oversubscription`` is the ratio of both. All switches
above pass on as much as they take. Counts are means: whole switches are a little more where sizes do not divide.
Sources: Leiserson 1985 (doi 10.1109/TC.1985.6312192); Al-Fares et al. 2008 (doi 10.1145/1402958.1402967) for trees of
equal switches.
"""

from steptime.model.economics.symbols import (  # isort: skip
    cable_price, fabric_hosts, fabric_tiers, fibre_price, nic_price, oversubscription, port_bandwidth, radix,
    switch_price, transceiver_power, transceiver_price,
)  # fmt: skip

up = radix / (1 + oversubscription)
"""Ports of a leaf switch towards the tier above."""

down = radix * oversubscription / (1 + oversubscription)
"""Its ports towards chips."""

links = (fabric_tiers - 1) / oversubscription
"""Links between switches for each port of a chip, over all tiers."""

ports = 1 + 2 * links
"""Ports of switches for each port of a chip."""

switches = fabric_hosts * ports / radix
"""Switches of the whole network."""

most_hosts = 2 * (radix / 2) ** fabric_tiers
"""Ports for chips of the largest network of so many tiers, nothing oversubscribed."""

switching = ports * switch_price / radix
cabling = cable_price + links * (fibre_price + 2 * transceiver_price)
"""Dollars for each port of a chip: its interface, its share of the switches, and cables with their ends."""

host_price = nic_price + switching + cabling
"""All of it."""

bandwidth_price = host_price / port_bandwidth
"""Dollars for one byte/s of a chip."""

optics_power = 2 * links * transceiver_power
"""Watts of the ends of links between switches, for each port of a chip."""
