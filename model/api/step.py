"""One step of one model on one machine: its time and terms, where they cross, its best batch, what a change does."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from rich.console import Group

from steptime.model import symbols as q
from steptime.model.api.beside import Beside
from steptime.model.api.named import Named, hardware_of, model_of, must_not_be_swapped, prices_of
from steptime.model.catalog.hardware import Hardware
from steptime.model.choices import Minimise, TermName
from steptime.model.layout.layout import Layout
from steptime.model.parse import parse, several, text_of
from steptime.model.phases.accounts import Model
from steptime.model.quantity import count
from steptime.model.quantity import second as seconds
from steptime.model.step.build import build_case
from steptime.model.step.case import TERMS, Case
from steptime.model.step.inputs import Question
from steptime.model.step.solver_words import as_read, limit_of
from steptime.model.step.words import inputs_of, record, word
from steptime.model.text.header import defaults_json
from steptime.model.text.step_json import outputs, step_json
from steptime.model.text.step_table import step_table

if TYPE_CHECKING:  # a step alone needs none of these rooms
    from steptime.model.api.answers import BestBatch, Crossover, Earnings, Terms
    from steptime.model.api.grid import Grid
    from steptime.model.api.steps import MeasuredStep, RangedStep
    from steptime.model.catalog.prices import PriceList

Progress = Callable[[float], None]


def quiet(share: float) -> None:
    """Shows no progress."""


def step(model: Model | Named, hardware: Hardware | Named, **words: Any) -> "Step":
    """One step: ``model`` and ``hardware`` by catalogue name, file, or as objects; everything else by name.

    Choices: ``phase`` (decode, prefill, train), ``layout``, ``chips``, ``weights``, ``kv``, ``activations``,
    ``overlap``, ``experts``, ``scope``, ``basis``, ``recompute``, ``zero``, ``sequence_parallel``, ``schedule``,
    ``attention``, ``attention_kernel``, ``dropout``. Any quantity is set by its name, as a number in base units or a
    text with a unit: ``batch=64``, ``context="200k"``, ``memory_bandwidth="10TB/s"``. What is left out takes its
    default, which the answer shows. Raises UserError for whatever cannot be used.

    >>> import steptime as st
    >>> step = st.step("llama-3.1-70b", "h100-sxm", layout=st.Layout(tp=8))
    >>> step
    Step(llama-3.1-70b on h100-sxm, decode, batch 64, context 4,096: 8.393 ms, memory binds)
    """
    must_not_be_swapped(model, [hardware])
    return Step(build_case(Question(model_of(model), hardware_of(hardware), inputs_of(words))))


@dataclass(frozen=True, repr=False)
class Step(Beside):
    """One step. Times in seconds, bytes and FLOP per chip; None where an input has no figure, which ``missing`` names.

    ``case`` is the scenario behind it: every symbol with its number or definition.
    """

    kinds = ("batch", "cost", "context", "roofline", "regimes", "breakdown", "memory", "sensitivity", "schedule")

    case: Case

    # --- what comes out ----------------------------------------------------------------------------------------------
    @property
    def time(self) -> float | None:
        """Seconds at the overlap that was asked for: a lower bound."""
        return self.case.number(q.step_time)

    @property
    def bound_by(self) -> TermName | None:
        """The largest term."""
        return self.case.bottleneck

    @property
    def band(self) -> Mapping[str, float | None]:
        """Seconds with everything, operations, or nothing overlapped."""
        return {overlap: self.case.number(bound) for overlap, bound in self.case.bounds.items()}

    @cached_property
    def terms(self) -> "Terms":
        """The terms: each with its formula and its seconds."""
        from steptime.model.api.answers import Term, Terms

        numbers = {name: self.case.number(expr) for name, expr in self.case.resources.items()} | self.case.times
        return Terms(*(Term(self.case.short(self.case.resources[name]), numbers[name]) for name in TermName))

    @property
    def missing(self) -> Mapping[str, str]:
        """Outputs without a number, and the file and key that would give it."""
        return {one.key: str(one) for one in self.case.missing(outputs(self.case))}

    @property
    def quantities(self) -> Mapping[str, float]:
        """Every quantity that has a number here, in base units."""
        return self.case.quantities

    @property
    def layout(self) -> Layout:
        return self.case.layout

    @property
    def fits(self) -> bool | None:
        """Whether the fullest chip has room."""
        return self.case.fits

    @property
    def defaults(self) -> tuple[str, ...]:
        """What was taken where nothing was said."""
        return tuple(defaults_json(self.case.defaults))

    @property
    def tokens_per_second(self) -> float | None:
        """Over all chips."""
        return self.case.number(q.tokens_per_second)

    @property
    def dollars_per_million_tokens(self) -> float | None:
        """Of the kind that ``price_basis`` names."""
        return self.case.number(q.dollars_per_million_tokens)

    # --- what follows ------------------------------------------------------------------------------------------------
    def replace(self, **words: Any) -> "Step":
        """The step with other inputs; the layout stays, unless ``layout`` or ``chips`` is given. None changes nothing.

        >>> import steptime as st
        >>> step = st.step("llama-3.1-70b", "h100-sxm", layout="tp=8")
        >>> step.replace(memory_bandwidth="6.7TB/s").bound_by.value, step.replace(batch=1).layout == step.layout
        ('memory', True)
        """
        words = {name: value for name, value in words.items() if value is not None}
        model, machine = words.pop("model", self.case.accounts.model), words.pop("hardware", self.case.hardware)
        said, asked = inputs_of(words), self.case.inputs
        changed = {name: getattr(said, name) for name in said.__dataclass_fields__ if name in words}
        if "efficiency" in words:  # a file's coefficients come, and go, with it
            changed["coefficients"] = said.coefficients
        if q.chip_hour_price in said.given and "basis" not in words:  # what was said of the former price is not of it
            changed["basis"] = None
        training = {name: getattr(said.training, name) for name in asked.training.__dataclass_fields__ if name in words}
        inputs = asked.with_given(said.given, training=replace(asked.training, **training), **changed)
        if "layout" in words or "chips" in words:
            inputs = replace(inputs, layout=said.layout, chips=said.chips)
        elif inputs.layout is None:
            inputs = replace(inputs, layout=replace(self.case.layout, copies=None))
        return Step(build_case(Question(model_of(model), hardware_of(machine), inputs)))

    def crossover(self, first: str = "memory", second: str = "compute", over: str = "batch") -> "Crossover":
        """Where two terms, or reading ``weights`` and ``kv``, are equal over one quantity; if possible, in closed form.

        >>> import steptime as st
        >>> step = st.step("llama-3.1-70b", "h100-sxm", layout="tp=8", context=1000)
        >>> round(step.crossover("compute", "memory").value), round(step.crossover("weights", "kv", "context").value)
        (916, 6628)
        """
        from steptime.model.api.answers import Crossover
        from steptime.model.solver.crossover import find_crossover

        between = text_of(first, "`between`").lower(), text_of(second, "`between`").lower()
        return Crossover(self.case.relaxed, find_crossover(self.case, *between, record(over).symbol))

    def best_batch(
        self, minimise: str | None = None, max_step_time: Any = None, limits: Sequence[str] = (), start: float = 64.0,
        efficiency: Any = None,
    ) -> "BestBatch":  # fmt: skip
        """The smallest batch of least cost, latency, energy or chip-seconds per token, with the price of every limit.

        ``limits`` are of the form ``"batch<=512"``. Limits on time, and on what follows from it, hold for the estimate
        where there is one, with ``efficiency="ideal"`` for the bound. Raises UserError where nothing satisfies them.
        """
        from steptime.model.api.answers import BestBatch
        from steptime.model.solver.batch import solve_batch

        goal = None if minimise is None else word("minimise", minimise, tuple(Minimise))
        bound = None if max_step_time is None else parse(max_step_time, seconds, "`max_step_time`")
        asked = tuple(limit_of(text) for text in several(() if limits is None else limits))
        first = parse(start, count, "`start`")
        case = self.case if efficiency is None else self.replace(efficiency=efficiency).case
        found = solve_batch(case, goal, bound, asked, first)
        return BestBatch(case, found, goal, bound, asked, notices=as_read("max_step_time", max_step_time, seconds))

    def who_earns(self, prices: "PriceList | Named | None" = None, batch_adjusts: bool | None = None) -> "Earnings":
        """What one more unit of each resource of the chip is worth; the batch adjusts where none was stated."""
        from steptime.model.api.answers import Earnings
        from steptime.model.solver.machine.earns import who_earns

        stated = q.batch in self.case.inputs.given or self.case.inputs.phase == "train"
        adjusts = not stated if batch_adjusts is None else batch_adjusts
        listed = None if prices is None else prices_of(prices)
        return Earnings(self.case, who_earns(self.case, listed, adjusts), listed, adjusts)

    def over(self, layout: Sequence[Layout | str] | None = None, **axes: Any) -> "Grid":
        """The step on a grid: every quantity an axis of values, and layouts one more; results are arrays.

        >>> import steptime as st
        >>> grid = st.step("llama-3.1-70b", "h100-sxm", layout="tp=8").over(batch=[1, 64], context=[1e3, 4e3, 8e3])
        >>> alone = st.step("llama-3.1-70b", "h100-sxm", layout="tp=8", context=8000)
        >>> grid.shape, bool(abs(grid.step_time[1, 2] / alone.time - 1) < 1e-12)
        ((2, 3), True)
        """
        from steptime.model.api.grid import grid_of

        return grid_of(self.case, layout, axes)

    def against(self, measured: str) -> "MeasuredStep":
        """The step against what was measured: ``38ms``, ``1200 tok/s`` of all chips, ``42% MFU`` or ``400 TFLOP/s`` a
        chip. Says which share of it the bound and the estimate take, and which single term would explain the rest.

        >>> import steptime as st
        >>> found = st.step("llama-3.1-70b", "h100-sxm", layout="tp=8").against("20ms")
        >>> f"{found.measured.share_of_bound:.3f}"
        '0.420'
        """
        from steptime.model.api.steps import measured_step

        return measured_step(self.case, measured)

    def ranges(self, **words: Any) -> "RangedStep":
        """Intervals of what comes out, where inputs are known within limits: ``memory_efficiency=(0.6, 0.9)``."""
        from steptime.model.api.steps import ranged_step

        return ranged_step(self.case, words)

    # --- how it shows itself -----------------------------------------------------------------------------------------
    def _json(self) -> dict[str, Any]:
        return step_json(self.case)

    def table(self) -> Group:
        return step_table(self.case)

    def __repr__(self) -> str:
        from steptime.model.text.format import plain, si

        case, varies = self.case, self.case.phase.varies
        length = f"{varies.name} {plain(case.number(varies))}"
        work = f"{case.inputs.phase}, batch {plain(case.number(q.batch))}, {length}"
        bound = f"{si(self.time, 's')}, {self.bound_by or 'nothing known'} binds"
        return f"Step({case.model} on {case.hardware.name}, {work}: {bound})"

    def _repr_latex_(self) -> str:
        from steptime.model.quantity import latex

        times = ", ".join(latex(self.case.short(self.case.resources[name])) for name in TERMS)
        return rf"$\displaystyle t = \max\left({times}\right)$"
