"""Chapter 8, collectives: quantities that only its derivations, and later ones, speak of."""

# ruff: noqa: E501  one quantity, one line
from steptime.model.quantity import byte, count, quantity, second

# fmt: off
group_chips = quantity("group_chips", count, r"n_g", "chips of one collective", integer=True, sane=(1, 1e7))
group_bytes = quantity("group_bytes", byte, r"V_g", "bytes of one collective: what each chip starts or ends with", sane=(1e-3, 1e18))
group_time = quantity("group_time", second, r"t_g", "time of one collective")
start_up_saving = quantity("start_up_saving", second, r"\Delta t_g", "time by which fewer start-ups shorten a collective")
algorithm_ratio = quantity("algorithm_ratio", count, r"r_g", "time of one collective in one way over its time in another")
kept_bytes = quantity("kept_bytes", byte, r"V_0", "bytes of an all-to-all that a chip keeps for itself")
domains = quantity("domains", count, "D", "scale-up domains that a stage spans", sane=(1, 1e7))
domain_copies = quantity("domain_copies", count, r"c_d", "copies of a token that leave its scale-up domain, one a domain")
copies_ratio = quantity("copies_ratio", count, r"r_d", "copies that leave a domain, one a domain over one an expert")
miss_exponent = quantity("miss_exponent", count, r"\mu_d", "minus the logarithm of the chance that one choice passes a domain by")
ring_chips = quantity("ring_chips", count, r"k_r", "chips along one axis of a torus", integer=True, sane=(1, 1e7))
half_ring = quantity("half_ring", count, r"h_r", "half the chips along one axis of a torus", sane=(0.5, 1e7))
mean_distance = quantity("mean_distance", count, r"\bar{h}", "links that a message crosses along an axis, on average")
torus_axes = quantity("torus_axes", count, r"a_t", "axes of a torus, each with two links a chip", integer=True, sane=(1, 6))
link_bytes = quantity("link_bytes", byte, r"V_\ell", "bytes that one link carries in a collective")
expert_weights = quantity("expert_weights", count, r"w_e", "weights of one routed expert", integer=True, sane=(1, 1e12))
chip_tokens = quantity("chip_tokens", count, r"b_1", "tokens of a pass that one chip holds", sane=(1e-6, 1e9))
