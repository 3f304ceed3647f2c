"""Published measurements against the ideal: for each row the time that physics allows, or why it is not modelled."""

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace

from sympy import Expr

from steptime.model import symbols as q
from steptime.model.catalog.hardware import Hardware
from steptime.model.catalog.measurement import COLLECTIVES, Measurement
from steptime.model.choices import PhaseName, TermName
from steptime.model.errors import NotSolved, Unbound, UserError
from steptime.model.phases.accounts import Model
from steptime.model.solver.measured.collective import collective_time
from steptime.model.solver.measured.formats import said_of
from steptime.model.solver.measured.judged import MOST_OF_PEAK, Energy, FirstToken, Judged
from steptime.model.solver.measured.places import Places
from steptime.model.solver.measured.printed import SHARES, printed_flops, request_seconds, seconds, wanted_of
from steptime.model.solver.measured.sheets import Sheets, Ticket
from steptime.model.solver.measured.training import Fastest, optimizer_step
from steptime.model.step.inputs import Question

from steptime.model.solver.measured.questions import (  # isort: skip
    first_token, one_pass, parts_of_request, riding_along, tokens_a_step,
)  # fmt: skip

Refusals = UserError, Unbound, NotSolved
ASKED = 0.5
"""Share of the work when every question is put, and no sheet worked out."""
Judge = Callable[[], Judged]


def validate(
    rows: Sequence[Measurement], places: Places | None = None, progress: Callable[[float], None] = lambda share: None
) -> list[Judged]:
    """Every row judged; what cannot be modelled says why, and nothing is left out.

    Rows that ask the same but for batch and lengths share their formulas, wherever in the list they stand.
    """
    asking, judges = Asking(places or Places()), list[Judge | str]()
    for number, row in enumerate(rows):
        judges.append(asking.judge_of(row))
        progress(ASKED * (number + 1) / len(rows))
    asking.sheets.answer(lambda share: progress(ASKED + (1 - ASKED) * share))
    found = [_finished(row, judge) for row, judge in zip(rows, judges, strict=True)]
    progress(1.0)
    return found


def _finished(row: Measurement, judge: Judge | str) -> Judged:
    """A row judged, or why it cannot be."""
    try:
        if isinstance(judge, str):
            return _refused(row, judge)
        found = judge()
    except Refusals as error:
        return _refused(row, str(error))
    if found.ratio is None or not 0 < found.ratio < math.inf:
        return _refused(row, "its ideal time, or what was measured, is no finite number of seconds")
    return found


def _refused(row: Measurement, why: str) -> Judged:
    return Judged(row, None, None, None, why=" ".join(why.split()))


class Asking:
    """Puts the questions of rows on sheets; several figures of one run are one question."""

    def __init__(self, places: Places) -> None:
        self.places, self.sheets = places, Sheets()
        self._passes: dict[Hashable, Question] = {}
        self._steps: dict[Hashable, Fastest] = {}
        self._flops: dict[Hashable, float] = {}
        self._exchanges: dict[Hashable, tuple[float, str]] = {}

    def judge_of(self, row: Measurement) -> Judge | str:
        """What will judge a row once the sheets are worked out, or why nothing can."""
        try:
            if row.wrong:
                raise UserError(row.wrong)
            machine = self.places.machine(row.hardware)
            if row.phase in COLLECTIVES:
                return self._collective(row, machine)
            model = self.places.model(row.model)
            if row.phase == PhaseName.TRAIN:
                return self._training(row, model, machine)
            key = row.run
            if key not in self._passes:
                self._passes[key] = one_pass(row, model, machine)
            question = self._passes[key]
            return self._request(row, question) if row.scope == "request" else self._pass(row, question)
        except Refusals as error:
            return str(error)

    def _collective(self, row: Measurement, machine: Hardware) -> Judge:
        if row.run not in self._exchanges:
            self._exchanges[row.run] = collective_time(row, machine)
        ideal, tier = self._exchanges[row.run]
        return lambda: Judged(row, row.value, ideal, tier, times={TermName.INTERCONNECT: ideal})

    def _training(self, row: Measurement, model: Model, machine: Hardware) -> Judge:
        if row.run not in self._steps:
            self._steps[row.run] = optimizer_step(row, model, machine)
        step = self._steps[row.run]
        case, flops = step.case, 0.0
        if row.quantity in SHARES:
            counted = (row.run, row.figure)
            if counted not in self._flops:
                self._flops[counted] = printed_flops(row, case)
            flops = self._flops[counted]
        tokens = float(case.scenario.evaluate(q.batch * case.phase.yields))
        measured = seconds(row, machine, tokens, flops)
        times = {name: time for name, time in case.times.items() if time is not None}
        return lambda: Judged(row, measured, step.time, case.bottleneck, str(case.layout), times=times)

    def _ask(self, row: Measurement, question: Question | None, wanted: dict[str, Expr] | None = None) -> Ticket | None:
        return None if question is None else self.sheets.ask(question, (row.model, row.hardware), wanted)

    def _request(self, row: Measurement, question: Question) -> Judge:
        """A request is its prefill and the decode steps after it; the longer part says what binds."""
        prefill, after = parts_of_request(row, question)
        measured = request_seconds(row)
        parts = [ticket for part in (prefill, after) if (ticket := self._ask(row, part)) is not None]

        def judge() -> Judged:
            longest = max(parts, key=lambda part: part.time)
            times = {name: sum(part.times[name] for part in parts) for name in longest.times}
            cases = [part.answered for part in parts]
            return Judged(row, measured, sum(part.time for part in parts), longest.bottleneck, str(cases[0].layout),
                          times=times, cache=said_of(row, cases[0].precision))  # fmt: skip

        return judge

    def _pass(self, row: Measurement, question: Question) -> Judge:
        ticket = self.sheets.ask(question, (row.model, row.hardware), wanted_of(row))
        riding = self._ask(row, riding_along(row, question), {"mean_step_time": q.mean_step_time})
        alone = self._ask(row, first_token(row, question))
        return Pass(row, ticket, riding, alone).judged


