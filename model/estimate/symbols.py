"""What one chip does in a pass, gathered into groups that run one after another: the estimate's own quantities."""

from steptime.model.quantity import FLOP, byte, count, quantity, second

# fmt: off  (one quantity, one line)
OPTIONAL = (0.0, 1e30)
dense_bytes = quantity("dense_bytes", byte, r"Z_w", "bytes of weights that a chip reads in a pass and every token multiplies, norms and biases with them", sane=OPTIONAL)
dense_flops = quantity("dense_flops", FLOP, r"A_w", "FLOP of a chip in a pass on weights that every token multiplies", sane=OPTIONAL)
expert_bytes = quantity("expert_bytes", byte, r"Z_e", "bytes of routed experts that a chip reads in a pass", sane=OPTIONAL)
expert_flops = quantity("expert_flops", FLOP, r"A_e", "FLOP of a chip in a pass on routed experts", sane=OPTIONAL)
cache_bytes = quantity("cache_bytes", byte, r"Z_\kappa", "bytes of KV cache and of state that a chip reads and writes in a pass", sane=OPTIONAL)
score_flops = quantity("score_flops", FLOP, r"A_\alpha", "FLOP of a chip in a pass on scores, sums of values, states and indices", sane=OPTIONAL)
sent_up = quantity("sent_up", byte, r"Z_\mathrm{up}", "bytes that a chip sends over scale-up in a pass", sane=OPTIONAL)
sent_out = quantity("sent_out", byte, r"Z_\mathrm{out}", "bytes that a chip sends over scale-out in a pass", sane=OPTIONAL)
reduces = quantity("reduces", count, r"j_+", "all-reduces and gathers that a pass starts", sane=OPTIONAL)
exchanges = quantity("exchanges", count, r"j_x", "exchanges between experts, and sends, that a pass starts", sane=OPTIONAL)
kernels = quantity("kernels", count, r"j_k", "kernels that a pass starts one after another", sane=OPTIONAL)
sequences = quantity("sequences", count, r"j_s", "sequences of one rank in a step, of all its stages", sane=OPTIONAL)
riding = quantity("riding", count, r"x_P", "prefills of others that ride along in one decode step", sane=OPTIONAL)

# --- one collective ---------------------------------------------------------------------------------------------------
SHARE = (0.01, 1.0)
collective_start = quantity("collective_start", second, r"\tau_g", "time of a collective that moves next to nothing, on one tier", sane=(0.0, 1.0))
collective_share = quantity("collective_share", count, r"\eta_g", "share of a tier's bandwidth that a collective reaches while it moves bytes", sane=SHARE)
up_start = quantity("up_start", second, r"\tau_\mathrm{up}", "start of a collective on scale-up; zero where it has no part there", sane=OPTIONAL)
out_start = quantity("out_start", second, r"\tau_\mathrm{out}", "start of a collective on scale-out; zero where it has no part there", sane=OPTIONAL)
up_moving = quantity("up_moving", second, r"t_{V,\mathrm{up}}", "time in which a collective's bytes pass a chip's scale-up links", sane=OPTIONAL)
out_moving = quantity("out_moving", second, r"t_{V,\mathrm{out}}", "time in which a collective's bytes pass a chip's scale-out link", sane=OPTIONAL)
# fmt: on
