"""Every quantity of the model, one line each: name, unit, LaTeX, meaning.

Base units only: second, byte, FLOP, dollar, joule. Sequences, tokens, parameters, chips and layers are counts.
"""

from steptime.model.quantity import FLOP, byte, count, dollar, joule, quantity, second, within

# fmt: off  (one quantity, one line)
COUNTS = (1.0, 1e9)
OPTIONAL = (0.0, 1e15)
RATES = (1e3, 1e22)

# --- what is asked -------------------------------------------------------------------------------------------------
batch = quantity("batch", count, "B", "sequences in flight over all chips and replicas", integer=True, sane=COUNTS, relaxed=True)
context = quantity("context", count, "L", "tokens of context per sequence that a decode step reads", integer=True, sane=COUNTS, relaxed=True)
prompt = quantity("prompt", count, r"T_{\mathrm{in}}", "tokens per sequence in a prefill", integer=True, sane=COUNTS)
micro_batch = quantity("micro_batch", count, "b", "sequences that one pipeline stage works on at once", sane=(1e-6, 1e9), relaxed=True)
rank_batch = quantity("rank_batch", count, r"b_\mathrm{r}", "sequences of a micro-batch on the data-parallel rank that has most", sane=(1e-6, 1e9))
group_tokens = quantity("group_tokens", count, r"n_\mathrm{g}", "tokens of a micro-batch on the tensor-parallel group that has most", sane=(1e-6, 1e15))
traversal = quantity("traversal", count, r"\theta", "time of a pass over the time of all stages one after another, less than one where they work on chunks of it at once", sane=(1e-6, 1))

# --- the model, as the blackboard sees it --------------------------------------------------------------------------
parameters = quantity("parameters", count, "N_t", "weights stored, without multi-token-prediction modules", integer=True, sane=(1, 1e17), relaxed=True)
parameters_read = quantity("parameters_read", count, "N_r", "weights that one step streams from memory", sane=(1, 1e17), relaxed=True)
active_parameters = quantity("active_parameters", count, "N_a", "weights multiplied per token", integer=True, sane=(1, 1e17), relaxed=True)
kv_bytes = quantity("kv_bytes", byte, r"\kappa", "KV cache bytes read per token of context, all layers", sane=OPTIONAL)
kv_written = quantity("kv_written", byte, r"\kappa_w", "KV cache bytes that a sequence writes per step, and recurrent state that it reads and writes", sane=OPTIONAL)
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
bytes_per_rotary = quantity("bytes_per_rotary", byte, r"\beta_\rho", "bytes that store one element of the rotary key that a tiled latent cache keeps apart: 16 bits also where the rest is quantised", sane=(0.01, 16))
bytes_per_scale = quantity("bytes_per_scale", byte, r"\sigma_{kv}", "bytes of one 32-bit word of the scales that a tiled latent cache of 8 bits keeps: 4, or 0 where nothing is scaled by tile", sane=(0, 16))
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
usable_memory = quantity("usable_memory", count, r"\eta_C", "share of the memory capacity that may be filled, workspace included; the rest stays free", sane=(0.01, 1))
workspace = quantity("workspace", byte, r"M_\mathrm{ws}", "bytes per chip that a serving engine or a training run takes beside weights, caches and what is counted of activations: their peak, captured graphs, buffers of collectives, context", sane=OPTIONAL)
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
chip_second_price = quantity("chip_second_price", dollar / second, "p", "price of one chip for one second")

# --- over-training: one model's life -------------------------------------------------------------------------------
pretraining_tokens = quantity("pretraining_tokens", count, r"D_\mathrm{pt}", "tokens of pre-training", sane=(1.0, 1e20), relaxed=True)
served_tokens = quantity("served_tokens", count, r"D_\mathrm{inf}", "tokens served over the life of a model", sane=(0.0, 1e20))
decode_efficiency = quantity("decode_efficiency", count, r"\eta", "utilisation in generation over that in training", sane=(1e-6, 1))
optimal_tokens_per_weight = quantity("optimal_tokens_per_weight", count, r"\delta", "pre-training tokens per weight that make training cheapest: 20")
size_coefficient = quantity("size_coefficient", count, r"A_N", "coefficient of weights in the loss law, nats")
size_exponent = quantity("size_exponent", count, r"\alpha_N", "exponent of weights in the loss law")
data_coefficient = quantity("data_coefficient", count, r"A_D", "coefficient of tokens in the loss law, nats")
data_exponent = quantity("data_exponent", count, r"\alpha_D", "exponent of tokens in the loss law")

