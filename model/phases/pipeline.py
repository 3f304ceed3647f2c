"""Pipelines: how long a stage works in one training step, and how long it stands idle, by schedule; a prompt in chunks.

1F1B and its interleaved form: Narayanan et al. 2021 (arXiv 2104.04473, section 2.2); zero-bubble schedules: Qi et al.
2023 (arXiv 2401.10241, section 2).
"""

from steptime.model.symbols import (  # isort: skip
    backward_time, chunks, forward_time, interleave, micro_batches, pipeline_parallel, weight_gradient_time,
)  # fmt: skip

micro_batch_time = forward_time + backward_time + weight_gradient_time
"""Time that a stage works on one micro-batch."""

work_time = micro_batches * micro_batch_time
"""Time that a stage works in one step: the ideal."""

bubble = (pipeline_parallel - 1) * micro_batch_time / interleave
"""Idle time of a stage under 1F1B: the pipeline fills and drains once, by chunks of 1/v of a stage's layers."""

bubble_zb_h1 = (pipeline_parallel - 1) * (forward_time + backward_time - weight_gradient_time)
"""Idle time of schedule ZB-H1: weight gradients wait for the drain. It holds no more activations than 1F1B. For at
least as many micro-batches as stages, and weight gradients that take no longer than a forward pass (`bubble-zb-h1`)."""

bubble_zb_h2 = (pipeline_parallel - 1) * (forward_time + backward_time - 2 * weight_gradient_time)
"""Idle time of schedule ZB-H2, where it is positive: weight gradients fill the start as well, for about twice the
activations. For at least 2 P - 1 micro-batches on P stages (`bubble-zb-h2`)."""

stage_times_of_chunks = 1 + (pipeline_parallel - 1) / chunks
"""Stage times that a prompt takes which passes alone in chunks: its own, and the first chunk's through the others."""
