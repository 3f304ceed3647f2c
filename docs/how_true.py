"""Write docs/how-true.md: how far off the bound and the estimate are on every measurement of the catalogue.

Nothing on the page is typed in but its words and what other tools say: each part asks the library, as a user would.
``--check`` says whether the page is what the library answers now; figures may differ by rounding, as they do between
machines.
"""

import sys
from collections.abc import Callable
from functools import cache
from math import log
from pathlib import Path
from statistics import median

from how_true_fits import calibrated, collectives, decode, training
from how_true_text import Data, Part, differences, errors, number, percent, table

import steptime as st

PAGE = Path(__file__).with_name("how-true.md")
HEAD = """# How true is it

Written by `python docs/how_true.py` from the measurements that the package carries (`model/catalog/measurements.csv`,
where each row names its source), through the same calls that anyone makes: `steptime validate` and
`steptime calibrate`. Run it again after a change; a test compares.

The **bound** is what physics allows and is never to be beaten. The **estimate** is what a step takes in practice: a
closed form with few coefficients. An error is |predicted/measured − 1|; half of the rows do not exceed the *median*,
nine of ten not the *nine in ten*; *bias* is the median of predicted over measured. What is *left out* was predicted by
a fit that saw no row of its group, or none of its model, machine, stack or source. Only those errors say how true the
estimate is; those of rows that the fit saw stand beside them as *fitted*, and are no evidence.
"""
NOT_MODELLED = """## What is not modelled

Named, so that nobody takes it for counted:

- adapters (LoRA), images and other inputs than tokens, and how requests of several turns are scheduled;
- waves in which pieces of routed experts, of training and of a prefill's attention fill a chip's processors (those of
  other products and of a cache are counted, where a machine states how many processors it has);
- which experts tokens prefer: routing is taken to be even, so that skewed traffic waits longer for the fullest chip;
- a router that evens ranks out, or one that does not: requests are taken to go to ranks as they come;
- queueing before the first token: `validate` states it apart from the unloaded prefill;
- clocks that heat holds down, but as a share of the peak (`power_cap` asks for what a cap on the chip's watts costs);
- versions of serving stacks: one set of coefficients stands for all; the groups above show how far versions lie apart;
- how often drafts are accepted: where a row does not say so it is solved for, and judges nothing.
"""
OTHERS = """## What other tools say of themselves

Each of its own rows, chosen by its authors, and mostly after fitting to the same machines: none can be set beside the
figures above, nor beside each other.

| tool | says | of what | source |
|---|---|---|---|
| LLMCompass | 4.1 % mean error | LLM inference, its own runs | Zhang et al. 2023, arXiv 2312.03134, abstract |
| Vidur | less than 9 % error | requests on profiled machines | Agrawal et al. 2024, arXiv 2405.05465, abstract |
| BLIS, evolved | 11.8 % mean error | latency of whole requests, 38 runs | inference-sim pull request 944, April 2026 |
| BLIS, evolved | 22.8 % mean error | time to the first token, the same runs | the same |
"""
REQUEST = "request"


@cache
def validated() -> Data:
    return st.validate(by="family,phase,scope").to_dict()


def bound() -> Part:
    """The bound against every row."""
    data = validated()
    judged = [row for row in data["rows"] if row["ratio"] is not None]
    kinds = ((name.removesuffix(" —"), str(one["modelled"]), f"{one['median']:.2f}", f"{one['largest']:.2f}")
             for name, one in data["summary"].items() if one["modelled"])  # fmt: skip
    faster = data["beats_ideal"]
    lines = (
        f"{len(judged)} of {len(data['rows'])} rows are judged; {len(faster)} are faster than their bound"
        f"{': ' + ', '.join(faster) if faster else ''}. How much of the measured time the bound is:", "",
        *table("source, phase and what was timed|>rows|>median|>largest", kinds),
    )  # fmt: skip
    return Part("The bound", lines)