# --- prices and the cache ------------------------------------------------------------------------------------------
pass_tokens = quantity("pass_tokens", count, "T", "tokens per sequence in one pass: one in decode, many in a prefill", sane=COUNTS)
tier_capacity = quantity("tier_capacity", byte, r"C_t", "capacity of a tier of memory")
tier_bandwidth = quantity("tier_bandwidth", byte / second, r"W_t", "bandwidth of a tier of memory")
tier_second_price = quantity("tier_second_price", dollar / second, r"p_t", "price of a tier of memory for one second")
far_capacity = quantity("far_capacity", byte, r"C_f", "capacity of the tier further away")
far_second_price = quantity("far_second_price", dollar / second, r"p_f", "price of the tier further away for one second")
far_bandwidth = quantity("far_bandwidth", byte / second, r"W_f", "bandwidth of the tier further away")
far_link_bandwidth = quantity("far_link_bandwidth", byte / second, r"I_f", "bandwidth at which the tier further away fills a chip, one direction")
link_bandwidth = quantity("link_bandwidth", byte / second, r"I_t", "bandwidth at which a tier of memory fills a chip, one direction")
restore_time = quantity("restore_time", second, r"\tau_f", "time until a KV cache that was kept, or is computed again, is in the chip's memory")
hold_time = quantity("hold_time", second, r"\tau", "time for which a KV cache is kept")
reuse_age = quantity("reuse_age", second, r"\tau_a", "time since a KV cache was last used")
reuse_share = quantity("reuse_share", count, r"\rho_r", "share of KV caches that are ever asked for again", sane=(0, 1))
reuse_shape = quantity("reuse_shape", count, r"k_\tau", "shape of a distribution of reuse times: below 1 the heavier its tail", sane=(1e-3, 1e6))
reuse_scale = quantity("reuse_scale", second, r"\tau_r", "scale of a distribution of reuse times; the mean of an exponential one")

# --- batch size, context and speed -----------------------------------------------------------------------------------
acceptance = quantity("acceptance", count, r"a_d", "chance that a drafted token is accepted", sane=(0, 1))
drafts = quantity("drafts", count, "g", "tokens drafted per pass", sane=(0, 1e3))
tokens_per_pass = quantity("tokens_per_pass", count, r"A_g", "expected tokens per pass: accepted drafts and one more", sane=(1, 1e4))

# --- experts on a rack, pipelines, recomputation -------------------------------------------------------------------
micro_batches = quantity("micro_batches", count, "m", "micro-batches that pass a pipeline in one step, or are in flight", integer=True, sane=COUNTS)
interleave = quantity("interleave", count, "v", "chunks of layers that each pipeline stage holds", integer=True, sane=(1, 1e6))
forward_time = quantity("forward_time", second, r"t_F", "forward pass of one micro-batch through one stage")
backward_time = quantity("backward_time", second, r"t_B", "backward pass of one micro-batch through one stage: gradient of the inputs")
weight_gradient_time = quantity("weight_gradient_time", second, r"t_G", "backward pass of one micro-batch through one stage: gradient of the weights")
bubble_ratio = quantity("bubble_ratio", count, r"r_\mathrm{idle}", "idle time of a pipeline stage over the time that it works", sane=(0.0, 1e30))

