"""Claims: what the lecture and papers say in numbers beside ours, as JSON and as a table."""

from collections.abc import Callable
from typing import Any

from rich.console import Group
from rich.text import Text

from steptime.derivations.claims import Verdict, Wording, judge
from steptime.derivations.library import claims, derivations
from steptime.model.text.derivations import verified
from steptime.model.text.format import plain, table

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


def claims_table(found: list[Verdict]) -> Group:
    made = table("row", "statement", "source", ">said", ">ours", "", ">ratio", "verdict")
    for v in found:
        made.add_row(
            v.claim.row,
            v.claim.statement,
            v.claim.source.value,
            "" if v.claim.said is None else f"{v.claim.wording.text} {plain(v.claim.said)}",
            plain(v.ours),
            v.claim.unit,
            "—" if v.ratio is None else f"{v.ratio:.3g}",
            v.verdict,
        )
    count = {name: sum(v.verdict == name for v in found) for name in VERDICTS}
    within = "; ".join(f"{one.text} {100 * one.value[1]:.0f} %" for one in Wording if not one.is_factor)
    return Group(
        Text(
            f"a number holds within the tolerance of how it was said ({within}; of the order of: a factor of ten; "
            "a range: a factor of ten from end to end)"
        ),
        made,
        Text(", ".join(f"{number} {name}" for name, number in count.items())),
    )
