"""Chapter 10, training: quantities that only its derivations, and later ones, speak of."""

# ruff: noqa: E501  one quantity, one line
from steptime.model.quantity import FLOP, byte, count, dollar, quantity, second

# fmt: off
vocabulary = quantity("vocabulary", count, r"n_\mathrm{voc}", "tokens that a model knows", integer=True, sane=(1, 1e9))
training_flops = quantity("training_flops", FLOP, r"f_T", "FLOP of training per token, forward and backward")
rank_tokens = quantity("rank_tokens", count, r"T_\mathrm{rank}", "tokens of a training step that one data-parallel rank works on", sane=(1e-6, 1e15))
microbatch_tokens = quantity("microbatch_tokens", count, r"T_\mu", "tokens of one micro-batch on one data-parallel rank", sane=(1e-6, 1e15))
step_bytes = quantity("step_bytes", byte, r"V_\mathrm{step}", "bytes that a chip sends in one training step")
traffic_ratio = quantity("traffic_ratio", count, r"r_V", "bytes that a chip sends in one way of training over those in another")
state_memory = quantity("state_memory", byte, r"M_\mathrm{state}", "weights, gradients and optimizer state that a chip holds")
run_time = quantity("run_time", second, r"t_\mathrm{run}", "time of a whole training run")
run_cost = quantity("run_cost", dollar, r"c_\mathrm{run}", "dollars of a whole training run")
