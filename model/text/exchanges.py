"""The fit of collectives as JSON and as tables."""

from dataclasses import asdict
from typing import Any

from rich.text import Text

from steptime.model.catalog.links import POOLED, TIERS
from steptime.model.quantity import second
from steptime.model.solver.calibration.exchanges import Exchanges
from steptime.model.solver.calibration.links import SHARES, STARTS
from steptime.model.text.fitted import ERRORS, cells
from steptime.model.text.fitting import Fitting
from steptime.model.text.format import in_unit

LEFT_OUT = {
    "in_sample": "nothing: rows of the fit itself", "size": "a range of sizes, or a number of chips",
    "machine": "a machine", "source": "whoever measured", "group": "a kind on a machine by a source",
}  # fmt: skip
BOUND = {"starts": "of these, starts take longer", "bytes": "of these, bytes take longer"}


def exchanges_json(found: Exchanges | None) -> dict[str, Any] | None:
    """Coefficients by family and tier, errors by what was left out, by what binds and by group."""
    if found is None:
        return None
    errors = {"errors": found.errors, "by_bound": found.by_bound, "by_group": found.by_group}
    shown = {key: {name: asdict(one) for name, one in of.items()} for key, of in errors.items()}
    priors = {tier: {"start": STARTS[tier].value, "share": SHARES[tier].value} for tier in TIERS}
    return {**asdict(found.coefficients), "priors": priors, "left_out": found.judged_by, **shown}


def exchanges_tables(found: Exchanges) -> list[Any]:
    """Three tables under a line that says of what."""
    made, left = found.coefficients, found.errors[found.judged_by]
    head = Text(f"{made.rows} measured collectives in {made.groups} groups; of groups left out the estimate is off by "
                f"{left.median:.1%} in the median, {left.p90:.0%} in nine of ten", style="bold")  # fmt: skip
    links = Fitting(("machines", "tier", ">start", ">share of the bandwidth"))
    for family, tiers in made.links.items():
        for tier, link in tiers.items():
            name = "any other" if family == POOLED else family
            links.add_row(name, tier.replace("_", "-"), in_unit(link.start, second), f"{link.share:.3g}")
    errors = Fitting(("collectives left out together", *ERRORS), (), (), ("collectives left out together",))
    for by, words in LEFT_OUT.items():
        if by in found.errors:
            errors.add_row(words, *cells(found.errors[by]))
    for bound, one in found.by_bound.items():
        errors.add_row(BOUND[bound], *cells(one))
    for group, one in found.by_group.items():
        errors.add_row(group.replace("|", " "), *cells(one))
    bands = ", ".join(f"{'all' if family == POOLED else family} {low:.2f} to {high:.2f}"
                      for family, (low, high) in made.bands.items())  # fmt: skip
    band = Text(f"bands of measured over estimated, eight in ten of groups left out: {bands}; wider without rows")
    return [head, Text(), links, Text(), errors, Text(), band]
