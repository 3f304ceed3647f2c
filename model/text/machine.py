"""The best machine, and who earns, as JSON and as tables."""

from typing import Any

from rich.console import Group
from rich.text import Text

from steptime.model import symbols as q
from steptime.model.catalog.hardware import load_hardware
from steptime.model.catalog.prices import GOODS
from steptime.model.choices import MachineGoal
from steptime.model.quantity import latex
from steptime.model.solver.machine import bounds
from steptime.model.solver.machine.best import Machine
from steptime.model.solver.machine.distance import distances
from steptime.model.solver.machine.whole_stacks import with_whole_stacks
from steptime.model.solver.ranges.uncertainty import Spread
from steptime.model.text.bases import NOT_STATED, of_list
from steptime.model.text.format import formula, si, table
from steptime.model.text.header import header_json, not_modelled
from steptime.model.text.practice import OF_NO_FAMILY
from steptime.model.text.ranges import spread_json, spread_lines
from steptime.model.text.run import machine_run_json, run_words

LEFT_OUT = (
    "prices that change with the amount: each is proportional",
    "what fits on a die or a package, beyond `most` in the price list",
    "buildings and cooling, beyond the base in the price list",
)
NAMES = {"compute": "FLOP/s", "stack": "memory", "scale_up": "scale-up links", "scale_out": "scale-out links",
         "base": "the rest"}  # fmt: skip
UPPER = {one.name: upper for one, upper in bounds.UPPER.items()}
TERM_NAMES = {"compute": "compute", "memory": "memory", "scale_up": "interconnect, scale-up",
              "scale_out": "interconnect, scale-out"}  # fmt: skip
OF_WORKLOAD = ("phase", "layout", "precision", "overlap", "defaults")


def machine_json(found: Machine, spread: Spread | None = None) -> dict[str, Any]:
    design, optimum, closed = found.design, found.optimum, found.closed
    spent, first = found.spent["budget"], design.workloads[0].case
    prices = {label: found.price(label) for label in dict.fromkeys(row.label for row in found.rows)}
    terms = {name: price for name, price in prices.items() if name in TERM_NAMES}
    whole, worth = with_whole_stacks(found), found.sensitivities()
    return {
        "model": first.model,
        "prices": {"name": design.prices.name, "file": design.prices.origin, "life": design.prices.life},
        "price_basis": design.prices.basis or NOT_STATED,
        "energy_basis": design.prices.power_basis or NOT_STATED,
        "chips": design.chips,
        "minimise": design.minimise,
        "unit": found.unit,
        "limits": [str(one) for one in design.bounds],
        **OF_NO_FAMILY,
        "cost": found.cost,
        "step_time": found.mean_step_time,
        "resources": _resources(found),
        "spend": dict(spent),
        "spend_share": _shares(spent),
        "watts": dict(found.spent["power"]),
        "watt_share": _shares(found.spent["power"]),
        "workloads": [_workload_json(found, number) for number in range(len(design.workloads))],
        "term_prices": terms,
        "shadow_prices": {
            name: price if name.startswith("least") or UPPER.get(name) is False else -price
            for name, price in prices.items() if name not in TERM_NAMES
        },
        "slack": found.slack,
        "sensitivities": {name: one.found for name, one in worth.items()},
        "prices_unique": optimum.prices.unique,
        "sensitivity_intervals": {name: [one.least, one.most] for name, one in worth.items() if one.open},
        "closed_form": None if closed is None else {
            "step_time": closed.step_time,
            "bound_by": closed.bound_by,
            "formula": None if closed.formula is None else str(closed.formula),
            "latex": None if closed.formula is None else f"{latex(q.step_time)} = {latex(closed.formula)}",
        },
        "whole_stacks": None if whole is None else {
            "stacks_per_chip": round(whole.amounts["stack"] / design.chips),
            "step_time": whole.mean_step_time,
            "cost": whole.cost,
        },
        "distance": [{"hardware": one.hardware, "format": one.format, **one.ratios} for one in distances(found)],
        "global": found.layouts_proved,
        "attained": True,
        "residuals": {
            "primal": optimum.residuals.primal,
            "stationarity": optimum.residuals.stationarity,
            "complementarity": optimum.residuals.complementarity,
        },
        "not_modelled": [*LEFT_OUT, *not_modelled(first, has_estimate=False)],
        "missing": {},
        **spread_json(spread),
    }  # fmt: skip


