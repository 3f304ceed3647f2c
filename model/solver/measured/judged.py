"""A measured row beside the time that physics allows, and groups of such rows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

import numpy as np

from steptime.model.catalog.details import engine_of
from steptime.model.catalog.measurement import COLLECTIVES, Measurement
from steptime.model.choices import PhaseName
from steptime.model.errors import UserError, unknown

EXACT = 1e-9
"""A row beats the ideal where it is faster by more than this, relative."""
MOST_OF_PEAK = 0.65
"""Share of a peak above which prefills that ride along are called implausible. Pure passes reach 0.6 on GPUs (the
catalogue's training of Llama-3.1-8B) and 0.76 at best (PaLM's prefill on TPU v4, Pope et al. 2022, table 2)."""


@dataclass(frozen=True)
class FirstToken:
    """Mean time to the first token in seconds, that of an unloaded prefill at the bound and by the estimate: the rest
    is waiting."""

    measured: float
    ideal: float
    practice: float | None = None

    @property
    def unloaded(self) -> float:
        """Seconds of the prefill of one prompt that waits for nothing: by the estimate where there is one."""
        return self.ideal if self.practice is None else self.practice

    @property
    def queue(self) -> float:
        """Seconds beyond those of an unloaded prefill: waiting for others, and for the steps between chunks."""
        return self.measured - self.unloaded


@dataclass(frozen=True)
class Energy:
    """Joules per output token: as measured at the chips; at the rated power of the chips, and of the whole system, for
    the measured time; at the chips' rated power for the ideal time. ``watts`` of one chip measured, and rated."""

    measured: float
    chips: float | None
    all_in: float | None
    ideal: float | None
    watts: float | None
    rated: float | None


@dataclass(frozen=True)
class Drafts:
    """Tokens that a sequence must have gained in each pass for the estimate to be what was measured, and the chance of
    acceptance that gives as many; None where no chance does. What drafting itself takes is not counted."""

    drafts: float
    tokens: float
    acceptance: float | None

    @property
    def most(self) -> float:
        """Tokens of a pass where every draft is accepted."""
        return self.drafts + 1


@dataclass(frozen=True)
class Practice:
    """Seconds of a row by the estimate, between which eight in ten lie, and by the band of which family."""

    seconds: float
    low: float
    high: float
    family: str


@dataclass(frozen=True)
class Judged:
    """A row with its measured and its ideal time in seconds, of the step or of the whole request; None where it is not
    modelled, and ``why``.

    ``practice``: by the estimate; ``drafts``: what a time per token implies where drafts were checked.
    ``in_flight``: for serving, the step time with the prefills riding along evenly, and ``of_peak`` the share of the
    peak that computing these would take in the time that decode leaves. ``implausible``: why a row implies more than
    serving can reach. ``cache``: the format of the KV cache. ``times``: seconds of each term.
    """

    row: Measurement
    measured: float | None
    ideal: float | None
    bottleneck: str | None
    layout: str | None = None
    in_flight: float | None = None
    why: str = ""
    times: Mapping[str, float] = field(default_factory=dict)
    cache: str | None = None
    of_peak: float | None = None
    implausible: str = ""
    first_token: FirstToken | None = None
    energy: Energy | None = None
    practice: Practice | None = None
    drafts: Drafts | None = None

    @property
    def is_fitted(self) -> bool:
        """Whether fits take rows like it: single decode steps, steps of training and collectives; no prefill, no whole
        request, no check of drafts, and nothing implausible."""
        row = self.row
        step = row.phase == PhaseName.DECODE and row.scope != "request" and "mtp" not in row.detail
        kind = step or row.phase == PhaseName.TRAIN or row.phase in COLLECTIVES
        return kind and self.practice is not None and not self.implausible

    @property
    def error(self) -> float | None:
        """Estimated over measured, less one."""
        return None if not self.measured or self.practice is None else self.practice.seconds / self.measured - 1

    @property
    def is_in_band(self) -> bool:
        """Whether what was measured lies in the band of the estimate."""
        found, measured = self.practice, self.measured
        return found is not None and measured is not None and found.low <= measured <= found.high

    @property
    def ratio(self) -> float | None:
        """Ideal over measured: one is physics' best."""
        return None if not self.measured or self.ideal is None else self.ideal / self.measured

    @property
    def beats_ideal(self) -> bool:
        return self.ratio is not None and self.ratio > 1 + EXACT


