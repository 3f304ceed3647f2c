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

# --- training: what one chip of the fullest stage does in an optimizer step, while pipelines fill and drain too ----------
wide_flops = quantity("wide_flops", FLOP, r"A_{16}", "FLOP of a chip in a step of training on matrix products in 16 bits that every token passes", sane=OPTIONAL)
narrow_flops = quantity("narrow_flops", FLOP, r"A_8", "FLOP of a chip in a step of training on matrix products in a narrower format that every token passes", sane=OPTIONAL)
wide_grouped_flops = quantity("wide_grouped_flops", FLOP, r"A_{e16}", "FLOP of a chip in a step of training on products of routed experts in 16 bits, their last tiles filled up", sane=OPTIONAL)
narrow_grouped_flops = quantity("narrow_grouped_flops", FLOP, r"A_{e8}", "FLOP of a chip in a step of training on products of routed experts in a narrower format, their last tiles filled up", sane=OPTIONAL)
paired_flops = quantity("paired_flops", FLOP, r"A_\pi", "FLOP of a chip in a step of training on scores and their sums, pairs that a kernel masks afterwards with them", sane=OPTIONAL)
streamed_bytes = quantity("streamed_bytes", byte, r"Z_\theta", "bytes of weights and of sums of gradients that products read and write in a step of training", sane=OPTIONAL)
passed_bytes = quantity("passed_bytes", byte, r"Z_x", "bytes of activations that the kernels between matrix products read and write in a step of training", sane=OPTIONAL)
updated_bytes = quantity("updated_bytes", byte, r"Z_o", "bytes of gradients, state and weights that the optimizer of a chip reads and writes in a step of training", sane=OPTIONAL)
tensor_up = quantity("tensor_up", byte, r"Z_{t\uparrow}", "bytes that a chip sends over scale-up to those that share its layers or its sequences", sane=OPTIONAL)
tensor_out = quantity("tensor_out", byte, r"Z_{t\to}", "bytes that a chip sends over scale-out to those that share its layers or its sequences", sane=OPTIONAL)
exchange_up = quantity("exchange_up", byte, r"Z_{x\uparrow}", "bytes that a chip sends over scale-up to experts and to other stages in a step of training", sane=OPTIONAL)
exchange_out = quantity("exchange_out", byte, r"Z_{x\to}", "bytes that a chip sends over scale-out to experts and to other stages in a step of training", sane=OPTIONAL)
replica_up = quantity("replica_up", byte, r"Z_{r\uparrow}", "bytes of gradients and weights that a chip sends over scale-up to those that hold the same weights", sane=OPTIONAL)
replica_out = quantity("replica_out", byte, r"Z_{r\to}", "bytes of gradients and weights that a chip sends over scale-out to those that hold the same weights", sane=OPTIONAL)
hiding_share = quantity("hiding_share", count, r"\rho_\uparrow", "share of a step's passes behind which gradients and weights can travel between replicas", sane=(0.0, 1.0))
launches = quantity("launches", count, r"j_l", "kernels that the host of a chip launches in a step of training", sane=OPTIONAL)

# --- training: coefficients ---------------------------------------------------------------------------------------------
wide_share = quantity("wide_share", count, r"\eta_{16}", "share of the 16-bit peak that matrix products of training reach", sane=(0.01, 1.0))
narrow_share = quantity("narrow_share", count, r"\eta_8", "share of a narrower format's peak that matrix products of training reach, with the scales that go with them", sane=(0.01, 1.0))
grouped_share = quantity("grouped_share", count, r"\eta_\mathrm{grp}", "speed of products of routed experts over that of products that every token passes: groups of uneven sizes", sane=(0.01, 1.0))
paired_share = quantity("paired_share", count, r"\eta_\pi", "share of the 16-bit peak that attention reaches in training, forward and backward", sane=(0.01, 1.0))
passing_share = quantity("passing_share", count, r"\eta_x", "share of the memory bandwidth that kernels between matrix products reach", sane=(0.01, 1.0))
bulk_streaming = quantity("bulk_streaming", count, r"\eta_b", "share of a link's bandwidth that collectives of many megabytes reach", sane=(0.01, 1.0))
tensor_exposed = quantity("tensor_exposed", count, r"\epsilon_t", "share of the time of tensor- and context-parallel collectives that no computing hides", sane=(0.0, 1.0))
exchange_exposed = quantity("exchange_exposed", count, r"\epsilon_x", "share of the time of exchanges between experts and stages that no computing hides", sane=(0.0, 1.0))
launch_time = quantity("launch_time", second, r"\tau_l", "time of the host to launch one kernel of training", sane=(0.0, 1.0))