def _resources(found: Machine) -> dict[str, float]:
    """What one chip has."""
    rates = found.rates()
    stacks = found.amounts["stack"] / found.design.chips
    return {
        **{symbol.name: rate for symbol, rate in rates.items()},
        "memory_capacity": stacks * found.design.prices.stack_capacity,
        "stacks": stacks,
    }


def _shares(parts: dict[str, float] | Any) -> dict[str, float] | None:
    whole = sum(parts.values())
    return {name: part / whole for name, part in parts.items()} if whole else None


def _workload_json(found: Machine, number: int) -> dict[str, Any]:
    workload = found.design.workloads[number]
    case = workload.case
    times: dict[str, float] = {}
    scenario = case.scenario | found.rates(number)
    for terms in workload.parts.values():
        for term, time in terms.items():
            times[term] = times.get(term, 0.0) + float(scenario.evaluate(time))
    return {
        "name": workload.name,
        "weight": workload.weight,
        "step_share": found.design.step_shares[number],
        "time_share": found.time_shares[number],
        "batch": case.number(q.batch),
        **{key: value for key, value in header_json(case).items() if key in {*OF_WORKLOAD, case.phase.varies.name}},
        "step_time": found.step_time(number),
        "times": times,
        "ties": found.ties(number),
        "term_prices": {term: found.price(term, number) for term in times},
        **machine_run_json(found, number),
        "memory_per_chip": workload.held,
        "tokens_per_second": workload.tokens / found.step_time(number),
    }


def machine_table(found: Machine, spread: Spread | None = None) -> Group:
    data, design = machine_json(found, spread), found.design
    ranges = spread_lines(data, {"cost": found.unit}, "layouts and batches held; worth most")
    said = " and ".join(
        f"{value:,.10g} {'dollars' if name == 'budget' else 'W'}" for name, value in design.limits.items()
    )
    said += "".join(f", {one}" for one in design.bounds)
    chips = f"{design.chips} chips" if design.chips > 1 else "one chip"
    head = Text(f"{data['model']}: the machine of {chips} of least {design.minimise} on {said}, "
                f"at the prices of {design.prices.name} {of_list(design.prices)}; limits hold for the ideal "
                "bound", style="bold")  # fmt: skip
    line = f"step time {si(found.mean_step_time, 's')}   {_cost_text(found, found.cost)}"
    proof = "global optimum" if found.layouts_proved else "global optimum at these layouts; others may do better"
    lines = [Text(f"{line}   ({proof})", style="bold")]
    if found.closed is not None and found.closed.formula is not None:
        lines.append(Text(f"closed form: t = {formula(found.closed.formula)}"))
    elif found.closed is not None:
        lines.append(
            Text(f"closed form: the most that a chip may have of {NAMES[found.closed.bound_by]} bounds the step")
        )
    if data["whole_stacks"] is not None:
        whole = data["whole_stacks"]
        line = f"step time {si(whole['step_time'], 's')}   {_cost_text(found, whole['cost'])}"
        lines.append(Text(f"with whole stacks, {whole['stacks_per_chip']} a chip: {line}"))
    return Group(head, *lines, Text(), _bought(found, data), Text(), _per_workload(found, data), Text(),
                 _limits(data), Text(), _worth(found), Text(), *ranges, _distance(data),
                 *_trailer(found, data))  # fmt: skip


def _cost_text(found: Machine, cost: float) -> str:
    if found.design.minimise == MachineGoal.COST:
        return f"${cost * 1e6:.6g} per million tokens"
    whose = found.design.prices.power_basis or f"power {NOT_STATED}"
    return "" if found.design.minimise == MachineGoal.STEP_TIME else f"{cost:.6g} {found.unit} ({whose})"


