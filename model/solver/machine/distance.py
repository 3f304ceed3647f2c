"""How far real chips are from the machine that a workload wants: what each has for its memory bandwidth."""

from collections.abc import Mapping
from dataclasses import dataclass

from steptime.model.catalog.hardware import Hardware, hardware_names, load_hardware
from steptime.model.errors import UserError
from steptime.model.precision import activations_for
from steptime.model.solver.machine.best import Machine


@dataclass(frozen=True)
class Distance:
    """A chip beside the machine: FLOP/s, bytes and links over memory bandwidth, each over the machine's own ratio.

    Above one the chip has more than the workload wants for its bandwidth; None where a figure is missing or nothing is
    wanted. ``format`` is the one in which the chip would multiply.
    """

    hardware: str
    format: str
    ratios: Mapping[str, float | None]


def distances(found: Machine) -> list[Distance]:
    """Every chip of the catalogue that can multiply in the first workload's format or a wider one."""
    wanted = found.design.workloads[0].case.precision["activations"]
    chips = [load_hardware(name) for name in hardware_names()]
    judged = [_distance(found, chip, wanted) for chip in chips if "memory_bandwidth" in chip.figures]
    return [one for one in judged if one is not None]


def _distance(found: Machine, chip: Hardware, wanted: str) -> Distance | None:
    try:
        format = activations_for(wanted, tuple(chip.peaks))
    except UserError:
        return None
    design, needed = found.design, found.needed
    each = {name: amount / design.chips for name, amount in needed.items()}
    peak = design.prices.peaks[design.format_of(design.workloads[0])]
    wants = {
        "peak_flops": each["compute"] * peak,
        "memory_capacity": max(workload.capacity for workload in design.workloads),
        "scale_up_bandwidth": each["scale_up"],
        "scale_out_bandwidth": each["scale_out"],
    }
    bandwidth = each["stack"] * design.prices.stack_bandwidth
    has = {name: figure.value for name, figure in chip.figures.items()} | {"peak_flops": chip.peak(format)}
    ratios = {
        name: has[name] / has["memory_bandwidth"] / (want / bandwidth) if name in has and want > 0 else None
        for name, want in wants.items()
    }
    return Distance(chip.name, format, ratios)
