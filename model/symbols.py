"""Every quantity of the model, one line each: name, unit, LaTeX, meaning.

Base units only: second, byte, FLOP, dollar, joule. Sequences, tokens, parameters, chips and layers are counts.
"""

from steptime.model.quantity import FLOP, byte, count, dollar, joule, quantity, second

# fmt: off  (one quantity, one line)
COUNTS = (1.0, 1e9)
OPTIONAL = (0.0, 1e15)
RATES = (1e3, 1e22)

# --- what is asked -------------------------------------------------------------------------------------------------
batch = quantity("batch", count, "B", "sequences in flight over all chips and replicas", integer=True, sane=COUNTS)
context = quantity("context", count, "L", "tokens of context per sequence that a decode step reads", integer=True, sane=COUNTS)
prompt = quantity("prompt", count, r"T_{\mathrm{in}}", "tokens per sequence in a prefill", integer=True, sane=COUNTS)
micro_batch = quantity("micro_batch", count, "b", "sequences that one pipeline stage works on at once", sane=(1e-6, 1e9))

# --- the model, as the blackboard sees it --------------------------------------------------------------------------
parameters = quantity("parameters", count, "N_t", "weights stored, without multi-token-prediction modules", integer=True, sane=(1, 1e17))
parameters_read = quantity("parameters_read", count, "N_r", "weights that one step streams from memory", sane=(1, 1e17))
active_parameters = quantity("active_parameters", count, "N_a", "weights multiplied per token", integer=True, sane=(1, 1e17))
kv_bytes = quantity("kv_bytes", byte, r"\kappa", "KV cache bytes read per token of context, all layers", sane=OPTIONAL)
kv_written = quantity("kv_written", byte, r"\kappa_w", "KV cache bytes that a sequence writes per step", sane=OPTIONAL)
attention_flops = quantity("attention_flops", FLOP, r"\alpha", "attention FLOP per token and per token of context", sane=OPTIONAL)
scale_up_bytes = quantity("scale_up_bytes", byte, r"v_\mathrm{up}", "bytes a chip sends over scale-up per token of the micro-batch", sane=OPTIONAL)
scale_out_bytes = quantity("scale_out_bytes", byte, r"v_\mathrm{out}", "bytes a chip sends over scale-out per token of the micro-batch", sane=OPTIONAL)
scale_up_starts = quantity("scale_up_starts", count, r"n_\mathrm{up}", "collectives started on scale-up in one step", sane=OPTIONAL)
scale_out_starts = quantity("scale_out_starts", count, r"n_\mathrm{out}", "collectives started on scale-out in one step", sane=OPTIONAL)
width = quantity("width", count, "d", "width of the residual stream", integer=True, sane=(1, 1e7))
layers = quantity("layers", count, r"n_L", "transformer layers", integer=True, sane=(1, 1e7))

# --- precision -----------------------------------------------------------------------------------------------------
bytes_per_weight = quantity("bytes_per_weight", byte, r"\beta", "bytes that store one weight", sane=(0.01, 16))
bytes_per_kv = quantity("bytes_per_kv", byte, r"\beta_{kv}", "bytes that store one element of the KV cache", sane=(0.01, 16))
dispatch_bytes = quantity("dispatch_bytes", byte, r"\beta_d", "bytes per activation sent to the experts", sane=(0.01, 16))
combine_bytes = quantity("combine_bytes", byte, r"\beta_c", "bytes per activation sent back from the experts", sane=(0.01, 16))
reduce_bytes = quantity("reduce_bytes", byte, r"\beta_r", "bytes per activation in all-reduce, gather and scatter", sane=(0.01, 16))
send_bytes = quantity("send_bytes", byte, r"\beta_s", "bytes per activation sent to the next pipeline stage", sane=(0.01, 16))