UNSTATED = "—"
NINE_IN_TEN = 0.9
Column = Callable[[Judged], str]
COLUMNS: Mapping[str, Column] = {
    "family": lambda one: one.row.family,
    "source": lambda one: one.row.source_family,
    "phase": lambda one: one.row.phase,
    "kind": lambda one: one.row.kind,
    "scope": lambda one: one.row.scope or UNSTATED,
    "model": lambda one: one.row.model or UNSTATED,
    "hardware": lambda one: one.row.hardware or UNSTATED,
    "chips": lambda one: f"{one.row.chips} chips",
    "stack": lambda one: one.row.stack or UNSTATED,
    "engine": lambda one: engine_of(one.row.stack) or UNSTATED,
    "weights": lambda one: one.row.formats.get("weights") or UNSTATED,
    "cache": lambda one: one.cache or UNSTATED,
    "bottleneck": lambda one: one.bottleneck or UNSTATED,
    "licence": lambda one: one.row.licence or UNSTATED,
    "quantity": lambda one: one.row.quantity,
}
"""What rows may be grouped by."""
USUAL = ("family", "phase")


def columns_of(text: str | Sequence[str] | None) -> tuple[str, ...]:
    """Columns to group by, from their names with commas between or a list; raises UserError for an unknown one.

    >>> columns_of("model, hardware"), columns_of(None)
    (('model', 'hardware'), ('family', 'phase'))
    """
    if text is None:
        return USUAL
    names = tuple(name.strip() for name in (text.split(",") if isinstance(text, str) else text))
    for name in names:
        if name not in COLUMNS:
            raise unknown("column to group `by`", name, list(COLUMNS))
    if not names or len(set(names)) < len(names):
        raise UserError("`by`: give different columns, with commas between")
    return names


def groups(judged: Sequence[Judged], by: Sequence[str] = USUAL) -> dict[tuple[str, ...], list[Judged]]:
    """Rows by the values of some columns, in the order in which these occur."""
    found: dict[tuple[str, ...], list[Judged]] = {}
    for one in judged:
        found.setdefault(tuple(COLUMNS[name](one) for name in by), []).append(one)
    return found


def quantile(values: Sequence[float], share: float) -> float:
    """The value that such a share does not exceed."""
    return float(np.quantile(values, share))


def summary(judged: Sequence[Judged], by: Sequence[str] = USUAL) -> dict[str, dict[str, float | int | None]]:
    """By group: how many, how many modelled, and the median, least and largest ideal/measured."""
    found: dict[str, dict[str, float | int | None]] = {}
    for names, members in groups(judged, by).items():
        ratios = [one.ratio for one in members if one.ratio is not None]
        riding = [one.in_flight / one.measured for one in members if one.in_flight and one.measured]
        errors = [one.error for one in members if one.error is not None]
        found[" ".join(names)] = {
            "rows": len(members), "modelled": len(ratios),
            "median": median(ratios) if ratios else None,
            "least": min(ratios, default=None), "largest": max(ratios, default=None),
            "beat_ideal": sum(one.beats_ideal for one in members),
            "implausible": sum(bool(one.implausible) for one in members),
            "median_in_flight": median(riding) if riding else None,
            "estimated": len(errors), "estimated_over_measured": 1 + median(errors) if errors else None,
            "median_error": median(map(abs, errors)) if errors else None,
            "p90_error": quantile(list(map(abs, errors)), NINE_IN_TEN) if errors else None,
            "in_band": sum(one.is_in_band for one in members),
        }  # fmt: skip
    return found
