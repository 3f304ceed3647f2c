"""Chapter 9, serving: quantities that only its derivations, and later ones, speak of."""

# ruff: noqa: E501  one quantity, one line
from steptime.model.quantity import byte, count, quantity, second

# fmt: off
token_pairs = quantity("token_pairs", count, r"n_p", "pairs of a new token of one sequence and one that it attends to")
completed_square = quantity("completed_square", count, "z", "an unknown number of tokens, shifted so that its square stands alone")
chunk_bytes = quantity("chunk_bytes", byte, r"\Delta V_c", "bytes that chunks make a chip read beyond one pass")
prefix_saving = quantity("prefix_saving", second, r"\Delta t_c", "time that a cached prefix saves")
latent_ratio = quantity("latent_ratio", count, r"r_\ell", "attention FLOP with latents absorbed over expanded")
answer_time = quantity("answer_time", second, r"t_a", "time of all decode steps of a request, one after another")
prefill_share = quantity("prefill_share", count, r"\sigma_p", "share of prefills in the FLOP of a step", sane=(0, 1))
prefills_per_decode = quantity("prefills_per_decode", count, r"x_r", "prefills that a step carries for each sequence that decodes", sane=(0, 1e9))
prompt_ratio = quantity("prompt_ratio", count, r"x_p", "tokens of the prompt for each decode step of a request")
state_heads = quantity("state_heads", count, r"h_s", "heads of a recurrent mixer")
state_key_dim = quantity("state_key_dim", count, r"d_k", "width of a key of a recurrent mixer")
state_value_dim = quantity("state_value_dim", count, r"d_v'", "width of a value of a recurrent mixer")
convolution_channels = quantity("convolution_channels", count, r"d_x", "channels of a short causal convolution")
convolution_kernel = quantity("convolution_kernel", count, r"k_x", "tokens that a short causal convolution sees")