# --- layout --------------------------------------------------------------------------------------------------------
tensor_parallel = quantity("tensor_parallel", count, r"\mathrm{tp}", "chips that split each matrix", integer=True, sane=(1, 1e7))
context_parallel = quantity("context_parallel", count, r"\mathrm{cp}", "chips that split each sequence's context", integer=True, sane=(1, 1e7))
data_parallel = quantity("data_parallel", count, r"\mathrm{dp}", "attention groups of one replica that split its batch", integer=True, sane=(1, 1e7))
expert_parallel = quantity("expert_parallel", count, r"\mathrm{ep}", "groups of chips that share out the experts", integer=True, sane=(1, 1e7))
pipeline_parallel = quantity("pipeline_parallel", count, "P", "pipeline stages", integer=True, sane=(1, 1e7))
replicas = quantity("replicas", count, "R", "independent copies of the whole model", integer=True, sane=(1, 1e7))
stage_chips = quantity("stage_chips", count, "E", "chips that share one pipeline stage", integer=True, sane=(1, 1e7))
chips = quantity("chips", count, r"n_\mathrm{chips}", "chips over all stages and replicas", integer=True, sane=(1, 1e7))
compute_shards = quantity("compute_shards", count, "E_c", "ways the layout really splits the multiply-adds of a stage", sane=(1e-3, 1e7))
weight_shards = quantity("weight_shards", count, "E_w", "ways the layout really splits the weights read by a stage", sane=(1e-3, 1e7))
kv_shards = quantity("kv_shards", count, "E_{kv}", "ways the layout really splits the KV cache traffic of a stage", sane=(1e-3, 1e7))

# --- the machine, per chip -----------------------------------------------------------------------------------------
peak_flops = quantity("peak_flops", FLOP / second, "F", "dense peak at the activations' precision", sane=RATES)
memory_bandwidth = quantity("memory_bandwidth", byte / second, "W", "memory bandwidth", sane=RATES)
memory_capacity = quantity("memory_capacity", byte, "C", "memory capacity", sane=RATES)
scale_up_bandwidth = quantity("scale_up_bandwidth", byte / second, r"I_\mathrm{up}", "scale-up bandwidth, one direction", sane=RATES)
scale_up_domain = quantity("scale_up_domain", count, "S", "chips in a scale-up domain", integer=True, sane=(1, 1e7))
scale_out_bandwidth = quantity("scale_out_bandwidth", byte / second, r"I_\mathrm{out}", "scale-out bandwidth, one direction", sane=RATES)
scale_up_latency = quantity("scale_up_latency", second, r"\ell_\mathrm{up}", "start-up latency of a collective on scale-up", sane=(0, 100))
scale_out_latency = quantity("scale_out_latency", second, r"\ell_\mathrm{out}", "start-up latency of a collective on scale-out", sane=(0, 100))
chip_hour_price = quantity("chip_hour_price", dollar, "p_h", "price of one chip for one hour", sane=(1e-9, 1e9))
power = quantity("power", joule / second, r"\mathcal{P}", "power of one chip", sane=(1e-9, 1e9))
compute_efficiency = quantity("compute_efficiency", count, r"\eta_c", "achieved over peak FLOP/s, 0 to 1", sane=(1e-6, 1))
memory_efficiency = quantity("memory_efficiency", count, r"\eta_m", "achieved over peak memory bandwidth, 0 to 1", sane=(1e-6, 1))
interconnect_efficiency = quantity("interconnect_efficiency", count, r"\eta_i", "achieved over peak link bandwidth, 0 to 1", sane=(1e-6, 1))

# --- results that problems are stated in ---------------------------------------------------------------------------
step_time = quantity("step_time", second, "t", "time between two tokens of one sequence")
tokens_per_second = quantity("tokens_per_second", 1 / second, "r", "tokens per second over all chips")
tokens_per_second_per_sequence = quantity("tokens_per_second_per_sequence", 1 / second, "r_1", "tokens per second of one sequence")
dollars_per_million_tokens = quantity("dollars_per_million_tokens", dollar, r"c_{\mathrm{M}}", "dollars per million tokens")
joules_per_token = quantity("joules_per_token", joule, "e", "joules per token")
memory_per_chip = quantity("memory_per_chip", byte, "M", "memory that the fullest chip needs")

compute_time = quantity("compute_time", second, "t_c", "compute term of a step")
memory_time = quantity("memory_time", second, "t_m", "memory term of a step")
network_time = quantity("network_time", second, "t_n", "interconnect term of a step")
token_cost = quantity("token_cost", dollar, r"c", "dollars per token")
chip_second_price = quantity("chip_second_price", dollar / second, "p", "price of one chip for one second")
ridge = quantity("ridge", count, r"\rho", "batch at which a dense model without KV cache turns compute-bound")
utilisation = quantity("utilisation", count, r"u", "useful FLOP/s over peak FLOP/s (MFU)")

# --- conventions ---------------------------------------------------------------------------------------------------
flops_per_mac = quantity("flops_per_mac", FLOP, r"\varphi", "FLOP counted for one multiply-add: two")
hour = quantity("hour", second, r"h", "one hour, 3600 s")
million = quantity("million", count, "10^6", "one million")
