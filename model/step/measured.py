"""What somebody measured against the bound and the estimate: shares of both, and which term would explain the rest."""

from collections.abc import Mapping
from dataclasses import dataclass

from steptime.model import symbols as q
from steptime.model.choices import Overlap
from steptime.model.economics.utilisation import memory_bandwidth_utilisation, model_flops_utilisation
from steptime.model.errors import UserError
from steptime.model.step.case import Case
from steptime.model.step.estimate import Estimate, estimated


@dataclass(frozen=True)
class Measured:
    """A measured step: its seconds; the shares of it that the bound and the estimate take; the shares of the peaks that
    it reached; what no term of the estimate explains; and by what factor each term alone would have to change."""

    step_time: float
    share_of_bound: float
    share_of_estimate: float | None
    mfu: float | None
    mbu: float | None
    unexplained: float | None
    factors: Mapping[str, float]
    estimate: Estimate | None
    overlap: Overlap = Overlap.FULL


def against(case: Case, seconds: float, of_mean_step: bool = False) -> Measured:
    """What a measured time of a step says of a case, or of the mean step, which rates are those of; raises UserError
    where the bound has no number."""
    bound = case.number(q.mean_step_time if of_mean_step else q.step_time)
    if bound is None:
        raise UserError("`measured`: the bound has no number to stand beside: see what is missing")
    found = estimated(case)
    expected = None if found is None else found.mean_time if of_mean_step else found.step_time
    ratio = seconds / bound
    utilisation = case.number(model_flops_utilisation(case.phase.flops_per_sequence))
    memory = case.number(memory_bandwidth_utilisation(case.phase.blackboard.memory.work))
    mfu, mbu = (None if share is None else share / ratio for share in (utilisation, memory))
    left = None if expected is None else seconds - expected
    factors = {} if found is None or left is None else _factors(found, left)
    share = None if expected is None else expected / seconds
    return Measured(seconds, 1 / ratio, share, mfu, mbu, left, factors, found, case.inputs.overlap)


def _factors(found: Estimate, left: float) -> dict[str, float]:
    """For each term the factor with which it alone would make the estimate what was measured; the nearest to one first,
    none for a term that could not."""
    changed = {name: 1 + left / time for name, time in found.terms.items() if time > 0}
    possible = {name: factor for name, factor in changed.items() if factor > 0}
    return dict(sorted(possible.items(), key=lambda item: max(item[1], 1 / item[1])))