# --- where the money goes: a machine bought by its resources ---------------------------------------------------------
step_flops = quantity("step_flops", FLOP, r"a_F", "FLOP of one step on the whole machine")
step_memory_bytes = quantity("step_memory_bytes", byte, r"a_W", "memory traffic of one step on the whole machine")
step_link_bytes = quantity("step_link_bytes", byte, r"a_I", "bytes sent over links in one step on the whole machine")
capacity_needed = quantity("capacity_needed", byte, r"a_C", "memory capacity that the whole machine must have")
machine_flops = quantity("machine_flops", FLOP / second, r"x_F", "peak FLOP/s of the whole machine")
machine_link_bandwidth = quantity("machine_link_bandwidth", byte / second, r"x_I", "link bandwidth of the whole machine, one direction")
flops_price = quantity("flops_price", dollar * second / FLOP, r"c_F", "dollars for one FLOP/s")
link_price = quantity("link_price", dollar * second / byte, r"c_I", "dollars for one byte/s of link bandwidth")
budget = quantity("budget", dollar, "Y", "dollars spent on a machine")
stack_capacity = quantity("stack_capacity", byte, r"C_s", "capacity of one stack of memory")
stack_bandwidth = quantity("stack_bandwidth", byte / second, r"W_s", "bandwidth of one stack of memory")
stack_price = quantity("stack_price", dollar, r"p_s", "price of one stack of memory")
machine_life = quantity("machine_life", second, r"\tau_m", "time over which a machine is paid off")
stacks = quantity("stacks", count, r"n_\mathrm{st}", "stacks of memory on the whole machine", sane=(1e-6, 1e9))
base_cost = quantity("base_cost", dollar, "Y_0", "dollars of a machine that buy neither FLOP/s nor memory nor links", sane=OPTIONAL)
step_scale_out_bytes = quantity("step_scale_out_bytes", byte, r"a_O", "bytes sent over scale-out links in one step on the whole machine")
machine_scale_out_bandwidth = quantity("machine_scale_out_bandwidth", byte / second, r"x_O", "scale-out bandwidth of the whole machine, one direction")
scale_out_price = quantity("scale_out_price", dollar * second / byte, r"c_O", "dollars for one byte/s of scale-out bandwidth")
flops_energy = quantity("flops_energy", joule / FLOP, r"e_F", "watts for one FLOP/s")
stack_power = quantity("stack_power", joule / second, r"P_s", "watts of one stack of memory")
link_energy = quantity("link_energy", joule / byte, r"e_I", "watts for one byte/s of scale-up bandwidth")
scale_out_energy = quantity("scale_out_energy", joule / byte, r"e_O", "watts for one byte/s of scale-out bandwidth")
base_power = quantity("base_power", joule / second, r"P_0", "watts of a machine that feed neither FLOP/s nor memory nor links", sane=OPTIONAL)
power_limit = quantity("power_limit", joule / second, r"P_\mathrm{max}", "watts that a machine may draw")
electricity_price = quantity("electricity_price", dollar / joule, r"p_e", "dollars for one joule", sane=OPTIONAL)
answer = quantity("answer", count, r"T_\mathrm{out}", "tokens generated per request", sane=COUNTS)
in_flight = quantity("in_flight", count, r"b_f", "sequences that wait for one another's prefills", sane=(1, 1e9))
own_prefill = quantity("own_prefill", count, r"\omega_p", "prefills that no step of a request carries: its own, or none, averaged over all steps", sane=(0, 1))
mean_step_time = quantity("mean_step_time", second, r"\bar t", "time in which as many tokens come out as there are sequences in flight: every prefill counted, and ranks that do not meet each at its own pace")

# --- passes of several tokens, recurrent states, weights by kind ------------------------------------------------------
cached = quantity("cached", count, r"L_c", "tokens of a sequence that are in the cache before a pass", integer=True, sane=(0, 1e9))
chunk = quantity("chunk", count, r"T_c", "tokens of a sequence that one chunk of a prefill works on", integer=True, sane=COUNTS)
chunks = quantity("chunks", count, r"n_c", "chunks in which a prefill works on its tokens, one after another", sane=COUNTS)
unembedding_parameters = quantity("unembedding_parameters", count, r"N_u", "weights that predict the next token from the last layer", integer=True, sane=(0, 1e17))
kv_read = quantity("kv_read", byte, r"\kappa_r", "KV cache bytes that a sequence reads in a pass of several tokens", sane=OPTIONAL)
bytes_per_state = quantity("bytes_per_state", byte, r"\beta_s'", "bytes that store one element of a recurrent state", sane=(0.01, 16))
bytes_per_index = quantity("bytes_per_index", byte, r"\beta_i", "bytes that store one element of a sparse attention's index", sane=(0.01, 16))
bytes_per_index_scale = quantity("bytes_per_index_scale", byte, r"\sigma_i", "bytes of one 32-bit word of the scales of a sparse attention's index: 4, or 0 where its keys have none", sane=(0, 16))
attention_weight_bytes = quantity("attention_weight_bytes", byte, r"\beta_a", "bytes that store one weight of attention and other mixers", sane=(0.01, 16))
dense_weight_bytes = quantity("dense_weight_bytes", byte, r"\beta_f", "bytes that store one weight of dense feed-forward blocks and shared experts", sane=(0.01, 16))
expert_weight_bytes = quantity("expert_weight_bytes", byte, r"\beta_e", "bytes that store one weight of routed experts", sane=(0.01, 16))
router_weight_bytes = quantity("router_weight_bytes", byte, r"\beta_g", "bytes that store one weight of routers, norms and biases", sane=(0.01, 16))
embedding_weight_bytes = quantity("embedding_weight_bytes", byte, r"\beta_v", "bytes that store one weight of the embedding, and of the unembedding where they are tied", sane=(0.01, 16))
unembedding_weight_bytes = quantity("unembedding_weight_bytes", byte, r"\beta_u", "bytes that store one weight of the unembedding", sane=(0.01, 16))
expert_load = quantity("expert_load", count, r"\lambda_e", "tokens that the fullest chip's experts receive over the mean: 1 where the load is even", sane=(1, 1e6))
request_time = quantity("request_time", second, r"t_q", "time of one whole request: prefill and every decode step")

