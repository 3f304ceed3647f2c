"""Parts of docs/how-true.md on what is fitted: decode steps, steps of training, and collectives."""

from collections import Counter
from functools import cache
from math import exp, log

from how_true_text import Data, Part, errors, number, pairs, percent, seconds, table

import steptime as st

NORMAL = 1.6449
"""Standard deviations to either end of nine in ten of a normal distribution."""
TIMES = ("reduce_start", "exchange_start", "kernel_time", "sequence_overhead", "launch_time")
LEFT_OUT = {"group": "a model on a machine under a stack", "model": "a model", "machine": "a machine",
            "stack": "a serving stack", "source": "whoever measured",
            "with_implausible": "a group, with the rows that are doubted below"}  # fmt: skip
COLLECTIVES_LEFT_OUT = {"group": "a kind on a machine by a source", "machine": "a machine",
                        "source": "whoever measured", "size": "a range of sizes, or a number of chips"}  # fmt: skip
BOUND = {"starts": "of a kind on a machine by a source: starts take longer", "bytes": "of these: bytes take longer"}


@cache
def calibrated() -> Data:
    return st.calibrate().to_dict()


def decode() -> Part:
    """The estimate of decode steps."""
    data = calibrated()
    return Part("Decode steps", (*steps(data, "decode steps"), *unexplained(data), *not_used(data)),
                short(data, "decode steps: a model on a machine under a stack left out", "group"))  # fmt: skip


def training() -> Part:
    """The estimate of steps of training: whoever measured is left out, as one paper's runs are set up alike."""
    data = calibrated()["training"]
    return Part("Steps of training", (*steps(data, "steps of training"), *unexplained(data)),
                short(data, "steps of training: whoever measured left out", "source"))  # fmt: skip


def short(data: Data, what: str, by: str) -> tuple[tuple[str, ...], ...]:
    """What stands in the table at the top."""
    base = data["baselines"]
    return ((what, *errors(data["errors"][by])),
            ("the same steps by the bound times one number, a group left out", *errors(base["one_multiplier"])),
            ("the same steps by the bound alone", *errors(base["ideal"])))  # fmt: skip


def steps(data: Data, what: str) -> list[str]:
    """One kind of step: errors of what is left out, by family and group; bands and coefficients."""
    made, base = data["errors"], data["baselines"]
    doubted = made["with_implausible"]["rows"] > data["rows"]
    left = [("nothing is fitted: the bound", *errors(base["ideal"])),
            ("a group; the bound times one number", *errors(base["one_multiplier"])),
            *((words, *errors(made[by])) for by, words in LEFT_OUT.items()
              if by in made and (doubted or by != "with_implausible")),
            ("nothing: the rows of the fit itself", *errors(made["in_sample"]))]  # fmt: skip
    sources = ((name, *errors(one)) for name, one in data["sources"].items())
    bands = ((name, f"{one['low']:.2f}", f"{one['high']:.2f}", str(one["rows"]), str(one["groups"]))
             for name, one in data["bands"].items())  # fmt: skip
    return [
        f"{data['rows']} measured {what} in {data['groups']} groups.", "",
        *table("left out together|>rows|>median|>nine in ten|>bias", left),
        "### By family of machines, and by what rows have in common", "",
        "Of groups left out; beside them the same rows where the fit saw them. *In the band*: how many lie inside the "
        "band that the other groups give; eight in ten are meant.", "",
        *pairs(data["families"], "kind of model and family of machines", data["covered_by_family"]),
        *pairs(data["traits"], "what rows have in common"),
        "### Who measured, left out with all their rows", "",
        *table("source|>rows|>median|>nine in ten|>bias", sources),
        "### Group by group", "",
        "Where no stack is stated the source stands in its place.", "",
        *pairs(data["by_group"], "model, machine, serving stack"),
        "### The bands", "",
        "Between these shares of the estimate eight in ten measured times lay, of groups left out, each group counted "
        f"alike. Bands that the other groups give hold {percent(data['covered'])} of a group's rows.", "",
        *table("rows|>low|>high|>rows|>groups", bands),
        *coefficients(data),
    ]  # fmt: skip


