"""Chapter 9, serving: quantities that only its derivations, and later ones, speak of."""

# ruff: noqa: E501  one quantity, one line
from steptime.model.quantity import FLOP, byte, count, quantity, second

# fmt: off
token_pairs = quantity("token_pairs", count, r"n_p", "pairs of a new token of one sequence and one that it attends to", sane=(0, 1e30))
completed_square = quantity("completed_square", count, "z", "an unknown number of tokens, shifted so that its square stands alone")
chunk_bytes = quantity("chunk_bytes", byte, r"\Delta V_c", "bytes that chunks make a chip read beyond one pass")
prefix_saving = quantity("prefix_saving", second, r"\Delta t_{\mathrm{pre}}", "time that a cached prefix saves")
absorbed_flops = quantity("absorbed_flops", FLOP, r"f_a", "attention FLOP of one layer with latents absorbed into queries and outputs")
expanded_flops = quantity("expanded_flops", FLOP, r"f_e", "attention FLOP of one layer with latents expanded to keys and values first")
latent_ratio = quantity("latent_ratio", count, r"r_\ell", "attention FLOP with latents absorbed over expanded")
prefill_time = quantity("prefill_time", second, r"t_p", "time of the prefill of a request")
answer_time = quantity("answer_time", second, r"t_a", "time of all decode steps of a request, one after another")
prefill_share = quantity("prefill_share", count, r"\sigma_p", "share of prefills in the FLOP of a step", sane=(0, 1))
prefills_per_decode = quantity("prefills_per_decode", count, r"x_r", "prefills that a step carries for each sequence that decodes", sane=(0, 1e9))
prompt_ratio = quantity("prompt_ratio", count, r"x_p", "tokens of the prompt for each decode step of a request")
cache_traffic_bytes = quantity("cache_traffic_bytes", byte, r"V_{kv}", "bytes of a growing cache that one layer reads and writes in a decode step")
state_traffic_bytes = quantity("state_traffic_bytes", byte, r"V_s", "bytes of a recurrent state that one layer reads and writes in a decode step")
state_heads = quantity("state_heads", count, r"h_s", "heads of a recurrent mixer")
state_key_dim = quantity("state_key_dim", count, r"d_k", "width of a key of a recurrent mixer")
state_value_dim = quantity("state_value_dim", count, r"d_v'", "width of a value of a recurrent mixer")
convolution_channels = quantity("convolution_channels", count, r"d_x", "channels of a short causal convolution")
convolution_kernel = quantity("convolution_kernel", count, r"k_x", "tokens that a short causal convolution sees")
sequence_flops = quantity("sequence_flops", FLOP, r"f_1", "FLOP of one sequence in a prefill")
weights_flops = quantity("weights_flops", FLOP, r"f_w", "FLOP of a prefill that multiply weights, on one chip")
pairs_flops = quantity("pairs_flops", FLOP, r"f_p", "FLOP of a prefill in scores and sums of attention, on one chip")
pass_bytes = quantity("pass_bytes", byte, r"V_p", "bytes that a chip reads and writes in a pass")
chunk_time = quantity("chunk_time", second, r"t_h", "time that one stage works on one chunk of a prompt")
prefills_per_step = quantity("prefills_per_step", count, r"n_r", "prefills that a step carries, on average", sane=(0, 1e9))
riding_flops = quantity("riding_flops", FLOP, r"f_r", "FLOP of a step in prefills, for each sequence that decodes")
carried_flops = quantity("carried_flops", FLOP, r"f_f", "FLOP of a step that carries prefills, for each sequence that decodes")
replaced_time = quantity("replaced_time", second, r"t_A", "time of the plain steps that give as many tokens as a pass keeps")
