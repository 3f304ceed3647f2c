"""Operations, terms, the step they bound, and the points where terms cross. Plain SymPy, no numbers."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache, cached_property, lru_cache

import sympy
from sympy import Eq, Expr, Gt, Lt, Max, Symbol
from sympy.logic.boolalg import Boolean

zero: Expr = sympy.S.Zero
one: Expr = sympy.S.One

FORWARD_AND_BACKWARD = 3
"""Forward passes' worth of FLOP that training takes: one forward, two backward."""


class OperationName(StrEnum):
    """The lines that ledgers have, each by the words that are shown for it."""

    PROJECTIONS = "attention projections"
    DENSE = "dense feed-forward"
    ROUTER = "router"
    SHARED = "shared experts"
    UNEMBEDDING = "unembedding"
    ROUTED = "routed experts"
    SCORES = "attention over the KV cache"
    NORMS = "norms and biases"
    TENSOR_SUMS = "tensor-parallel all-reduce"
    CONTEXT = "context exchange"
    STAGE_GATHER = "feed-forward gather"
    STAGE_SCATTER = "feed-forward scatter"
    DISPATCH = "expert dispatch"
    SLICE_GATHER = "expert slice gather"
    SLICE_SCATTER = "expert slice scatter"
    COMBINE = "expert combine"
    SENDS = "pipeline sends"
    ATTENTION = "attention"
    INPUT_GATHERS = "sequence-parallel gathers"
    REPLICAS = "gradients and weights between replicas"
    STATE = "gradients and optimizer"
    WEIGHTS = "weights"
    PASSES = "forward and backward"
    COLLECTIVES = "collectives"


@dataclass(frozen=True)
class Transfer:
    """Bytes that one chip sends on each tier, one direction, and how many collectives it starts there."""

    scale_up: Expr = zero
    scale_out: Expr = zero
    scale_up_starts: Expr = zero
    scale_out_starts: Expr = zero

    def __add__(self, other: "Transfer") -> "Transfer":
        return Transfer(
            self.scale_up + other.scale_up,
            self.scale_out + other.scale_out,
            self.scale_up_starts + other.scale_up_starts,
            self.scale_out_starts + other.scale_out_starts,
        )

    def times(self, repeats: Expr | int, payload: Expr | int = 1) -> "Transfer":
        """The same collective ``repeats`` times, each carrying ``payload`` times the bytes."""
        up, out = repeats * payload * self.scale_up, repeats * payload * self.scale_out
        return Transfer(up, out, repeats * self.scale_up_starts, repeats * self.scale_out_starts)

    def started(self, passes: Expr) -> "Transfer":
        """The same bytes in so many passes, each with its own start-ups."""
        return Transfer(self.scale_up, self.scale_out, passes * self.scale_up_starts, passes * self.scale_out_starts)


@dataclass(frozen=True)
class Operation:
    """One line of a phase's ledger: what it costs one chip in one step, summed over layers and stages."""

    name: OperationName
    flops: Expr = zero
    memory_bytes: Expr = zero
    network: tuple[Transfer, ...] = ()

    def __add__(self, other: "Operation") -> "Operation":
        """Two lines of one name in one."""
        flops, memory = self.flops + other.flops, self.memory_bytes + other.memory_bytes
        return Operation(self.name, flops, memory, self.network + other.network)

    def times(self, repeats: Expr) -> "Operation":
        """The line so many times."""
        sent = tuple(moved.times(repeats) for moved in self.network)
        return Operation(self.name, repeats * self.flops, repeats * self.memory_bytes, sent)

    @cached_property
    def traffic(self) -> Transfer:
        """All transfers of the operation together."""
        return sum(self.network, Transfer())


@dataclass(frozen=True)
class Term:
    """One resource's share of a step: ``time = starts * latency + work / rate``.

    >>> from steptime.model.symbols import kv_bytes, memory_bandwidth
    >>> Term("memory", kv_bytes, memory_bandwidth).time
    kv_bytes/memory_bandwidth
    """

    name: str
    work: Expr
    rate: Expr
    starts: Expr = zero
    latency: Expr = zero

    @property
    def fixed(self) -> Expr:
        """What passes before the first byte moves, however few they are."""
        return self.starts * self.latency

    @cached_property
    def time(self) -> Expr:
        return self.fixed + self.work / self.rate


