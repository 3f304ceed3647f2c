"""Write docs/how-true.md: how far off the bound and the estimate are on every measurement of the catalogue.

Nothing on the page is typed in but its words: each part asks the library, as a user would. ``--check`` says whether the
page is what the library answers now; figures may differ by rounding, as they do between machines.
"""

import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from difflib import unified_diff
from math import exp, log
from pathlib import Path
from typing import Any

import steptime as st

PAGE = Path(__file__).with_name("how-true.md")
NORMAL = 1.6449
"""Standard deviations to either end of nine in ten of a normal distribution."""
CLOSE = 0.03
"""By how much, relative to it, a figure may differ between machines."""

Data = Mapping[str, Any]
HEAD = """# How true is it

Written by `python docs/how_true.py` from the measurements that the package carries, through the same calls that anyone
makes: `steptime validate` and `steptime calibrate`. Run it again after a change; a test compares.

The **bound** is what physics allows and is never to be beaten. The **estimate** is what a step takes in practice: a
closed form with few coefficients, half of them fitted. An error is |predicted/measured − 1|; half of the rows do not
exceed the *median*, nine of ten not the *nine in ten*; *bias* is the median of predicted over measured. What is *left
out* was predicted by a fit that saw no row of its group (the same model on the same machine under the same serving
stack), or none of its model, machine, stack or source. Only errors of rows left out say how true the estimate is;
those of the fit itself stand beside them and are no evidence.
"""
NOT_MODELLED = """## What is not modelled

Named, so that nobody takes it for counted:

- adapters (LoRA), images and other inputs than tokens, and how requests of several turns are scheduled;
- the waves in which tiles of a matrix and pieces of attention fill a chip's processors: the last one leaves some idle;
- which experts tokens prefer: routing is taken to be even, so that skewed traffic waits longer for the fullest chip;
- the fullest rank under attention data parallelism, beyond whole sequences;
- queueing before the first token: `validate` states it apart from the unloaded prefill;
- clocks that power or heat hold down, but as a share of the peak;
- versions of serving stacks: one set of coefficients stands for all; the groups above show how far versions lie apart;
- time per token of multi-token prediction where the acceptance is not stated.
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


def table(columns: str, rows: Iterable[Iterable[str]]) -> list[str]:
    """A Markdown table; columns that begin with > are flush right."""
    heads = columns.split("|")
    rule = "|".join("---:" if head.startswith(">") else "---" for head in heads)
    lines = [f"| {' | '.join(head.lstrip('>') for head in heads)} |", f"|{rule}|"]
    return [*lines, *(f"| {' | '.join(row)} |" for row in rows), ""]


def percent(share: float) -> str:
    """A share to two digits."""
    return f"{float(f'{100 * share:.2g}'):g} %"


def number(value: float) -> str:
    return f"{value:.2g}"


def errors(one: Data) -> tuple[str, ...]:
    """Rows, median, nine in ten, bias."""
    return str(one["rows"]), percent(one["median"]), percent(one["p90"]), f"{exp(one['bias']):.2f}"


def pairs(found: Mapping[str, Data], what: str) -> list[str]:
    """A table of errors left out, and of the fit itself."""
    head = f"{what}|>rows|>median|>nine in ten|>bias|>median of the fit itself|>nine in ten"
    rows = ((name.replace("|", ", "), *errors(pair["left_out"]), *errors(pair["fitted"])[1:3])
            for name, pair in found.items())  # fmt: skip
    return table(head, rows)


def bound() -> list[str]:
    """The bound against every row."""
    data = st.validate().to_dict()
    rows = data["rows"]
    judged = [row for row in rows if row["ratio"] is not None]
    kinds = ((name, str(one["modelled"]), f"{one['median']:.2f}", f"{one['largest']:.2f}")
             for name, one in data["summary"].items() if one["modelled"])  # fmt: skip
    faster = data["beats_ideal"]
    return [
        "## The bound", "",
        f"{len(judged)} of {len(rows)} rows are judged; {len(faster)} are faster than their bound"
        f"{': ' + ', '.join(faster) if faster else ''}. How much of the measured time the bound is:", "",
        *table("source and phase|>rows|>median|>largest", kinds),
    ]  # fmt: skip


def decode() -> list[str]:
    """The estimate of decode steps."""
    data = st.calibrate().to_dict()
    made = data["errors"]
    words = {"group": "a model on a machine under a stack", "model": "a model", "machine": "a machine",
             "stack": "a serving stack", "source": "whoever measured",
             "with_implausible": "a group, with the rows named implausible below"}  # fmt: skip
    left = [("nothing is fitted: the bound", *errors(data["baselines"]["ideal"])),
            ("a group; the bound times one number", *errors(data["baselines"]["one_multiplier"])),
            *((words[by], *errors(made[by])) for by in words if by in made),
            ("nothing: the rows of the fit itself", *errors(made["in_sample"]))]  # fmt: skip
    bands = ((name, f"{one['low']:.2f}", f"{one['high']:.2f}", str(one["rows"]), str(one["groups"]))
             for name, one in data["bands"].items())  # fmt: skip
    return [
        "## Decode steps: the estimate", "",
        f"{data['rows']} measured decode steps in {data['groups']} groups.", "",
        *table("left out together|>rows|>median|>nine in ten|>bias", left),
        "### By family of machines, and by what rows have in common", "", *pairs(data["families"], "rows"),
        *pairs(data["traits"], "rows"),
        "### Group by group", "", *pairs(data["by_group"], "model, machine, serving stack"),
        "### The bands", "",
        "Between these shares of the estimate eight in ten measured times lay, of groups left out. Bands that the "
        f"other groups give hold {percent(data['covered'])} of a group's rows.", "",
        *table("rows|>low|>high|>rows|>groups", bands),
        *coefficients(data), *unexplained(data),
    ]  # fmt: skip


def coefficients(data: Data) -> list[str]:
    """Values, what was known before, what the rows leave open."""
    rows = []
    for name, one in data["coefficients"].items():
        found, ends = data["intervals"].get(name), exp(NORMAL * one["spread"])
        rows.append((f"`{name}`", number(one["value"]), f"{number(one['prior'])} ({number(one['prior'] / ends)} to "
                     f"{number(one['prior'] * ends)})" if found else "held", *interval(found), one["why"]))  # fmt: skip
    for family, factor in data["kernels"].items():
        found = data["intervals"].get(f"kernel_time on {family}")
        ends = exp(log(found["high"] / found["low"]) / found["of_prior"] / 2) if found else 1.0
        before = f"1 ({number(1 / ends)} to {number(ends)})" if found else "held"
        rows.append((f"`kernel_time` on {family}, times", number(factor), before, *interval(found), ""))
    held = [f"`{one['first']}` and `{one['second']}` ({one['correlation']:.2f})" for one in
            data["with_held"]["correlated"]]  # fmt: skip
    undecided = ", ".join(f"`{name}`" for name in data["undecided"])
    near = [f"`{one['first']}` and `{one['second']}` ({one['correlation']:.2f})" for one in data["correlated"]]
    return [
        "### The coefficients", "",
        "Shares of a rate, and seconds. Intervals hold nine in ten of "
        f"{data['resamples']} fits to groups drawn with replacement, each with its priors drawn anew.", "",
        *table("coefficient|>value|>before (nine in ten)|>after|>of the width before|what it rests on", rows),
        f"**What the rows do not decide**, nearly as wide as before: {undecided or 'nothing'}. Condition number of "
        f"the scaled sensitivities {number(data['condition_number'])} (above 30 something is not told apart); pairs "
        f"that correlate above 0.8: {', '.join(near) or 'none'}. Were those that are held fitted too: "
        f"{number(data['with_held']['condition_number'])}, and {', '.join(held) or 'none'}.", "",
    ]  # fmt: skip


def interval(found: Data | None) -> tuple[str, str]:
    if found is None:
        return "", ""
    return f"{number(found['low'])} to {number(found['high'])}", percent(found["of_prior"])


def unexplained(data: Data) -> list[str]:
    """Rows by name: those that nothing explains, those that cannot be, those that no step is."""
    far = [f"{name} ({percent(one['error'])}; {one['group'].replace('|', ', ')})"
           for name, one in data["unexplained"].items()]  # fmt: skip
    return [
        "### Rows that we cannot explain", "",
        "Off by more than half where their group is left out, and in every figure above: "
        f"{'; '.join(far) or 'none'}.", "",
        *(f"In no fit, and in that figure alone that says so, {why}: {', '.join(names)}.\n"
          for why, names in by_reason(data["implausible"])),
        "Not used, and why:", "",
        *table("why|>rows", ((why, str(count)) for why, count in Counter(data["not_used"].values()).items())),
    ]  # fmt: skip


def by_reason(rows: Mapping[str, str]) -> list[tuple[str, list[str]]]:
    reasons: dict[str, list[str]] = {}
    for name, why in rows.items():
        reasons.setdefault(why, []).append(name)
    return list(reasons.items())


PARTS: tuple[Callable[[], list[str]], ...] = (bound, decode)
"""The page, part by part: what else is fitted joins here."""


def page() -> str:
    """The whole page."""
    parts = "\n".join(line for part in PARTS for line in part())
    return "\n".join([HEAD, parts, NOT_MODELLED, OTHERS])


def differences(old: str, new: str) -> list[str]:
    """Lines of two pages that differ by more than what rounding does to their figures."""
    old_lines, new_lines = old.splitlines(), new.splitlines()
    if len(old_lines) != len(new_lines):
        return list(unified_diff(old_lines, new_lines, lineterm="", n=0))
    return [f"{was} | {now}" for was, now in zip(old_lines, new_lines, strict=True) if not alike(was, now)]


def alike(one: str, other: str) -> bool:
    """Whether two lines have the same words, and figures that are the same but for rounding."""
    figure = re.compile(r"(?<![\w.-])-?\d+(?:\.\d+)?(?:e[+-]\d+)?(?: %)?(?![\w-]*[A-Za-z])")
    if figure.sub("#", one) != figure.sub("#", other):
        return False
    return all(near(was, now) for was, now in zip(figure.findall(one), figure.findall(other), strict=True))


def near(one: str, other: str) -> bool:
    """Whether two figures are the same but for rounding; what is counted must be the same."""
    if one.isdigit() and other.isdigit():
        return one == other
    was, now = (float(text.removesuffix(" %")) for text in (one, other))
    last = 1.01e-2 if re.fullmatch(r"-?\d+\.\d\d", one) else 0.0
    return abs(was - now) <= max(CLOSE * max(abs(was), abs(now)), last)


if __name__ == "__main__":
    made = page()
    if "--check" in sys.argv[1:]:
        found = differences(PAGE.read_text("utf-8"), made)
        sys.exit("\n".join(["docs/how-true.md is not what the library says now:", *found]) if found else 0)
    PAGE.write_text(made, "utf-8")
