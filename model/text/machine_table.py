"""The best machine as tables."""

from typing import Any

from rich.text import Text

from steptime.model.catalog.bases import NOT_STATED
from steptime.model.catalog.hardware import load_hardware
from steptime.model.catalog.prices import GOODS
from steptime.model.choices import MachineGoal
from steptime.model.quantity import lookup
from steptime.model.solver.machine.best import Machine
from steptime.model.solver.ranges.uncertainty import Spread
from steptime.model.text.bases import of_list
from steptime.model.text.batch_table import effects
from steptime.model.text.fitting import Fitting
from steptime.model.text.format import formula, layout_said, money, si
from steptime.model.text.header import folded, left_out
from steptime.model.text.machine import NAMES, TERM_NAMES, machine_json
from steptime.model.text.ranges import spread_lines
from steptime.model.text.run import run_words
from steptime.model.text.screen import Fold, Screen


def machine_table(found: Machine, spread: Spread | None = None) -> Screen:
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
    return Screen(head, Text(), *lines, Text(), _bought(found, data), Text(), _per_workload(found, data), Text(),
                  _limits(data), Text(), *_worth(found), Text(), *ranges, Fold((_distance(data), Text())),
                  *_trailer(found, data))  # fmt: skip


def _cost_text(found: Machine, cost: float) -> str:
    if found.design.minimise == MachineGoal.COST:
        return f"{money(cost * 1e6)} per million tokens"
    whose = found.design.prices.power_basis or f"power {NOT_STATED}"
    return "" if found.design.minimise == MachineGoal.STEP_TIME else f"{_joules(found, cost)} ({whose})"


def _joules(found: Machine, cost: float) -> str:
    unit = found.unit
    return f"{si(cost, 'J')}{unit[1:]}" if unit.startswith("J ") else f"{cost:.4g} {unit}"


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
    shown = Fitting(("resource", "of one chip", *heads), (), heads[::-1], ("of one chip",))
    for name in (*GOODS, "base"):
        cells = [NAMES[name], amounts[name]]
        for key, share in (("spend", "spend_share"), ("watts", "watt_share")):
            if any(data[key].values()):
                cells += [f"{data[key][name] / found.design.chips:,.5g}", f"{data[share][name]:.1%}"]
        shown.add_row(*cells)
        if dollars:
            for part in (one for one in data["parts"] if one["of"] == name):
                ends = [f"{end / found.design.chips:,.5g}" for end in part["dollars"]]
                shares = [f"{end:.1%}" for end in part["spend_share"]]
                of_watts = ("", "") * watts
                shown.add_row(f"  {part['part']}", "", _ends(ends), _ends(shares), *of_watts)
    return shown


def _ends(both: list[str]) -> str:
    """One figure, or the least and the most."""
    return both[0] if both[0] == both[1] else " to ".join(both)


def _per_workload(found: Machine, data: dict[str, Any]) -> Any:
    columns = ("workload", ">of tokens", ">of steps", ">of time", "term", ">time", ">price", "")
    shown = Fitting(columns, (), ("", ">of time", ">of steps", ">of tokens"), ("workload",))
    for workload in data["workloads"]:
        for place, (term, time) in enumerate(workload["times"].items()):
            shares = [f"{workload[key]:.3g}" for key in ("weight", "step_share", "time_share")]
            first = (workload["name"], *shares) if place == 0 else ("",) * 4
            tied = "ties" if term in workload["ties"] else ""
            shown.add_row(*first, TERM_NAMES[term], si(time, "s"), f"{workload['term_prices'][term]:.4f}", tied)
    return shown


def _limits(data: dict[str, Any]) -> Any:
    shown = Fitting(("limit", ">slack", ">price"))
    for name, price in data["shadow_prices"].items():
        shown.add_row(name, f"{abs(data['slack'][name]):.1%}", f"{price:+.4f}" if abs(price) > 5e-5 else "0")
    return shown


def _worth(found: Machine) -> list[Any]:
    """What one per cent more of each quantity changes, the most first; those beyond a handful are folded."""
    rows = []
    for name, one in sorted(found.sensitivities().items(), key=lambda item: -max(map(abs, item[1].ends))):
        if max(map(abs, one.ends)) > 5e-5:
            by = f"{one.least:+.4f} to {one.most:+.4f} %" if one.open else f"{one.found:+.4f} %"
            rows.append((name, by, lookup(name).meaning))
    return effects(rows, found.design.minimise)


def _distance(data: dict[str, Any]) -> Any:
    """Chips that multiply in the workload's own format and are built into scale-up domains; JSON has all."""
    shown = Fitting(("for its memory bandwidth", ">FLOP/s", ">bytes", ">scale-up", ">scale-out"))
    keys = ("peak_flops", "memory_capacity", "scale_up_bandwidth", "scale_out_bandwidth")
    own = data["workloads"][0]["precision"]["activations"]
    for one in data["distance"]:
        domain = load_hardware(one["hardware"]).figures.get("scale_up_domain")
        if one["format"] == own and (domain is None or domain.value > 1):
            shown.add_row(one["hardware"], *("—" if one[key] is None else f"{one[key]:,.3g}×" for key in keys))
    return shown


def _trailer(found: Machine, data: dict[str, Any]) -> list[Any]:
    """Layouts and runs of the workloads; folded what was taken, what prices mean, what is not modelled."""
    workloads, several = data["workloads"], len(data["workloads"]) > 1
    lines = []
    for place, one in enumerate(workloads):
        said = f"layout {layout_said(found.design.workloads[place].case.layout, ' ', 'one chip')}"
        lines.append(Text(f"{one['name']}: {said}" if several else said))
    kind = f" {of_list(found.design.prices)}"
    lines += [Text(f"{one['name']}: {run_words(one['training'], kind)}") for one in workloads if "training" in one]
    unique = (
        "" if found.optimum.prices.unique else "; they are not unique, an interval is between a little more and less"
    )
    note = Text("A chip above 1× has more than the workload wants for the bandwidth that it has (--json: all chips). A "
                f"price is d ln {found.design.minimise} / d ln(term time), or / d ln(limit){unique}",
                style="dim")  # fmt: skip
    taken = [f"{one['name']}: {text}" if several else text for one in workloads for text in one["defaults"]]
    return [*lines, Fold((note,)), folded(taken, "default", "defaults taken"), *left_out([], data["not_modelled"])]
