"""Published measurements against the ideal: for each row the time that physics allows, or why it is not modelled."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import sympy
from sympy import Expr

from steptime.model import symbols as q
from steptime.model.build import CONSTANTS, IDEAL, build_case
from steptime.model.case import Case
from steptime.model.catalog.hardware import Hardware, load_hardware
from steptime.model.collectives import all_gather, all_reduce, expert_exchange, group
from steptime.model.errors import UserError
from steptime.model.measurement import Measurement
from steptime.model.phase import rates
from steptime.model.precision import BYTES
from steptime.model.prefill import flops_of
from steptime.model.question import Question, read_layout
from steptime.model.request import whole_request
from steptime.model.scenario import Scenario, Unbound
from steptime.model.solver.layouts import search_layouts
from steptime.model.solver.points import Search
from steptime.model.terms import Operation, Transfer

EXACT = 1e-9
"""A row beats the ideal where it is faster by more than this, relative."""


@dataclass(frozen=True)
class Judged:
    """A row with its measured and its ideal time in seconds, of the step or of the whole request; None where it is not
    modelled, and ``why``. ``in_flight``: for serving, the step time with the prefills riding along evenly."""

    row: Measurement
    measured: float | None
    ideal: float | None
    bottleneck: str | None
    layout: str | None = None
    in_flight: float | None = None
    why: str = ""

    @property
    def ratio(self) -> float | None:
        """Ideal over measured: one is physics' best."""
        return None if self.measured is None or self.ideal is None else self.ideal / self.measured

    @property
    def beats_ideal(self) -> bool:
        return self.ratio is not None and self.ratio > 1 + EXACT


@dataclass(frozen=True)
class Places:
    """Folders with files for names that the catalogue lacks."""

    models: Path | None = None
    hardware: Path | None = None

    def model(self, name: str) -> str:
        return self._found(name, self.models, (".json", ".toml"))

    def machine(self, name: str) -> str:
        return self._found(name, self.hardware, (".toml",))

    def _found(self, name: str, folder: Path | None, endings: Iterable[str]) -> str:
        for ending in endings:
            if folder is not None and (folder / f"{name}{ending}").is_file():
                return str(folder / f"{name}{ending}")
        return name


def validate(
    rows: list[Measurement], places: Places = Places(), progress: Callable[[float], None] = lambda share: None
) -> list[Judged]:
    """Every row judged; what cannot be modelled says why, and nothing is left out."""
    found = []
    for number, row in enumerate(rows):
        try:
            found.append(_judge(row, places))
        except (UserError, Unbound) as error:
            found.append(Judged(row, None, None, None, why=" ".join(str(error).split())))
        progress((number + 1) / len(rows))
    return found


def summary(judged: list[Judged]) -> dict[str, dict[str, float | int | None]]:
    """By family of rows and phase: how many, how many modelled, and the median, least and largest ideal/measured."""
    families: dict[str, list[Judged]] = {}
    for one in judged:
        families.setdefault(f"{one.row.family} {one.row.phase}", []).append(one)
    found: dict[str, dict[str, float | int | None]] = {}
    for name, members in families.items():
        ratios = [one.ratio for one in members if one.ratio is not None]
        riding = [one.in_flight / one.measured for one in members if one.in_flight and one.measured]
        found[name] = {
            "rows": len(members), "modelled": len(ratios),
            "median": median(ratios) if ratios else None,
            "least": min(ratios, default=None), "largest": max(ratios, default=None),
            "beat_ideal": sum(one.beats_ideal for one in members),
            "median_in_flight": median(riding) if riding else None,
        }  # fmt: skip
    return found


def _judge(row: Measurement, places: Places) -> Judged:
    if row.phase == "train":
        return Judged(row, None, None, None, why="training is not modelled yet")
    machine = places.machine(row.hardware)
    if row.phase in ("all_reduce", "all_gather", "all_to_all"):
        ideal, tier = collective_time(row, load_hardware(machine))
        return Judged(row, row.value, ideal, tier)
    question = _question(row, places.model(row.model), machine)
    if row.scope == "request":
        request = whole_request(_request(row, question))
        return Judged(row, _request_seconds(row), request.time, request.bottleneck, str(request.prefill.layout))
    case = build_case(question)
    return Judged(
        row, seconds(row, case), case.number(q.step_time), case.bottleneck, str(case.layout), _riding(row, case)
    )


# --- a row as a question -------------------------------------------------------------------------------------------
def _question(row: Measurement, model: str, machine: str) -> Question:
    """One pass of a row. A serving row's prefills may all fall between the steps: the bound is pure decode, of the
    sequences that decode on average."""
    batch = _needed(row, "batch")
    if row.scope == "serving" and "inflight" in row.detail:
        batch = min(batch, max(1.0, _needed(row, "inflight")))
    prefills = row.phase == "prefill"
    question = Question(
        model, machine, phase=row.phase, batch=_whole(batch),
        prompt=_whole(_needed(row, "prompt")) if prefills else None,
        context=None if prefills else _whole(_needed(row, "context")),
        weights=row.formats.get("weights"), activations=row.formats.get("activations"), kv=row.formats.get("kv"),
    )  # fmt: skip
    return replace(question, layout=_layout(row, question))


def _needed(row: Measurement, name: str) -> float:
    value = row.number(name)
    if value is None:
        raise UserError(f"{name} is not stated")
    return value


def _whole(value: float, least: int = 1) -> str:
    """Rounded down, so that the bound stays one."""
    return str(max(least, int(value)))


