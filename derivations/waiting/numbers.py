"""Numbers of a group that serves requests, for the examples of chapter 12."""

from collections.abc import Mapping
from functools import cache

from sympy import Symbol

from steptime.derivations.batch.batch import best_batch
from steptime.derivations.batch.symbols import ridge
from steptime.derivations.batch.terms import ridge_batch
from steptime.derivations.board import numbers
from steptime.model import symbols as q
from steptime.model.scenario import Scenario
from steptime.model.waiting import formulas as f
from steptime.model.waiting import symbols as w

LLAMA = "Llama 3.1 70B in fp8 on eight H100"
GROUP = (
    f"{LLAMA}, contexts of 4,096 tokens: a step as long as weights and caches stream; 20 "
    "requests a second, each of 12 ms of prefill with a deviation of 6 ms and of 300 decode steps"
)
FILLED_GROUP = f"{LLAMA} with prefills elsewhere: contexts at which the caches of its best batch fill its memory"
SHORT = f"{LLAMA}, contexts of 256 tokens, shorter than the balanced one"
"""Contexts at which there is a best batch."""

BONALD = "Bonald and Proutière 2002, Insensitivity in processor-sharing networks, Performance Evaluation 49"
KLEINROCK = "Kleinrock 1975, Queueing Systems, volume 1, sections 3.2 and 5.8"
LITTLES = "Little 1961, A proof for the queuing formula, L the rate times W, Operations Research 9(3)"
ORCA = "Yu et al. 2022, Orca, OSDI: sequences join and leave between the iterations of a batch"
SARATHI_SERVE = "Agrawal et al. 2024, Sarathi-Serve, arXiv 2403.02310: prefills stall the decode of others"
VACATIONS = "Fuhrmann and Cooper 1985, Stochastic decompositions in the M/G/1 queue with generalized vacations"
TAKAGI = "Takagi 1991, Queueing Analysis, volume 1: vacation and priority systems, gated service"
ALLEN = "Allen 1990, Probability, Statistics, and Queueing Theory with Computer Science Applications, section 5.3"
KINGMAN = "Kingman 1961, The single server queue in heavy traffic, Mathematical Proceedings 57(4)"


@cache
def _llama(context: float) -> Mapping[Symbol, float]:
    """A group of eight chips without requests."""
    return numbers("llama-3.1-70b", "h100-sxm", layout="tp=8", weights="fp8", context=context, batch=64)


def short() -> Mapping[Symbol, float]:
    """A group whose contexts are short enough for a best batch."""
    return _llama(256)


@cache
def group() -> Mapping[Symbol, float]:
    """A group of eight chips and its requests, and what follows from them."""
    board = _llama(4096)
    stream = board[q.stage_chips] * board[q.memory_bandwidth]
    values = {
        **board,
        w.group_rate: 20.0,
        w.decoded: 300.0,
        w.prefill_mean: 0.012,
        w.prefill_deviation: 0.006,
        w.step_base: board[q.bytes_per_weight] * board[q.parameters] / stream,
        w.step_slope: board[q.kv_bytes] * board[q.context] / stream,
        w.in_service: 10.0,
        w.mean_in_service: 10.0,
        w.clump: 1.5,
        w.servers: 4.0,
        w.vacation: 0.004,
    }
    values[ridge] = float(Scenario(values).evaluate(ridge_batch.result.rhs))
    for symbol, formula in (
        (w.decode_left, f.left),
        (w.sharing, f.shared_work),
        (w.chance_here, f.chance),
        (w.chance_above, f.chance_of_more),
    ):
        values[symbol] = float(Scenario(values).evaluate(formula))
    return {symbol: float(value) for symbol, value in values.items()}


@cache
def filled_group() -> Mapping[Symbol, float]:
    """A group whose best batch has contexts such that weights and caches together fill its memory."""
    there = dict(group())
    best = float(Scenario(there).evaluate(best_batch.result.rhs))
    a_read = there[q.memory_capacity] / there[q.memory_bandwidth]
    slope = (a_read - there[w.step_base]) / (best + there[w.clump])
    context = slope * there[q.stage_chips] * there[q.memory_bandwidth] / there[q.kv_bytes]
    return {**there, w.step_slope: slope, q.context: context, w.mean_in_service: best, w.decode_left: 1.0}
