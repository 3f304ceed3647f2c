"""Every quantity of the model, one line each: name, unit, LaTeX, meaning.

Base units only: second, byte, FLOP, dollar, joule. Sequences, tokens, parameters, chips and layers are counts.
"""

from steptime.model.quantity import FLOP, byte, count, dollar, joule, quantity, second

# --- what is asked -------------------------------------------------------------------------------------------------
batch = quantity("batch", count, "B", "sequences in flight over all chips and replicas", integer=True)
context = quantity("context", count, "L", "tokens of context per sequence that a decode step reads", integer=True)
prompt = quantity("prompt", count, r"T_{\mathrm{in}}", "tokens per sequence in a prefill", integer=True)
micro_batch = quantity("micro_batch", count, "b", "sequences that one pipeline stage works on at once")

# --- the model, as the blackboard sees it --------------------------------------------------------------------------
parameters = quantity("parameters", count, "N_t", "weights stored, without multi-token-prediction modules", integer=True)
parameters_read = quantity("parameters_read", count, "N_r", "weights that one step streams from memory")
active_parameters = quantity("active_parameters", count, "N_a", "weights multiplied per token", integer=True)
kv_bytes = quantity("kv_bytes", byte, r"\kappa", "KV cache bytes read per token of context, all layers")
kv_written = quantity("kv_written", byte, r"\kappa_w", "KV cache bytes that a sequence writes per step")
attention_flops = quantity("attention_flops", FLOP, r"\alpha", "attention FLOP per token and per token of context")
scale_up_bytes = quantity("scale_up_bytes", byte, r"v_\mathrm{up}", "bytes a chip sends over scale-up per token of the micro-batch")
scale_out_bytes = quantity("scale_out_bytes", byte, r"v_\mathrm{out}", "bytes a chip sends over scale-out per token of the micro-batch")
scale_up_starts = quantity("scale_up_starts", count, r"n_\mathrm{up}", "collectives started on scale-up in one step")
scale_out_starts = quantity("scale_out_starts", count, r"n_\mathrm{out}", "collectives started on scale-out in one step")
width = quantity("width", count, "d", "width of the residual stream", integer=True)
layers = quantity("layers", count, r"n_L", "transformer layers", integer=True)

# --- precision -----------------------------------------------------------------------------------------------------
bytes_per_weight = quantity("bytes_per_weight", byte, r"\beta", "bytes that store one weight")
bytes_per_kv = quantity("bytes_per_kv", byte, r"\beta_{kv}", "bytes that store one element of the KV cache")
dispatch_bytes = quantity("dispatch_bytes", byte, r"\beta_d", "bytes per activation sent to the experts")
combine_bytes = quantity("combine_bytes", byte, r"\beta_c", "bytes per activation sent back from the experts")
reduce_bytes = quantity("reduce_bytes", byte, r"\beta_r", "bytes per activation in all-reduce, gather and scatter")
send_bytes = quantity("send_bytes", byte, r"\beta_s", "bytes per activation sent to the next pipeline stage")

# --- layout --------------------------------------------------------------------------------------------------------
tensor_parallel = quantity("tensor_parallel", count, r"\mathrm{tp}", "chips that split each matrix", integer=True)
context_parallel = quantity("context_parallel", count, r"\mathrm{cp}", "chips that split each sequence's context", integer=True)
data_parallel = quantity("data_parallel", count, r"\mathrm{dp}", "attention groups of one replica that split its batch", integer=True)
expert_parallel = quantity("expert_parallel", count, r"\mathrm{ep}", "groups of chips that share out the experts", integer=True)
pipeline_parallel = quantity("pipeline_parallel", count, "P", "pipeline stages", integer=True)
replicas = quantity("replicas", count, "R", "independent copies of the whole model", integer=True)
stage_chips = quantity("stage_chips", count, "E", "chips that share one pipeline stage", integer=True)
chips = quantity("chips", count, r"n_\mathrm{chips}", "chips over all stages and replicas", integer=True)
compute_shards = quantity("compute_shards", count, "E_c", "ways the layout really splits the multiply-adds of a stage")
weight_shards = quantity("weight_shards", count, "E_w", "ways the layout really splits the weights read by a stage")
kv_shards = quantity("kv_shards", count, "E_{kv}", "ways the layout really splits the KV cache traffic of a stage")

# --- the machine, per chip -----------------------------------------------------------------------------------------
peak_flops = quantity("peak_flops", FLOP / second, "F", "dense peak at the activations' precision")
memory_bandwidth = quantity("memory_bandwidth", byte / second, "W", "memory bandwidth")
memory_capacity = quantity("memory_capacity", byte, "C", "memory capacity")
scale_up_bandwidth = quantity("scale_up_bandwidth", byte / second, r"I_\mathrm{up}", "scale-up bandwidth, one direction")
scale_up_domain = quantity("scale_up_domain", count, "S", "chips in a scale-up domain", integer=True)
scale_out_bandwidth = quantity("scale_out_bandwidth", byte / second, r"I_\mathrm{out}", "scale-out bandwidth, one direction")
scale_up_latency = quantity("scale_up_latency", second, r"\ell_\mathrm{up}", "start-up latency of a collective on scale-up")
scale_out_latency = quantity("scale_out_latency", second, r"\ell_\mathrm{out}", "start-up latency of a collective on scale-out")
chip_hour_price = quantity("chip_hour_price", dollar, "p_h", "price of one chip for one hour")
power = quantity("power", joule / second, r"\mathcal{P}", "power of one chip")
compute_efficiency = quantity("compute_efficiency", count, r"\eta_c", "achieved over peak FLOP/s, 0 to 1")
memory_efficiency = quantity("memory_efficiency", count, r"\eta_m", "achieved over peak memory bandwidth, 0 to 1")
interconnect_efficiency = quantity("interconnect_efficiency", count, r"\eta_i", "achieved over peak link bandwidth, 0 to 1")

# --- results that problems are stated in ---------------------------------------------------------------------------
step_time = quantity("step_time", second, "t", "time between two tokens of one sequence")
tokens_per_second = quantity("tokens_per_second", 1 / second, "r", "tokens per second over all chips")
tokens_per_second_per_sequence = quantity("tokens_per_second_per_sequence", 1 / second, "r_1", "tokens per second of one sequence")
dollars_per_million_tokens = quantity("dollars_per_million_tokens", dollar, r"c_{\mathrm{M}}", "dollars per million tokens")
joules_per_token = quantity("joules_per_token", joule, "e", "joules per token")
memory_per_chip = quantity("memory_per_chip", byte, "M", "memory that the fullest chip needs")

# --- conventions ---------------------------------------------------------------------------------------------------
flops_per_mac = quantity("flops_per_mac", FLOP, "2", "FLOP counted for one multiply-add: two")
hour = quantity("hour", second, r"3600\,\mathrm{s}", "one hour")
million = quantity("million", count, "10^6", "one million")
