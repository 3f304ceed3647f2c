"""Chapter 16, the network as purchased: quantities that only its derivations, and later ones, speak of."""

# ruff: noqa: E501  one quantity, one line
from steptime.model.quantity import byte, count, dollar, joule, quantity, second

# fmt: off
leaf_up = quantity("leaf_up", count, r"k_\uparrow", "ports of a leaf switch towards the tier above", sane=(1e-6, 1e5))
leaf_down = quantity("leaf_down", count, r"k_\downarrow", "ports of a leaf switch towards chips", sane=(1e-6, 1e5))
leaf_switches = quantity("leaf_switches", count, r"n_\ell", "leaf switches", sane=(1e-6, 1e9))
upper_links = quantity("upper_links", count, r"n_\uparrow", "links from leaf switches to the tier above", sane=(1e-6, 1e12))
all_switches = quantity("all_switches", count, r"n_\mathrm{sw}", "switches of a network", sane=(1e-6, 1e9))
pods = quantity("pods", count, r"n_\pi", "parts of a network that the top tier joins", sane=(1e-6, 1e9))
pod_hosts = quantity("pod_hosts", count, r"n_{h\pi}", "ports for chips of one of these parts", sane=(1e-6, 1e9))
ports_per_host = quantity("ports_per_host", count, r"k_h", "ports of switches for each port of a chip", sane=(1e-6, 1e4))
cables_per_host = quantity("cables_per_host", count, r"\ell_h", "cables for each port of a chip", sane=(1e-6, 1e4))
dollars_per_host = quantity("dollars_per_host", dollar, r"c_{p,h}", "dollars of a network for each port of a chip")
dollars_per_rate = quantity("dollars_per_rate", dollar * second / byte, r"c_{h,I}", "dollars of a network for one byte/s of a chip")
watts_per_host = quantity("watts_per_host", joule / second, r"P_h", "watts of optical ends for each port of a chip", sane=(0, 1e9))
other_price = quantity("other_price", dollar, r"c_{0,x}", "dollars of a chip and its network, the tiers above the leaves apart")
upper_price = quantity("upper_price", dollar, r"c_{1,x}", "dollars for each chip of the tiers above the leaves, nothing oversubscribed")
other_time = quantity("other_time", second, r"t_{0,x}", "time of a step beside what crosses the tiers above the leaves")
upper_time = quantity("upper_time", second, r"t_{1,x}", "time in which a step's traffic crosses them, nothing oversubscribed")
step_price = quantity("step_price", dollar * second, r"\gamma", "dollars of a chip and its network times the time of a step")
