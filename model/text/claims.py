"""Claims: what the lecture and papers say in numbers beside ours, as JSON and in words."""

from collections.abc import Callable
from typing import Any

from rich.padding import Padding
from rich.text import Text

from steptime.derivations.claims import Verdict, Wording, judge
from steptime.derivations.library import claims, derivations
from steptime.model.text.derivations import verified
from steptime.model.text.format import counted, plain
from steptime.model.text.screen import Fold, Screen

VERDICTS = ("holds", "differs", "consistent", "fails")


def verdicts(progress: Callable[[float], None] = lambda share: None) -> list[Verdict]:
    """Every claim, judged; a claim whose row has a derivation that fails, fails."""
    failures = verified(derivations(), progress)
    bad = {row for one in derivations() if failures[one.name] is not None for row in one.rows}
    return [judge(claim, verified=claim.row not in bad) for claim in claims()]


def claims_json(found: list[Verdict]) -> dict[str, Any]:
    return {
        "claims": [
            {
                "row": v.claim.row,
                "statement": v.claim.statement,
                "lecture": v.claim.said,
                "source": v.claim.source.value,
                "wording": v.claim.wording.text,
                "ours": v.ours,
                "ratio": v.ratio,
                "unit": v.claim.unit,
                "verdict": v.verdict,
                "tolerance": v.claim.wording.value[1],
                "inputs": dict(v.inputs),
            }
            for v in found
        ]
    }


def claims_table(found: list[Verdict]) -> Screen:
    """How many numbers hold; those that do not; folded away those that do."""
    count = {name: sum(v.verdict == name for v in found) for name in VERDICTS}
    within = "; ".join(f"{one.text} {100 * one.value[1]:.0f} %" for one in Wording if not one.is_factor)
    good = [v for v in found if v.verdict in ("holds", "consistent")]
    return Screen(
        Text(f"{counted(len(found), 'number')} of the lecture: "
             + ", ".join(f"{number} {name}" for name, number in count.items()), style="bold"),
        Text(),
        *[part for v in found if v not in good for part in _lines(v)],
        Fold(tuple(part for v in good for part in _lines(v)), f"{len(good)} that hold or are consistent"),
        Text(f"a number holds within the tolerance of how it was said ({within}; of the order of: a factor of ten; "
             "a range: a factor of ten from end to end)", style="dim"),
    )  # fmt: skip


def _lines(v: Verdict) -> list[Any]:
    """A number: its statement, and below what was said, ours, and the verdict."""
    said = "" if v.claim.said is None else f"{v.claim.wording.text} {plain(v.claim.said)}, "
    ratio = "" if v.ratio is None else f", ratio {v.ratio:.3g}"
    numbers = f"{v.verdict}: {said}ours {plain(v.ours)} {v.claim.unit}".rstrip()
    return [Text(f"{v.claim.row} {v.claim.statement}"),
            Padding(Text(f"{numbers}{ratio} ({v.claim.source.value})", style="dim"), (0, 0, 0, 4))]  # fmt: skip
