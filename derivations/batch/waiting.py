"""Serving a stream of requests: what a chip's memory holds, how long a request waits, what utilisation it gets.

Steps leave like trains: at fixed intervals, each taking whoever has arrived.
"""

import sympy

from steptime.derivations.batch.symbols import arrivals, waiting_time

from steptime.model.symbols import (  # isort: skip
    bytes_per_weight, compute_time, context, kv_bytes, micro_batch, parameters, stage_chips, step_time,
)  # fmt: skip

stored_per_chip = (bytes_per_weight * parameters + micro_batch * context * kv_bytes) / stage_chips
"""Bytes that one chip holds of a single-stage model, perfectly sharded: weights, and the KV cache of each sequence."""

response_time = waiting_time + step_time
"""From a request's arrival to its first token: it waits for the next departure and rides one step."""

_position = sympy.Dummy("position", integer=True, positive=True)
mean_waiting_time = sympy.summation(_position * step_time / arrivals, (_position, 1, arrivals)) / arrivals
"""The mean over requests that arrive evenly spaced: the first to come after a departure waits a whole interval, the
last one n-th of it."""

utilisation = compute_time / step_time
"""Useful FLOP/s over the peak (MFU): the time that the multiply-adds take at the peak, over the time that passes."""
