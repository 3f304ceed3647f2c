"""Chapter 10, training: quantities that only its derivations, and later ones, speak of."""

# ruff: noqa: E501  one quantity, one line
from steptime.derivations.prices.symbols import query_heads
from steptime.model.quantity import FLOP, byte, count, dollar, quantity, second, within
from steptime.model.symbols import width

# fmt: off
vocabulary = quantity("vocabulary", count, r"n_\mathrm{voc}", "tokens that a model knows", integer=True, sane=(1, 1e9))
product_rows = quantity("product_rows", count, r"n_\mathrm{row}", "rows of the first factor of a matrix product", integer=True, sane=(1, 1e15))
product_inner = quantity("product_inner", count, r"n_\mathrm{in}", "columns of the first factor of a matrix product, rows of the second", integer=True, sane=(1, 1e15))
product_columns = quantity("product_columns", count, r"n_\mathrm{col}", "columns of the second factor of a matrix product", integer=True, sane=(1, 1e15))
forward_macs = quantity("forward_macs", count, r"n_F", "multiply-adds of a matrix product")
training_macs = quantity("training_macs", count, r"n_{FB}", "multiply-adds of a matrix product and of the gradients of both its factors")
training_passes = quantity("training_passes", count, r"r_{FB}", "multiply-adds of training over those of its forward passes")
forward_sequence_flops = quantity("forward_sequence_flops", FLOP, r"f_{F,s}", "FLOP of one sequence's forward pass through all weights")
weight_training_flops = quantity("weight_training_flops", FLOP, r"f_{T,w}", "FLOP of training per token that multiply weights")
attention_training_flops = quantity("attention_training_flops", FLOP, r"f_{T,a}", "FLOP of training per token in scores and sums of attention")
training_flops = quantity("training_flops", FLOP, r"f_T", "FLOP of training per token, forward and backward")
fewer_activations = quantity("fewer_activations", byte, r"a_\ell'", "activations of one layer where less of them is kept")
plain_share = quantity("plain_share", count, r"x_1", "idle share of a step where each pipeline stage holds one chunk", sane=(0, 1))
half_share = quantity("half_share", count, r"x_{1/2}", "half of the idle share with one chunk a stage", sane=(0, 1))
rank_tokens = quantity("rank_tokens", count, r"T_\mathrm{rank}", "tokens of a training step that one data-parallel rank works on", sane=(1e-6, 1e15))
microbatch_tokens = quantity("microbatch_tokens", count, r"T_\mu", "tokens of one micro-batch on one data-parallel rank", sane=(1e-6, 1e15))
gradient_shard = quantity("gradient_shard", byte, r"v_g'", "bytes of one data-parallel rank's share of a chip's gradients")
weight_shard = quantity("weight_shard", byte, r"v_w", "bytes of one data-parallel rank's share of a chip's weights")
scattered_bytes = quantity("scattered_bytes", byte, r"V_\mathrm{sc}", "bytes that a chip sends in a reduce-scatter of gradients between data-parallel ranks")
gathered_gradients = quantity("gathered_gradients", byte, r"V_\mathrm{ga}", "bytes that a chip sends in an all-gather of gradients between data-parallel ranks")
gathered_weights = quantity("gathered_weights", byte, r"V_\mathrm{gw}", "bytes that a chip sends in an all-gather of weights between data-parallel ranks")
gradient_traffic = quantity("gradient_traffic", byte, r"V_g'", "bytes of gradients that a chip sends in one step")
zero_traffic = quantity("zero_traffic", byte, r"V_z", "bytes of gradients and weights that a chip sends in one step under ZeRO")
gradient_time = quantity("gradient_time", second, r"t_g'", "time that gradients take the links of a chip in one step")
zero_time = quantity("zero_time", second, r"t_z", "time that gradients and weights take the links of a chip in one step under ZeRO")
backward_compute_time = quantity("backward_compute_time", second, r"t_{cB}", "compute time of the backward passes of a step")
stream_shard = quantity("stream_shard", byte, r"v_\Sigma", "bytes of one tensor-parallel chip's share of the stream of a micro-batch")
stream_scattered = quantity("stream_scattered", byte, r"V_{\Sigma,\mathrm{sc}}", "bytes that a chip sends in a reduce-scatter of the stream between tensor-parallel chips")
stream_gathered = quantity("stream_gathered", byte, r"V_{\Sigma,\mathrm{ga}}", "bytes that a chip sends in an all-gather of the stream between tensor-parallel chips")
tensor_traffic = quantity("tensor_traffic", byte, r"V_\mathrm{tp}", "bytes of tensor-parallel sums that a chip sends in one step")
sequence_parallel_traffic = quantity("sequence_parallel_traffic", byte, r"V_\mathrm{sp}", "bytes that a chip sends in one step with sequence parallelism in the place of tensor-parallel sums")
tensor_time = quantity("tensor_time", second, r"t_\mathrm{tp}", "time that tensor-parallel sums take the links of a chip in one step")
sequence_parallel_time = quantity("sequence_parallel_time", second, r"t_\mathrm{sp}", "the same with sequence parallelism: gathers and scatters in the place of sums")
step_bytes = quantity("step_bytes", byte, r"V_\mathrm{step}", "bytes that a chip sends in one training step")
traffic_ratio = quantity("traffic_ratio", count, r"r_V", "bytes that a chip sends in one way of training over those in another")
state_memory = quantity("state_memory", byte, r"M_\mathrm{state}", "weights, gradients and optimizer state that a chip holds")
run_time = quantity("run_time", second, r"t_\mathrm{run}", "time of a whole training run")
run_cost = quantity("run_cost", dollar, r"c_\mathrm{run}", "dollars of a whole training run")
within(query_heads, width)  # a head has a feature of the stream at least