def coefficients(data: Data) -> list[str]:
    """Values, what was known before, what the rows leave open."""
    rows = []
    for name, one in data["coefficients"].items():
        say = seconds if name in TIMES else number
        found, ends = data["intervals"].get(name), exp(NORMAL * one["spread"])
        before = f"{say(one['prior'])} ({say(one['prior'] / ends)} to {say(one['prior'] * ends)})" if found else "held"
        after = f"{say(found['low'])} to {say(found['high'])}" if found else ""
        rows.append((f"`{name}`", say(one["value"]), before, after, percent(found["of_prior"]) if found else "",
                     one["why"]))  # fmt: skip
    for family, factor in data.get("kernels", {}).items():
        found = data["intervals"].get(f"kernel_time on {family}")
        ends = exp(log(found["high"] / found["low"]) / found["of_prior"] / 2) if found else 1.0
        before = f"1.0 ({number(1 / ends)} to {number(ends)})" if found else "held"
        after = f"{number(found['low'])} to {number(found['high'])}" if found else ""
        rows.append((f"`kernel_time` on {family}, times", number(factor), before, after,
                     percent(found["of_prior"]) if found else "",
                     "rows alone" if found else "the others are set beside it"))  # fmt: skip
    return [
        "### The coefficients", "",
        "Shares of a rate, and times. *Before*: where it was thought to lie before a row was looked at, nine in ten. "
        f"*After*: nine in ten of {data['resamples']} fits to groups drawn with replacement, each with its priors "
        "drawn anew, so that a coefficient on which rows say nothing stays as wide as it was.", "",
        *table("coefficient|>value|>before|>after|>of the width before|what was known of it", rows),
        *decided(data),
    ]  # fmt: skip


def decided(data: Data) -> list[str]:
    """What the rows cannot decide."""
    near, held = ([f"`{one['first']}` and `{one['second']}` ({one['correlation']:.2f})" for one in of["correlated"]]
                  for of in (data, data["with_held"]))  # fmt: skip
    undecided = ", ".join(f"`{name}`" for name in data["undecided"])
    return [
        f"**What the rows do not decide**, about as wide as before, or wider: {undecided or 'nothing'}. Scaled "
        f"condition number {number(data['condition_number'])} (above 30 something is not told apart); pairs that "
        f"correlate above 0.8: {', '.join(near) or 'none'}. Were those fitted too that are held, "
        f"{number(data['with_held']['condition_number'])}, and {', '.join(held) or 'none'}.", "",
    ]  # fmt: skip


def unexplained(data: Data) -> list[str]:
    """Rows that nothing explains, by name."""
    far = [f"- {name}: off by {percent(one['error'])} ({one['group'].replace('|', ', ')})"
           for name, one in data["unexplained"].items()]  # fmt: skip
    return [
        "### Rows that we cannot explain", "",
        "Off by more than half where their group is left out; they are in every figure above:", "",
        *(far or ["- none"]), "",
    ]  # fmt: skip


def not_used(data: Data) -> list[str]:
    """Rows that cannot be what they say, and those that no fit can use."""
    doubted: dict[str, list[str]] = {}
    for name, why in data["implausible"].items():
        doubted.setdefault(why, []).append(name)
    reasons = Counter(data["not_used"].values())
    return [
        "Doubted, and in no fit; of the figures above they are in the one that says so:", "",
        *(f"- {why}: {', '.join(names)}" for why, names in doubted.items()), "",
        "In no fit of decode steps nor of training, and why:", "",
        *table("why|>rows", ((why, str(count)) for why, count in reasons.items())),
    ]  # fmt: skip


def collectives() -> Part:
    """The estimate of collectives."""
    data = calibrated()["collectives"]
    made = data["errors"]
    left = [*((words, *errors(made[by])) for by, words in COLLECTIVES_LEFT_OUT.items() if by in made),
            *((BOUND[which], *errors(one)) for which, one in data["by_bound"].items()),
            ("nothing: the rows of the fit itself", *errors(made["in_sample"]))]  # fmt: skip
    groups = ((name.replace("|", ", "), *errors(one)) for name, one in data["by_group"].items())
    links = ((family, tier.replace("_", "-"), seconds(link["start"]), number(link["share"]),
              *known_of(data, family, tier)) for family, tiers in data["links"].items()
             for tier, link in tiers.items())  # fmt: skip
    bands = ", ".join(f"{family} {low:.2f} to {high:.2f}" for family, (low, high) in data["bands"].items())
    lines = (
        f"{data['rows']} measured sums and exchanges in {data['groups']} groups.", "",
        *table("left out together|>rows|>median|>nine in ten|>bias", left),
        "### Source, machine and kind, left out", "",
        *table("source, machine, kind|>rows|>median|>nine in ten|>bias", groups),
        "### Start and share of the bandwidth", "",
        "*all* is where a family without rows is thought to lie, and every family lies about it. Groups are too few to "
        f"draw from: no intervals are stated. Bands of measured over estimated time: {bands}.", "",
        *table("family of machines|tier|>start|>share of the bandwidth|>start before|>share before", links),
    )  # fmt: skip
    short = ("collectives: a kind on a machine by a source left out", *errors(made["group"]))
    return Part("Collectives", lines, (short,))


def known_of(data: Data, family: str, tier: str) -> tuple[str, str]:
    """Start and share before a row is looked at: a family's are those of all."""
    known = data["priors"][tier]
    return (seconds(known["start"]), number(known["share"])) if family == "all" else ("as all", "as all")