# --- training ---------------------------------------------------------------------------------------------------------
sequence = quantity("sequence", count, r"L_s", "tokens per sequence in training", integer=True, sane=COUNTS)
microbatch = quantity("microbatch", count, r"b_\mu", "sequences of one micro-batch on one data-parallel rank", integer=True, sane=COUNTS)
recomputed_flops = quantity("recomputed_flops", FLOP, r"f_R", "FLOP per sequence that the backward pass computes again", sane=(0.0, 1e30))
weight_passes = quantity("weight_passes", count, r"n_W", "times that one micro-batch streams the weights: forward, backward, and again where recomputed", sane=(1, 4))
state_traffic = quantity("state_traffic", byte, r"M_\mathrm{st}", "bytes of gradients, optimizer state and weights that a chip reads and writes per step beside the passes", sane=(0.0, 1e30))
gradient_up_bytes = quantity("gradient_up_bytes", byte, r"g_\mathrm{up}", "bytes of gradients and weights that a chip sends over scale-up per step", sane=(0.0, 1e30))
gradient_out_bytes = quantity("gradient_out_bytes", byte, r"g_\mathrm{out}", "bytes of gradients and weights that a chip sends over scale-out per step", sane=(0.0, 1e30))
gradient_bytes = quantity("gradient_bytes", byte, r"\beta_g'", "bytes that store one gradient: 0 where each is reduced and used as it comes", sane=(0.0, 16))
optimizer_bytes = quantity("optimizer_bytes", byte, r"\beta_o", "bytes of optimizer state for one weight: Adam in fp32 keeps a master weight and two moments", sane=(0.0, 64))
bytes_per_activation = quantity("bytes_per_activation", byte, r"\beta_x", "bytes that store one activation for the backward pass", sane=(0.01, 16))
logit_bytes = quantity("logit_bytes", byte, r"\beta_l", "bytes that store one logit for the backward pass", sane=(0.01, 16))
model_flops = quantity("model_flops", FLOP, r"f_M", "FLOP per sequence of forward and backward, nothing computed twice", sane=(1.0, 1e30))
training_tokens = quantity("training_tokens", count, r"D_\mathrm{tr}", "tokens that a model is trained on", sane=(1.0, 1e20))
mask_bytes = quantity("mask_bytes", byte, r"\beta_\mathrm{mask}", "bytes that store one element of a dropout mask: one", sane=(0.01, 16))
log_sum_exp_bytes = quantity("log_sum_exp_bytes", byte, r"\beta_\mathrm{lse}", "bytes of the logarithm of a sum of exponentials that a fused attention keeps of a head and token: fp32", sane=(0.0, 1e3))

# --- conventions ---------------------------------------------------------------------------------------------------
flops_per_mac = quantity("flops_per_mac", FLOP, r"\varphi", "FLOP counted for one multiply-add: two")
hour = quantity("hour", second, r"h", "one hour, 3600 s")
million = quantity("million", count, "10^6", "one million")
turn = quantity("turn", count, "j", "number of a summand", integer=True, sane=(0, 1e9))

# --- collectives ---------------------------------------------------------------------------------------------------

# --- parts and wholes -----------------------------------------------------------------------------------------------
within(active_parameters, parameters)
within(unembedding_parameters, active_parameters)
