"""The text of a demand becomes classes, options and limits: a closed vocabulary, read as data.

Every mistake is one line: file, table and key.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from steptime.model import symbols as q
from steptime.model.api.fleet_options import links_of, options_of
from steptime.model.api.named import model_of
from steptime.model.api.sweep_scenes import beside
from steptime.model.catalog.table import Place, Table, free, line, read, whole
from steptime.model.choices import Basis, Format
from steptime.model.errors import UserError, unknown
from steptime.model.parse import parse
from steptime.model.quantity import byte, count, dollar, joule, second
from steptime.model.solver.fleet.demand import Caps, Demand, Goal, Law, Requests, Role
from steptime.model.step.inputs import Inputs
from steptime.model.step.words import inputs_of

MOST_CLASSES, MOST_PERIODS, MOST_LENGTHS, MOST_SIZE = 200, 168, 200, 1024
LARGEST_LENGTH = 1e8
PER_SECOND = 1 / second
MOST_RANGES = 20
LEAST_SHARE = 1e-6
"""By how much shares may miss one."""


def _share(value: Any, place: Place) -> float:
    """A share of a whole, as 0.3 or 30%."""
    text = str(value).strip()
    found = parse(text.removesuffix("%"), count, str(place)) / 100 if text.endswith("%") else free(count)(value, place)
    if found > 1:
        raise place.error(f"{value} is more than the whole")
    return found


def _percentile(value: Any, place: Place) -> float:
    found = parse(value, count, str(place))
    if not 50 <= found <= 99.99:
        raise place.error(f"{value}: a percentile lies between 50 and 99.99")
    return found / 100


def _count(most: int) -> Callable[[Any, Place], int]:
    """A whole number, nought too."""
    positive = whole(1, most)
    return lambda value, place: 0 if value == 0 and not isinstance(value, bool) else positive(value, place)


def _length(value: Any, place: Place) -> float:
    found = parse(value, count, str(place))
    if found % 1 or found > LARGEST_LENGTH:
        raise place.error(f"{value} must be a whole number of tokens")
    return found


def _law(value: Any, place: Place) -> Law:
    """A number of tokens, or a list of [tokens, share]."""
    if not isinstance(value, list):
        return Law((_length(value, place),))
    if not 1 <= len(value) <= MOST_LENGTHS or any(not isinstance(one, list) or len(one) != 2 for one in value):
        raise place.error(f"give tokens, or a list of up to {MOST_LENGTHS} pairs [tokens, share]")
    values = tuple(_length(tokens, place) for tokens, _ in value)
    shares = tuple(_share(share, place) for _, share in value)
    if abs(sum(shares) - 1) > LEAST_SHARE:
        raise place.error(f"the shares sum to {sum(shares):g}, not to one")
    return Law(values, tuple(share / sum(shares) for share in shares))


_class = Table({
    "name": line, "model": str, "rate": PER_SECOND, "rates": [free(PER_SECOND)], "prompt": _law, "output": _law,
    "cached": _share, "max_ttft": second, "max_tpot": second, "percentile": _percentile,
    "weights": tuple(Format), "kv": tuple(Format), "activations": tuple(Format), "wait": _count(MOST_PERIODS),
    "price_in": dollar, "price_out": dollar,
}, needed=("model", "prompt", "output"))  # fmt: skip
_hardware = Table({
    "name": str, "price": dollar / second, "basis": tuple(Basis), "power": joule / second,
    "stock": _count(10**9), "sizes": [whole(1, MOST_SIZE)], "roles": [tuple(Role)], "rented": bool,
    "rent": dollar / second,
}, needed=("name",))  # fmt: skip
_schema = Table({
    "name": str, "minimise": (Goal.DOLLARS, Goal.POWER, Goal.CHIPS), "maximise": (Goal.TOKENS,),
    "efficiency": str, "class": [_class], "hardware": [_hardware], "gap": _share, "nodes": whole(1, 10**9),
    "seconds": float,
    "link": [Table({"between": [str], "bandwidth": byte / second}, needed=("between",))],
    "energy_price": dollar / joule,
    "limits": Table({"megawatts": float, "budget": dollar / second, "chips": whole(1, 10**9), "spare": _count(100)}),
}, needed=("class", "hardware"))  # fmt: skip


def demand_of(data: Mapping[str, Any], origin: str = "demand", folder: Path | None = None) -> Demand:
    """The demand that a TOML file or a dictionary states; files that it names lie beside it. Raises UserError."""
    place = Place(origin)
    found = read(_schema, data, place)
    if "minimise" in found and "maximise" in found:
        raise place.error("give minimise or maximise, not both")
    goal = Goal(found.get("maximise", found.get("minimise", Goal.DOLLARS)))
    limits = found.get("limits", {})
    power = limits["megawatts"] * 1e6 if "megawatts" in limits else None
    caps = Caps(power, limits.get("budget"), limits.get("chips"), limits.get("spare", 0))
    if goal == Goal.TOKENS and (caps.power, caps.budget, caps.chips) == (None, None, None) and not all(
        "stock" in one for one in found["hardware"]
    ):  # fmt: skip
        raise place.error("maximise tokens needs a limit: megawatts, budget, chips, or a stock of each hardware")
    efficiency = {"efficiency": found["efficiency"]} if "efficiency" in found else {}
    options, notices = options_of(found["hardware"], folder, place)
    demand = Demand(
        _classes(found["class"], efficiency, folder, place), options, goal, caps,
        links_of(found.get("link"), options, place), found.get("energy_price", 0.0), found.get("gap", 0.01),
        found.get("nodes", Demand.nodes), found.get("seconds", Demand.seconds), notices,
    )  # fmt: skip
    _must_have(demand)
    return demand


# --- classes ----------------------------------------------------------------------------------------------------------


def _classes(
    stated: Sequence[Mapping[str, Any]], words: Mapping[str, Any], folder: Path | None, place: Place
) -> tuple[Requests, ...]:
    if not 1 <= len(stated) <= MOST_CLASSES:
        raise place.error(f"give one to {MOST_CLASSES} [[class]]")
    periods = {len(one["rates"]) for one in stated if "rates" in one}
    if len(periods) > 1 or any(not 1 <= number <= MOST_PERIODS for number in periods):
        raise place.error(f"rates: every class that has them has as many, one to {MOST_PERIODS}")
    number = next(iter(periods), 1)
    models = {name: model_of(beside(name, folder)) for name in dict.fromkeys(one["model"] for one in stated)}
    found = []
    for index, one in enumerate(stated):
        name = one.get("name", f"class {index + 1}")
        inside = Place(place.file, f"class {name}")
        if ("rate" in one) == ("rates" in one):
            raise inside.error("give rate, or rates")
        rates = one["rates"] if "rates" in one else (one["rate"],) * number
        if not max(rates) > 0:
            raise inside.error("rates: at least one is above zero")
        if min(one["output"].values) < 2:
            raise inside.error("output: a request has at least two tokens, of which its prefill gives the first")
        formats = {key: one[key] for key in ("weights", "kv", "activations") if key in one}
        inputs: Inputs = inputs_of({**words, **formats})
        found.append(Requests(
            name, models[one["model"]], inputs, tuple(rates), one["prompt"], one["output"], one.get("cached", 0.0),
            one.get("max_ttft"), one.get("max_tpot"), one.get("percentile", 0.95), one.get("wait", 0),
            one.get("price_in"), one.get("price_out"),
        ))  # fmt: skip
    names = [one.name for one in found]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise place.error(f"two classes are called {twice}")
    return tuple(found)


def _must_have(demand: Demand) -> None:
    """Raises UserError where a figure is missing by which options are compared or limited."""
    for option in demand.options:
        dollars = demand.goal == Goal.DOLLARS or demand.caps.budget is not None
        if dollars and option.price is None:
            raise UserError(
                f"the fleet needs {option.hardware.missing(q.chip_hour_price.name)}; `minimise` chips needs none"
            )
        watts = demand.goal == Goal.POWER or demand.caps.power is not None or demand.energy_price
        if watts and option.power is None:
            raise UserError(f"the fleet needs {option.hardware.missing(q.power.name)}")


def ends_of(demand: Demand, words: Mapping[str, str]) -> dict[str, tuple[float, float]]:
    """Both ends by name: ``chat.rate=8..16`` of a class, ``h200-sxm.price=2$/h..4$/h`` of an option, in base units.

    Raises UserError for other names, and where the first end is above the second.
    """
    known = {f"{one.name}.rate": 1 / second for one in demand.classes}
    known |= {f"{one.name}.price": dollar / second for one in demand.options if one.price is not None}
    if len(words) > MOST_RANGES:
        raise UserError(f"ranges: at most {MOST_RANGES}")
    found = {}
    for name, text in words.items():
        if name not in known:
            raise unknown("range", name, list(known), f"known: {', '.join(known)}")
        low, dots, high = str(text).partition("..")
        if not dots:
            raise UserError(f"range of {name}: {str(text)[:60]!r}: write lo..hi")
        both = parse(low.strip(), known[name], name), parse(high.strip(), known[name], name)
        if both[0] > both[1]:
            raise UserError(f"range of {name}: {low} is above {high}")
        found[name] = both
    return found
