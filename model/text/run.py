"""How long a whole training run takes, wherever its tokens are said: days and dollars, as JSON and in words."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from steptime.model import symbols as q
from steptime.model.choices import Overlap
from steptime.model.economics import symbols as m
from steptime.model.economics.utilisation import SECONDS_PER_DAY, run_days, run_dollars
from steptime.model.errors import UserError
from steptime.model.step.case import Case
from steptime.model.text.format import money, plain, si

if TYPE_CHECKING:  # a step alone designs no machine
    from steptime.model.solver.machine.best import Machine

NEVER = 1e6
"""Time over the work that is kept beyond which a run is said never to end."""


def run_of(case: Case, batch: float | None = None) -> dict[str, float | None]:
    """Tokens, days and dollars of a run at the case's step, or at that of another batch; None without tokens. Failures
    are counted where their figures are given."""
    if q.training_tokens not in case.scenario.values:
        return {"tokens": None, "days": None, "dollars": None}
    there = case if batch is None else case.changed({q.batch: batch})
    longer = slowed_by(case)
    days, dollars = (there.number(formula) for formula in (run_days, run_dollars))
    return {
        "tokens": there.number(q.training_tokens),
        "days": None if days is None else days * longer,
        "dollars": None if dollars is None else dollars * longer,
    }


def slowed_by(case: Case) -> float:
    """Time of a run over the work in it that is kept; one where no figures of failures are given. Raises UserError
    where so little gets through that the run is never done."""
    slowed = case.number(m.slowdown)
    if slowed is not None and slowed > NEVER:
        raise UserError("`checkpoint_stall`, `failure_interval`: hardly any interval gets through; the run never ends")
    return 1.0 if slowed is None else slowed


def failures_words(case: Case) -> str:
    """Whether failures are counted in a run, and what they take.

    >>> import steptime as st
    >>> failures_words(st.step("llama-3.1-8b", "h100-sxm", phase="train", tokens="1T").case)
    'failures not counted'
    """
    between, slowed = case.number(m.failure_interval), case.number(m.slowdown)
    if slowed is None:
        return "failures not counted"
    kept, interval = f"{1 / slowed:.1%} of the time kept", case.number(m.checkpoint_interval)
    if between is None or interval is None:
        return kept
    return f"{kept}: a failure in {plain(between / 3600)} h, a checkpoint after {plain(interval / 60)} min of work"


def run_json(case: Case, batch: float | None = None) -> dict[str, Any]:
    """The same under the key that a training step has; nothing where no tokens were said."""
    run = run_of(case, batch)
    return {} if run["tokens"] is None else {"training": run}


def run_words(run: dict[str, Any], kind: str = "") -> str:
    """A run in words; ``kind`` of its dollars.

    >>> run_words({"tokens": 15e12, "days": 8469.4, "dollars": 5.67e6}, " (rent)")
    '15 T tokens in 8,469 days, $5,670,000 (rent)'
    """
    dollars = "dollars unknown" if run["dollars"] is None else f"${run['dollars']:,.0f}{kind}"
    return f"{si(run['tokens'])} tokens in {plain(run['days'])} days, {dollars}"


def run_beside(
    run: dict[str, Any], practice: Mapping[str, Any] | None, kind: str = "", overlap: Overlap = Overlap.FULL
) -> str:
    """A run at the overlap that was asked for, and in practice where an estimate has its days.

    >>> run_beside({"tokens": 15e12, "days": 100.0, "dollars": None}, {"days": 150.0, "dollars": None})
    'at the bound 15 T tokens in 100 days, dollars unknown; about 150 days in practice'
    """
    said = f"{overlap.said} {run_words(run, kind)}"
    if practice is None or "days" not in practice:
        return said
    dollars = "" if practice["dollars"] is None else f", {money(practice['dollars'])}"
    return f"{said}; about {plain(practice['days'])} days{dollars} in practice"


def machine_run_json(found: "Machine", number: int) -> dict[str, Any]:
    """A whole run of one workload on the machine, where its tokens were said: dollars of writing it off and feeding it
    meanwhile, where the price list says over what time."""
    workload, prices = found.design.workloads[number], found.design.prices
    tokens = workload.case.scenario.values.get(q.training_tokens)
    if tokens is None:
        return {}
    seconds = slowed_by(workload.case) * tokens * found.step_time(number) / workload.tokens
    spend, watts = (sum(found.spent[limit].values()) for limit in ("budget", "power"))
    per_second = None if prices.life is None else spend / prices.life + (prices.electricity or 0.0) * watts
    dollars = None if per_second is None else per_second * seconds
    return {"training": {"tokens": tokens, "days": seconds / float(SECONDS_PER_DAY), "dollars": dollars}}
