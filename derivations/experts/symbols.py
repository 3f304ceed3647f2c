"""Chapter 2, experts on a rack: quantities that only its derivations, and later ones, speak of."""

# ruff: noqa: E501  one quantity, one line
from steptime.derivations.batch.symbols import experts_routed
from steptime.model.quantity import byte, count, quantity, second, within
from steptime.model.symbols import OPTIONAL, RATES

# fmt: off
network_time = quantity("network_time", second, "t_n", "interconnect term of a step")
experts_per_token = quantity("experts_per_token", count, "k", "routed experts that a token chooses", integer=True, sane=(1, 1e6))
expert_layers = quantity("expert_layers", count, "n_e", "layers with routed experts", integer=True, sane=(1, 1e7))
touched_experts = quantity("touched_experts", count, r"N_\mathrm{touched}", "expected distinct experts of a layer that a micro-batch chooses", sane=(1e-6, 1e7))
untouched_share = quantity("untouched_share", count, r"\epsilon_e", "share of the experts of a layer that no token chooses", sane=(0, 1))
miss_probability = quantity("miss_probability", count, r"q_e", "probability that a token does not choose a given expert", sane=(0, 1))
chip_copies = quantity("chip_copies", count, "k_1", "copies of a token that go to one given chip, on average")
message_bytes = quantity("message_bytes", byte, "V_1", "bytes that one chip sends to another for the experts of a layer: copies of its own tokens, and results for the other's")
copy_bytes = quantity("copy_bytes", byte, "V", "bytes of the copies of one chip's tokens for the experts of a layer, out and back")
exchange_bytes = quantity("exchange_bytes", byte, r"V_x", "bytes that one chip sends to all others for the experts of a layer")
domain_bytes = quantity("domain_bytes", byte, r"V_\mathrm{in}", "bytes that one chip sends to the other chips of its scale-up domain for the experts of a layer", sane=OPTIONAL)
remote_bytes = quantity("remote_bytes", byte, r"V_\mathrm{out}", "bytes that one chip sends to the chips of other scale-up domains for the experts of a layer", sane=OPTIONAL)
scale_up_time = quantity("scale_up_time", second, r"t_\mathrm{up}", "time that scale-up takes in a step")
scale_out_time = quantity("scale_out_time", second, r"t_\mathrm{out}", "time that scale-out takes in a step")
exchange_slowdown = quantity("exchange_slowdown", count, r"s_x", "time of an expert exchange over that on scale-up alone")
remote_share = quantity("remote_share", count, r"x_\mathrm{out}", "share of a token's copies that leave the scale-up domain", sane=(0, 1))
reference_time = quantity("reference_time", second, r"t_{m,0}", "memory term of a step on the machine compared with")
reference_domain = quantity("reference_domain", count, "S_0", "chips in a scale-up domain of the machine compared with", integer=True, sane=(1, 1e7))
reference_bandwidth = quantity("reference_bandwidth", byte / second, "W_0", "memory bandwidth of the machine compared with", sane=RATES)
load_speedup = quantity("load_speedup", count, r"s_W", "how much faster a domain streams the weights than the domain compared with")
versions_ratio = quantity("versions_ratio", count, r"r_b", "balanced batch of one expert over that of the whole model")
expert_tokens = quantity("expert_tokens", count, r"b_k", "tokens of a micro-batch that one expert receives, on average", sane=(1e-9, 1e15))
experts_draft_gain = quantity("experts_draft_gain", count, r"\psi_{g,e}", "tokens a second with drafts over those without, where a pass reads its experts alone")
always_read = quantity("always_read", count, r"N_\mathrm{d}", "weights that every step reads, whatever its tokens choose", sane=(1e-9, 1e17))
routed_weights = quantity("routed_weights", count, r"N_x", "weights of all routed experts", sane=(1e-9, 1e17))
drafted_reads = quantity("drafted_reads", count, r"N_{r,2}", "weights that a pass reads with one draft for each sequence")

within(experts_per_token, experts_routed)