@dataclass(frozen=True)
class StepTime:
    """The terms of one step. The two tiers of the network run at the same time: interconnect is their maximum."""

    compute: Term
    memory: Term
    scale_up: Term
    scale_out: Term

    @property
    def terms(self) -> tuple[Term, Term, Term, Term]:
        return self.compute, self.memory, self.scale_up, self.scale_out

    @property
    def sent(self) -> Transfer:
        """What one chip sends on both tiers."""
        return Transfer(self.scale_up.work, self.scale_out.work, self.scale_up.starts, self.scale_out.starts)

    @cached_property
    def interconnect(self) -> Expr:
        return Max(self.scale_up.time, self.scale_out.time, evaluate=False)

    @cached_property
    def time(self) -> Expr:
        """Everything overlaps: the slowest resource sets the pace. A lower bound."""
        return Max(*[term.time for term in self.terms], evaluate=False)

    @cached_property
    def serial_time(self) -> Expr:
        """Nothing overlaps: the terms add up. At most four times ``time``."""
        return sympy.Add(*[term.time for term in self.terms])


@dataclass(frozen=True)
class Rates:
    """What one chip does in a second, and the start-up latency of a collective on each tier."""

    compute: Expr
    memory: Expr
    scale_up: Expr
    scale_out: Expr
    scale_up_latency: Expr = zero
    scale_out_latency: Expr = zero

    def step(self, operations: Iterable[Operation]) -> StepTime:
        """The terms of a ledger: its sums over these rates."""
        lines = list(operations)
        traffic = sum((line.traffic for line in lines), Transfer())
        return StepTime(
            Term("compute", sympy.Add(*[line.flops for line in lines]), self.compute),
            Term("memory", sympy.Add(*[line.memory_bytes for line in lines]), self.memory),
            Term("scale_up", traffic.scale_up, self.scale_up, traffic.scale_up_starts, self.scale_up_latency),
            Term("scale_out", traffic.scale_out, self.scale_out, traffic.scale_out_starts, self.scale_out_latency),
        )


@lru_cache(maxsize=1024)
def operation_by_operation(rates: Rates, operations: tuple[Operation, ...]) -> Expr:
    """Terms overlap inside an operation and not across: the sum of each operation's maximum."""
    return sympy.Add(*[rates.step([line]).time for line in operations])


@dataclass(frozen=True)
class Crossover:
    """Where two terms are equal: ``at`` solves for one quantity, ``exists_when`` says when that root is positive."""

    at: Eq
    exists_when: Boolean = field(default=sympy.true)


@cache
def crossover(left: Expr, right: Expr, over: Symbol) -> tuple[Crossover, ...]:
    """Every closed-form crossing of two times, where their difference is linear or quadratic in ``over``; else ().

    Denominators are positive quantities, so the crossing is a root of the numerator of ``left - right``.

    >>> from steptime.model.symbols import batch, kv_bytes, kv_written, memory_bandwidth
    >>> crossing, = crossover(batch * kv_bytes / memory_bandwidth, kv_written / memory_bandwidth, batch)
    >>> crossing.at, crossing.exists_when
    (Eq(batch, kv_written/kv_bytes), True)
    """
    numerator, _ = sympy.fraction(sympy.together(left - right))
    if not numerator.is_polynomial(over):
        return ()
    coefficients = sympy.Poly(numerator, over).all_coeffs()
    if len(coefficients) == 2:
        return _linear(*coefficients, over=over)
    if len(coefficients) == 3:
        return _quadratic(*coefficients, over=over)
    return ()


def _linear(slope: Expr, offset: Expr, *, over: Symbol) -> tuple[Crossover, ...]:
    if offset == 0:
        return ()
    root = sympy.factor_terms(sympy.cancel(-offset / slope))
    if slope.is_positive or slope.is_negative:
        exists = _opposite_sign(offset, slope.is_positive)
    elif offset.is_positive or offset.is_negative:
        exists = _opposite_sign(slope, offset.is_positive)
    else:
        exists = Gt(root, 0)
    return (Crossover(Eq(over, root, evaluate=False), exists),)


def _opposite_sign(expr: Expr, other_is_positive: bool) -> Boolean:
    """The condition that ``expr`` has the opposite sign of the other coefficient, its two sides written positive."""
    terms = sympy.Add.make_args(sympy.expand(expr))
    rising = sympy.Add(*[term for term in terms if not term.could_extract_minus_sign()])
    falling = sympy.Add(*[-term for term in terms if term.could_extract_minus_sign()])
    common = sympy.gcd_terms(rising + falling).as_independent(sympy.Add, as_Add=False)[0] if rising + falling else 1
    rising, falling = (sympy.Add(*[term / common for term in sympy.Add.make_args(side)]) for side in (rising, falling))
    return Lt(rising, falling) if other_is_positive else Gt(rising, falling)


def _quadratic(square: Expr, slope: Expr, offset: Expr, *, over: Symbol) -> tuple[Crossover, ...]:
    discriminant = sympy.factor_terms(slope**2 - 4 * square * offset)
    found = []
    for sign in (-1, 1):
        root = (-slope + sign * sympy.sqrt(discriminant)) / (2 * square)
        exists = sympy.And(sympy.Ge(discriminant, 0), Gt(root, 0))
        found.append(Crossover(Eq(over, root, evaluate=False), exists))
    return tuple(found)