@dataclass(frozen=True)
class Pass:
    """One pass of a row as asked: alone, with prefills riding along, and the prefill of its prompt."""

    row: Measurement
    ticket: Ticket
    riding: Ticket | None
    alone: Ticket | None

    def judged(self) -> Judged:
        """The row judged; raises what went wrong with its pass."""
        row, case, per_step = self.row, self.ticket.answered, tokens_a_step(self.row)
        found = self.ticket.found
        measured = seconds(row, case.hardware, found.get("tokens", 0.0), found.get("flops", 0.0))
        ideal = self.ticket.time / per_step
        one = Judged(
            row, measured, ideal, self.ticket.bottleneck, str(case.layout),
            times={name: time / per_step for name, time in self.ticket.times.items()},
            cache=said_of(row, case.precision),
        )  # fmt: skip
        if self.riding is not None:
            one = self._with_prefills(one, self.riding, measured)
        if self.alone is not None and (ttft := row.number("ttft_s")) is not None:
            one = replace(one, first_token=FirstToken(ttft, self.alone.time))
        return replace(one, energy=_energy(row, case.hardware, measured, ideal, self.ticket.question))

    def _with_prefills(self, one: Judged, riding: Ticket, measured: float) -> Judged:
        """With the step in which prefills ride along, and whether computing them would take more than serving can.

        Kernels run one after another: what decode takes at least is not there for prompts.
        """
        timed = "mean_step_time" if self.row.quantity == "tokens_per_second" else "step_time"
        one = replace(one, in_flight=riding[timed])
        prompts, left = (
            riding.times[TermName.COMPUTE] - self.ticket.times[TermName.COMPUTE],
            measured - (one.ideal or 0),
        )
        if left <= 0:
            return one
        peak, why = riding.answered.precision["activations"], ""
        if prompts / left > MOST_OF_PEAK:
            why = (f"computing every prompt in the time that decode leaves would take {prompts / left:.0%} "
                   f"of the {peak} peak: prefixes were cached, likely")  # fmt: skip
        return replace(one, of_peak=prompts / left, implausible=why)


def _energy(row: Measurement, machine: Hardware, measured: float, ideal: float, asked: Question) -> Energy | None:
    """Energy of a token where a row states it, beside rated powers over the same time."""
    joules, watts = row.number("joules_per_output_token"), row.number("power_w")
    if joules is None:
        return None
    per_token = row.chips / asked.inputs.given[q.batch]
    figures = (machine.figures.get("power"), machine.facts.get("system_power"))
    rated, system = (None if figure is None else figure.value for figure in figures)
    chips, all_in = (None if power is None else power * measured * per_token for power in (rated, system))
    return Energy(joules, chips, all_in, None if rated is None else rated * ideal * per_token, watts, rated)
