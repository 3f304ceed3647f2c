"""Chapter 3, pipelines: quantities that only its derivations, and later ones, speak of."""

# ruff: noqa: E501  one quantity, one line
from steptime.model.quantity import byte, count, quantity, second, within
from steptime.model.symbols import COUNTS, OPTIONAL, pipeline_parallel

# fmt: off
tier_time_ratio = quantity("tier_time_ratio", count, r"r_x", "time on scale-up over time on scale-out")
capacity_surplus = quantity("capacity_surplus", count, r"s_C", "memory of a scale-up domain over the bytes of the weights")
layers_per_stage = quantity("layers_per_stage", count, r"\ell", "layers with routed experts of one pipeline stage", integer=True, sane=(1, 1e7))
stage_time = quantity("stage_time", second, r"t_s", "time that one stage works on one micro-batch")
forward_share = quantity("forward_share", count, r"\phi_F", "share of the forward pass in the time of a stage for one micro-batch", sane=(0, 1))
busy_share = quantity("busy_share", count, r"u_s", "share of the time that a pipeline stage works", sane=(0, 1))
hop_latency = quantity("hop_latency", second, r"t_\mathrm{hop}", "time to hand a micro-batch to the next pipeline stage")
token_time = quantity("token_time", second, r"t_\mathrm{tok}", "time of a token with the hops between the stages")
bubble_time = quantity("bubble_time", second, r"t_\mathrm{idle}", "time per step that a pipeline stage stands idle", sane=(0, 1e30))
bubble_share = quantity("bubble_share", count, r"x_\mathrm{idle}", "idle time of a pipeline stage over the time of the step", sane=(0, 1))
training_time = quantity("training_time", second, r"t_\mathrm{train}", "time of one optimizer step through the pipeline")
micro_batch_overhead = quantity("micro_batch_overhead", second, r"t_\mathrm{fix}", "time that a stage spends on a micro-batch of any size: streaming its weights")
sequence_time = quantity("sequence_time", second, r"t_1", "time that one more sequence of a micro-batch adds to a stage")
stage_index = quantity("stage_index", count, "i", "a pipeline stage, counted from one", integer=True, sane=(1, 1e7))
activation_bytes = quantity("activation_bytes", byte, r"A_b", "activations of one micro-batch in all layers, per chip of a stage")
activation_memory = quantity("activation_memory", byte, r"M_A", "activations that a chip holds for the backward pass")
activation_ratio = quantity("activation_ratio", count, r"r_A", "activations held over those held by the way compared with")
held_micro_batches = quantity("held_micro_batches", count, r"m_A", "micro-batches of which a stage holds activations at once", integer=True, sane=COUNTS)
stage_turns = quantity("stage_turns", count, r"m_P", "micro-batches of a step for each pipeline stage")
weight_memory = quantity("weight_memory", byte, r"M_N", "bytes of weights that a chip holds")
kv_memory = quantity("kv_memory", byte, r"M_\kappa", "bytes of KV cache that a chip holds", sane=OPTIONAL)
exchange_time = quantity("exchange_time", second, r"t_{x,s}", "time that the layers of one stage spend on their experts' traffic")

within(stage_index, pipeline_parallel)
last_layers = quantity("last_layers", count, r"\ell_P", "layers on the last stage of a pipeline, beside the unembedding", sane=(0, 1e7))
most_layers = quantity("most_layers", count, r"\ell_\mathrm{max}", "layers on the stage that has most", sane=(1, 1e7))
rounded_ratio = quantity("rounded_ratio", count, r"\varphi_\lceil", "layers on the stage that has most over those on the mean one", sane=(1, 1e7))
unequal_ratio = quantity("unequal_ratio", count, r"\varphi_m", "time of a step through unequal stages over that through equal ones with as much work", sane=(1e-9, 1e7))