def _bought(found: Machine, data: dict[str, Any]) -> Any:
    """What a chip has, and where the money and the watts go."""
    rates, stacks = data["resources"], data["resources"]["stacks"]
    amounts = {
        "compute": si(rates["peak_flops"], "FLOP/s") + f" {found.design.format_of(found.design.workloads[0])}",
        "stack": f"{stacks:.4g} stacks: {si(rates['memory_bandwidth'], 'B/s')}, {si(rates['memory_capacity'], 'B')}",
        "scale_up": si(rates["scale_up_bandwidth"], "B/s"),
        "scale_out": si(rates["scale_out_bandwidth"], "B/s"),
        "base": "",
    }
    dollars, watts = any(data["spend"].values()), any(data["watts"].values())
    heads = (">dollars a chip", ">of the spend") * dollars + (">watts a chip", ">of the watts") * watts
    shown = table("resource", "of one chip", *heads)
    for name in (*GOODS, "base"):
        cells = [NAMES[name], amounts[name]]
        for key, share in (("spend", "spend_share"), ("watts", "watt_share")):
            if any(data[key].values()):
                cells += [f"{data[key][name] / found.design.chips:,.5g}", f"{data[share][name]:.1%}"]
        shown.add_row(*cells)
    return shown


def _per_workload(found: Machine, data: dict[str, Any]) -> Any:
    shown = table("workload", ">of tokens", ">of steps", ">of time", "term", ">time", ">price", "")
    for workload in data["workloads"]:
        for place, (term, time) in enumerate(workload["times"].items()):
            shares = [f"{workload[key]:.3g}" for key in ("weight", "step_share", "time_share")]
            first = (workload["name"], *shares) if place == 0 else ("",) * 4
            tied = "ties" if term in workload["ties"] else ""
            shown.add_row(*first, TERM_NAMES[term], si(time, "s"), f"{workload['term_prices'][term]:.4f}", tied)
    return shown


def _limits(data: dict[str, Any]) -> Any:
    shown = table("limit", ">slack", ">price")
    for name, price in data["shadow_prices"].items():
        shown.add_row(name, f"{abs(data['slack'][name]):.1%}", f"{price:+.4f}" if abs(price) > 5e-5 else "0")
    return shown


def _worth(found: Machine) -> Any:
    shown = table("one per cent more of", f">changes the {found.design.minimise} by")
    for name, one in sorted(found.sensitivities().items(), key=lambda item: -max(map(abs, item[1].ends))):
        if max(map(abs, one.ends)) > 5e-5:
            by = f"{one.least:+.4f} to {one.most:+.4f} %" if one.open else f"{one.found:+.4f} %"
            shown.add_row(name, by)
    return shown


def _distance(data: dict[str, Any]) -> Any:
    """Chips that multiply in the workload's own format and are built into scale-up domains; JSON has all."""
    shown = table("for its memory bandwidth", ">FLOP/s", ">bytes", ">scale-up", ">scale-out")
    keys = ("peak_flops", "memory_capacity", "scale_up_bandwidth", "scale_out_bandwidth")
    own = data["workloads"][0]["precision"]["activations"]
    for one in data["distance"]:
        domain = load_hardware(one["hardware"]).figures.get("scale_up_domain")
        if one["format"] == own and (domain is None or domain.value > 1):
            shown.add_row(one["hardware"], *("—" if one[key] is None else f"{one[key]:,.3g}×" for key in keys))
    return shown


def _trailer(found: Machine, data: dict[str, Any]) -> list[Text]:
    notes = [
        f"{one['name']}: layout {found.design.workloads[place].case.layout}"
        + (f"; defaults: {'; '.join(one['defaults'])}" if one["defaults"] else "")
        for place, one in enumerate(data["workloads"])
    ]
    kind = f" {of_list(found.design.prices)}"
    notes += [f"{one['name']}: {run_words(one['training'], kind)}" for one in data["workloads"] if "training" in one]
    unique = (
        "" if found.optimum.prices.unique else "; they are not unique, an interval is between a little more and less"
    )
    return [
        Text("A chip above 1× has more than the workload wants for the bandwidth that it has (--json: all chips). A "
             f"price is d ln {found.design.minimise} / d ln(term time), or / d ln(limit){unique}", style="dim"),
        *[Text(note) for note in notes],
        Text("not modelled: " + "; ".join(data["not_modelled"])),
    ]  # fmt: skip
