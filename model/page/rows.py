"""The rows of a page's answer: what each is called, its unit, and the output that it shows."""

from typing import Any

from steptime.model.choices import PhaseName
from steptime.model.step.case import Case
from steptime.model.step.estimate import coefficients_of

BOUND = (
    ("step_time", "step time", "s"), ("compute", "compute", "s"), ("memory", "memory", "s"),
    ("interconnect", "interconnect", "s"), ("scale_up", "of it scale-up", "s"), ("scale_out", "of it scale-out", "s"),
    ("bound_per_operation", "overlapped inside operations alone", "s"), ("bound_none", "with nothing overlapped", "s"),
    ("tokens_per_second", "tokens a second", "/s"), ("tokens_per_second_per_sequence", "of one sequence", "/s"),
    ("dollars_per_million_tokens", "cost of a million tokens", "$"), ("joules_per_token", "energy of a token", "J"),
    ("mfu", "share of peak FLOP/s (MFU)", "%"), ("mbu", "share of memory bandwidth (MBU)", "%"),
)  # fmt: skip
PRACTICE = (
    ("estimate", "step time", "s"), ("low", "eight in ten from", "s"), ("high", "to", "s"),
    ("estimate_tokens_per_second", "tokens a second", "/s"),
    ("estimate_tokens_per_second_per_sequence", "of one sequence", "/s"),
    ("estimate_dollars_per_million_tokens", "cost of a million tokens", "$"),
    ("estimate_joules_per_token", "energy of a token", "J"),
)  # fmt: skip
MEMORY = (
    ("memory_per_chip", "weights, caches, activations", "B"), ("filled", "with the workspace", "B"),
    ("usable", "may be filled", "B"),
)  # fmt: skip
OF_SEQUENCES = ("tokens_per_second_per_sequence", "estimate_tokens_per_second_per_sequence")


def rows_of(case: Case) -> list[dict[str, Any]]:
    """The rows in order; without those of an estimate where there is none, and of a sequence where none is served."""
    trains = case.inputs.phase == PhaseName.TRAIN
    groups = {case.inputs.overlap.said: BOUND, "in practice": PRACTICE, "memory of the fullest chip": MEMORY}
    return [
        {"group": group, "key": key, "label": label, "unit": unit}
        for group, rows in groups.items()
        for key, label, unit in rows
        if (group != "in practice" or coefficients_of(case) is not None) and not (trains and key in OF_SEQUENCES)
    ]