def _layout(row: Measurement, question: Question) -> str:
    """The layout that a row states, replicas over the chips left; the fastest on its chips where it states none."""
    stated = ",".join(f"{name}={degree}" for name, degree in row.degrees.items() if degree is not None)
    if not stated:
        search = Search(question, (question.hardware,), (row.chips,), (int(question.batch or 1),), "latency")
        try:
            return str(search_layouts(search).best.layout)
        except UserError as error:
            raise UserError(f"no layout is stated, and none is found: {error}") from None
    layout, _ = read_layout(stated, {})
    assert layout is not None
    if row.chips % layout.chips:
        raise UserError(f"{row.chips} chips are no multiple of the {layout.chips} of its layout")
    return str(replace(layout, replicas=row.chips // layout.chips))


def _riding(row: Measurement, case: Case) -> float | None:
    """The step of in-flight batching at a steady rate. Lengths are scaled as the mean context says they were."""
    prompt, output = row.number("prompt"), row.number("output")
    if row.scope != "serving" or prompt is None or output is None:
        return None
    scale = _needed(row, "context") / (prompt + output / 2)
    question = replace(
        case.question, scope="serving", prompt=_whole(prompt * scale, 2), output=_whole(output * scale, 2)
    )
    return build_case(question).number(q.step_time)


def _request(row: Measurement, question: Question) -> Question:
    """The whole request: the prompt counts what is cached already."""
    cached = row.number("cached") or 0.0
    return replace(
        question, phase="prefill", context=None, prompt=_whole(_needed(row, "prompt") + cached),
        cached=_whole(cached) if cached else None, output=_whole(_needed(row, "output")),
    )  # fmt: skip


# --- what was measured, in seconds ---------------------------------------------------------------------------------
def _request_seconds(row: Measurement) -> float:
    """Seconds of the whole request: from tokens per second, or from the mean time of an output token."""
    output = _needed(row, "output")
    if row.quantity == "tokens_per_second":
        return _needed(row, "batch") * output / row.value
    if row.quantity == "step_time":
        return row.value * output
    raise UserError(f"{row.quantity} of a whole request is not modelled")


def seconds(row: Measurement, case: Case) -> float:
    """Seconds of one pass; a throughput, or a utilisation, is the time that it implies.

    A printed MFU counts every weight for every token and attention in full (PaLM, arXiv 2204.02311, appendix B).
    """
    if row.quantity == "step_time":
        return row.value
    if row.quantity == "tokens_per_second":
        return float(case.scenario.evaluate(q.batch * case.phase.yields) / row.value)
    if row.quantity == "mfu":
        flops = case.scenario.evaluate(q.batch * printed_flops(case))
        return float(flops / (row.value * row.chips * case.scenario.evaluate(q.peak_flops)))
    raise UserError(f"{row.quantity} of a {row.phase} is not modelled")


def printed_flops(case: Case) -> Expr:
    """FLOP per sequence as papers count them for MFU: as many pairs as if each token attended to all."""
    if case.phase.name == "decode":
        return case.phase.flops_per_sequence
    every_token = flops_of(q.prompt, sympy.S.Zero, q.prompt)
    return every_token + q.attention_flops * (q.prompt**2 - q.prompt * (q.prompt - 1) / 2)


# --- collectives ---------------------------------------------------------------------------------------------------
def collective_time(row: Measurement, hardware: Hardware) -> tuple[float, str]:
    """The time of one collective, and the tier that takes it; the cheapest algorithm of the model."""
    size = sympy.Integer(row.chips)
    over = group(size, sympy.S.One, hardware.torus_axes)
    if row.phase == "all_reduce":
        moves = [all_reduce(_bytes(row), over, hardware.in_switch_reduction)]
    elif row.phase == "all_gather":
        moves = [all_gather(_bytes(row), over)]
    elif "bytes" in row.detail:
        moves = [expert_exchange(_bytes(row), over, 1, None, "per-expert")]
    else:
        tokens = _detail(row, "tokens") * _detail(row, "hidden") * BYTES[row.detail.get("dtype", "bf16")]
        ways = ("per-domain", "per-expert")
        moves = [expert_exchange(sympy.Float(tokens), over, int(_detail(row, "topk")), None, way) for way in ways]
    values = {**CONSTANTS, **IDEAL, **_figures(hardware)}
    return min(_slower_tier(moved, values, hardware) for moved in moves)


def _slower_tier(moved: Transfer, values: Mapping[sympy.Symbol, float], hardware: Hardware) -> tuple[float, str]:
    scenario = Scenario(values)
    terms = [term for term in rates.step([Operation("collective", network=(moved,))]).terms if term.work != 0]
    try:
        return max((scenario.evaluate(term.time), term.name) for term in terms if scenario.evaluate(term.work) > 0)
    except Unbound as error:
        raise UserError(", ".join(hardware.missing(name) for name in sorted(error.names))) from None


def _figures(hardware: Hardware) -> dict[sympy.Symbol, float]:
    links = (q.scale_up_bandwidth, q.scale_out_bandwidth, q.scale_up_domain)
    return {symbol: hardware.figures[symbol.name].value for symbol in links if symbol.name in hardware.figures}


def _bytes(row: Measurement) -> Expr:
    return sympy.Float(_detail(row, "bytes"))


def _detail(row: Measurement, name: str) -> float:
    try:
        return float(row.detail[name])
    except (KeyError, ValueError):
        raise UserError(f"detail {name} is not stated as a number") from None
