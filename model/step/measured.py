"""What somebody measured against the bound and the estimate: shares of both, whether it lies in the estimate's band,
and which term would explain the rest."""

from collections.abc import Mapping
from dataclasses import dataclass

from steptime.model import symbols as q
from steptime.model.choices import Overlap
from steptime.model.economics.utilisation import memory_bandwidth_utilisation, model_flops_utilisation
from steptime.model.errors import UserError
from steptime.model.step.case import Case
from steptime.model.step.estimate import Estimate, estimated

ROUNDING = 1e-9
"""What follows from a rate that was fed back may differ so much, relative."""


@dataclass(frozen=True)
class Measured:
    """A measured step: its seconds; the shares of it that the bound and the estimate take; the shares of the peaks that
    it reached; what no term of the estimate explains; by what factor each term alone would have to change; and the ends
    of the estimate's band, which are of the mean step where a rate was measured."""

    step_time: float
    share_of_bound: float
    share_of_estimate: float | None
    mfu: float | None
    mbu: float | None
    unexplained: float | None
    factors: Mapping[str, float]
    estimate: Estimate | None
    overlap: Overlap = Overlap.FULL
    band: tuple[float, float] | None = None

    @property
    def inside(self) -> bool | None:
        """Whether it lies in the band; None where there is no estimate."""
        return None if self.band is None else self.band[0] <= self.step_time <= self.band[1]


def against(case: Case, seconds: float, of_mean_step: bool = False) -> Measured:
    """What a measured time of a step says of a case, or of the mean step, which rates are those of; raises UserError
    where the bound has no number."""
    least, mean = case.numbers((q.step_time, q.mean_step_time)).values()
    bound = mean if of_mean_step else least
    if bound is None or least is None:
        raise UserError("`measured`: the bound has no number to stand beside: see what is missing")
    found = estimated(case)
    ratio = seconds / bound
    utilisation = case.number(model_flops_utilisation(case.phase.flops_per_sequence))
    memory = case.number(memory_bandwidth_utilisation(case.phase.blackboard.memory.work))
    mfu, mbu = (None if share is None else share / ratio for share in (utilisation, memory))
    if found is None:
        return Measured(seconds, 1 / ratio, None, mfu, mbu, None, {}, None, case.inputs.overlap)
    expected, own = (found.mean_time, found.own) if of_mean_step else (found.step_time, 0.0)
    longer = expected / found.step_time
    band = max(bound, found.low * longer), found.high * longer
    return Measured(seconds, 1 / ratio, expected / seconds, mfu, mbu, seconds - expected,
                    _factors(found.terms, seconds, least, own), found, case.inputs.overlap, band)  # fmt: skip


def _factors(terms: Mapping[str, float], seconds: float, bound: float, own: float) -> dict[str, float]:
    """For each term the factor with which it alone would make the estimate what was measured; the nearest to one first.

    The estimate is the sum of its terms, or its bound where that is more, and ``own`` for the prefills that only the
    mean step counts. So a term explains a time only while the sum with it stays no less than the bound.
    """
    whole, found = sum(terms.values()), dict[str, float]()
    left = seconds - whole - own
    for name, time in terms.items():
        all_of_it = time + own * (name == "prefills")  # what the mean step counts more of is a prefill's time too
        factor = 1 + left / all_of_it if all_of_it > 0 else 0.0
        if factor > 0 and whole + (factor - 1) * time >= bound * (1 - ROUNDING):
            found[name] = factor
    return dict(sorted(found.items(), key=lambda item: max(item[1], 1 / item[1])))
