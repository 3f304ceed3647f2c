"""What the terms of an estimate are, and what makes each longer than it ideally would be."""

from collections.abc import Iterable, Mapping
from typing import Any

from rich.text import Text

from steptime.model.quantity import lookup, second
from steptime.model.step.estimate_parts import PartOfEstimate
from steptime.model.text.fitting import Fitting
from steptime.model.text.format import plain, si
from steptime.model.text.header import listed

MEANING = {
    "weights": "weights that every token passes, read or multiplied, whichever is slower",
    "experts": "routed experts, read or multiplied",
    "cache": "KV cache and state read, or scores worked out, whichever is slower",
    "links": "bytes to other chips",
    "collectives": "starts of all-reduces and exchanges",
    "kernels": "starts of kernels, one after another",
    "sequences": "sampling, tables and host, once for each sequence of a rank",
    "prefills": "prefills of others that ride along",
    "products": "matrix products, or reading their weights, whichever is slower",
    "attention": "scores and sums of attention",
    "between products": "activations read and written between products",
    "tensor-parallel links": "collectives inside layers that nothing hides",
    "exchanges": "exchanges of experts and stages that nothing hides",
    "replicas": "gradients and weights between replicas that nothing hides",
    "optimizer": "state, gradients and weights read and written",
    "links or host": "what links carry, or the host launches, beyond all that",
}
"""Each term in words."""
EACH = {"kernel_time": ("kernels", "launches"), "reduce_start": ("reduces",), "exchange_start": ("exchanges",),
        "sequence_overhead": ("sequences",)}  # fmt: skip
"""Times that are taken once for each of so many."""
HALF_A_PERCENT = 5e-3


def parts_json(parts: Mapping[str, PartOfEstimate]) -> dict[str, Any]:
    """Each term: its time, its time were all ideal, and the numbers that make it longer."""
    return {name: {"time": one.seconds, "ideal": one.ideal, "longer_by": dict(one.longer_by)}
            for name, one in parts.items()}  # fmt: skip


def parts_table(parts: Mapping[str, Any]) -> list[Any]:
    """The terms that take any time, the longest first: ideally, as estimated, and why it is more; and what each is."""
    there = {name: one for name, one in sorted(parts.items(), key=lambda item: -item[1]["time"]) if one["time"]}
    rows = [[name, si(one["ideal"], "s"), si(one["time"], "s"), longer_by(one["longer_by"])]
            for name, one in there.items()]  # fmt: skip
    ideal, time = (sum(one[key] for one in parts.values()) for key in ("ideal", "time"))
    rows.append(["sum", si(ideal, "s"), si(time, "s"), "one after another: the bound overlaps them"])
    longer = "what makes it longer"
    return [Fitting(("term of the estimate", ">ideally", ">about", longer), rows, (), (longer,)), meant(there)]


def meant(terms: Iterable[str]) -> Text:
    """What terms of an estimate are.

    >>> meant(["links", "kernels", "compute"]).plain
    'links: bytes to other chips; kernels: starts of kernels, one after another'
    """
    return Text("; ".join(f"{name}: {MEANING[name]}" for name in terms if name in MEANING), style="dim")


def longer_by(numbers: Mapping[str, float]) -> str:
    """The first numbers that make a term longer, in words; shares and waves that are one make nothing longer.

    >>> longer_by({"dense_streaming": 0.92, "weight_waves": 1.263, "cache_waves": 1.0})
    'dense_streaming 92%, weight_waves 1.26'
    >>> longer_by({"kernel_time": 6.1e-6, "kernels": 803.0})
    '803 kernels of 6.1 µs'
    """
    counts = {name for names in EACH.values() for name in names}
    said = []
    for name, value in numbers.items():
        if name in EACH:
            of = next(one for one in EACH[name] if one in numbers)
            said.append(f"{plain(numbers[of])} {of} of {si(value, 's', 3)}")
        elif name not in counts and abs(value - 1) > HALF_A_PERCENT:
            is_share = value < 1 and lookup(name).unit != second
            said.append(f"{name} {value:.0%}" if is_share else f"{name} {value:.3g}")
    return listed(said, 2)


def added(parts: Mapping[str, Any], most: int = 2) -> str:
    """What the estimate adds most, in words; nothing where all is ideal."""
    more = {name: one["time"] - one["ideal"] for name, one in parts.items()}
    first = sorted((name for name in more if more[name] > 0), key=lambda name: -more[name])[:most]
    found = list[str]()
    for name in first:
        by = longer_by(parts[name]["longer_by"])
        than = "" if found else " longer than ideally"
        found.append(f"{name} take {si(more[name], 's', 3)}{than}{f' ({by})' if by else ''}")
    return " and ".join(found)