def never_fitted() -> Part:
    """Rows of kinds that no fit sees, by the coefficients of decode steps; what else was measured beside times."""
    data = validated()
    kinds = {name: one for name, one in data["summary"].items()
             if one["estimated"] and ("prefill" in name.split() or REQUEST in name.split())}  # fmt: skip
    rows = [(name, *errors(of(one)), percent(one["in_band"] / one["estimated"])) for name, one in kinds.items()]
    lines = (
        "Prefills that have the machine to themselves, and whole requests of a batch, are in no fit: coefficients and "
        "bands of decode steps are put in as they are.", "",
        *table("source, phase and what was timed|>rows|>median|>nine in ten|>bias|>in the band", rows),
        *first_tokens(data), *drafts(data), *energy(data),
    )  # fmt: skip
    return Part("Rows of kinds in no fit", lines, tuple((f"in no fit: {row[0]}", *row[1:5]) for row in rows))


def of(one: Data) -> Data:
    """Errors as a calibration states them."""
    return {"rows": one["estimated"], "median": one["median_error"], "p90": one["p90_error"],
            "bias": log(one["estimated_over_measured"])}  # fmt: skip


def first_tokens(data: Data) -> list[str]:
    """Times to the first token: the unloaded prefill, and what was waited beside it."""
    found = [row["first_token"] for row in data["rows"] if row["first_token"] and row["first_token"]["practice"]]
    share = median(one["practice"] / one["measured"] for one in found)
    return [
        f"**First tokens.** {len(found)} serving rows state the time to the first token. The estimate of the prefill "
        f"alone is {number(share)} of it in the median: the rest is queueing, which is not predicted.", "",
    ]  # fmt: skip


def drafts(data: Data) -> list[str]:
    """Passes that check drafts: what acceptance their times imply."""
    found = {row["id"]: row["drafts"] for row in data["rows"] if row["drafts"]}
    told = [one["acceptance"] for one in found.values() if one["acceptance"] is not None]
    beyond = [name for name, one in found.items() if one["acceptance"] is None]
    return [
        f"**Drafts.** {len(found)} rows of multi-token prediction state how many tokens are drafted and not how many "
        f"are accepted. {len(told)} imply an acceptance of {number(min(told))} to {number(max(told))}, "
        f"{number(median(told))} in the median; no acceptance explains {', '.join(beyond) or 'none'}.", "",
    ]  # fmt: skip


def energy(data: Data) -> list[str]:
    """Joules a token beside what chips are rated for, and what of a chip's power is told apart."""
    found = [row["energy"] for row in data["rows"] if row["energy"]]
    drawn, over = ([one[over] / one[under] for one in found] for over, under in
                   (("watts", "rated"), ("chips", "measured")))  # fmt: skip
    return [
        f"**Energy.** {len(found)} rows state watts: {percent(min(drawn))} to {percent(max(drawn))} of what a chip is "
        f"rated for. Energy per token at the rated power is {number(median(over))} times what was measured, in the "
        f"median. {' '.join(power(one) for one in calibrated()['power'])}", "",
    ]  # fmt: skip


def power(one: Data) -> str:
    """What watts tell of one machine."""
    words = {"idle_watts": ("W whatever it does", 1.0), "joules_per_byte": ("pJ a byte", 1e12),
             "joules_per_flop": ("pJ a FLOP", 1e12)}  # fmt: skip
    told, open_ = list[str](), list[str]()
    for name, part in one["parts"].items():
        unit, times = words[name]
        value, low, high = (number(times * part[end]) for end in ("value", "low", "high"))
        (told if part["is_told"] else open_).append(f"{value} {unit} ({low} to {high})" if part["is_told"] else unit)
    rest = f"; not told from zero: {', '.join(open_)}" if open_ else ""
    return f"Of {one['hardware']} they tell {', '.join(told) or 'nothing'}{rest}."


PARTS: tuple[Callable[[], Part], ...] = (bound, decode, never_fitted, training, collectives)
"""The page, part by part: what else is fitted joins here."""


def page() -> str:
    """The whole page."""
    parts = [part() for part in PARTS]
    short = table("in short|>rows|>median|>nine in ten|>bias", (row for part in parts for row in part.short))
    lines = [line for part in parts for line in (f"## {part.heading}", "", *part.lines)]
    return "\n".join([HEAD, *short, *lines, NOT_MODELLED, OTHERS])


if __name__ == "__main__":
    made = page()
    if "--check" in sys.argv[1:]:
        found = differences(PAGE.read_text("utf-8"), made)
        sys.exit("\n".join(["docs/how-true.md is not what the library says now:", *found]) if found else 0)
    PAGE.write_text(made, "utf-8")
