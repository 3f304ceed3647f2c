"""Refuse catalogue entries that mix conventions.

Published tables mix dense with sparse peaks, one-way with both-way links, capacities with bandwidths. Such a slip is a
factor of two or more, and it shows in ratios that are the same for a whole family of chips. Each check is one such
ratio with its range; where a real chip lies outside, EXCEPTIONS names it with the ratio it really has and the reason,
and holds it to that ratio. The reasons tell what sets the chip apart, not that its figure is beyond doubt.
"""

import math
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from steptime.model.catalog.hardware import CATALOGUE, TOPOLOGIES, Figure, Hardware, sources

TOLERANCE = 0.02
"""Relative; published figures are rounded to two or three digits."""

_nvidia = {"volta": 150e9, "ampere": 300e9, "hopper": 450e9, "blackwell": 900e9, "rubin": 1.8e12}
"""One-way NVLink bandwidth of a chip, by family: generations 2 to 6, links x 25e9 or 50e9 bytes per second."""
_pcie = {"hopper": 64e9, "ada": 32e9, "blackwell": 64e9}
"""One-way PCIe x16 bandwidth, generations 5, 4, 5, before its encoding."""
_links = {
    "mi250x": 7 * 50e9, "mi250x-gcd": 7 * 50e9 / 2, "mi300x": 7 * 64e9, "mi325x": 7 * 64e9, "mi355x": 7 * 76.5e9,
    "tpuv3": 4 * 83e9, "tpuv4": 6 * 45e9, "tpuv5e": 4 * 50e9, "tpuv5p": 6 * 100e9, "tpuv6e": 4 * 100e9,
    "tpu7x": 6 * 100e9, "trainium2": 4 * 128e9 + 2 * 64e9, "gaudi2": 21 * 12.5e9, "gaudi3": 21 * 25e9,
}  # fmt: skip
"""One-way bandwidth of a chip as links x bytes per second of one link, where both are published."""
_drains = dict.fromkeys(("HBM", "in-house HBM", "SRAM only", "LPDDR5(X) unified"), (0.010, 0.060))
_drains |= dict.fromkeys(("HBM2", "HBM2e", "HBM2e/3", "HBM3", "HBM3e"), (0.020, 0.060)) | {"HBM4": (0.010, 0.030)}
_drains |= dict.fromkeys(("GDDR6", "GDDR6X", "GDDR7"), (0.015, 0.060))
"""Seconds to read the whole memory once, by memory type; tighter where the generation is known."""
_tensor_core_families = {"ampere", "hopper", "ada", "blackwell", "rubin", "cdna3"}
_in_switch_families = {"hopper", "blackwell", "rubin"}


@dataclass(frozen=True)
class Check:
    """A ratio that should lie in a range; ``ratio`` is None where the check does not apply."""

    name: str
    low: float
    high: float
    ratio: Callable[[Hardware], float | None]
    slip: str


def _peak(hardware: Hardware, precision: str) -> float | None:
    return hardware.peaks[precision].value if precision in hardware.peaks else None


def _figure(hardware: Hardware, name: str) -> float | None:
    found = hardware.figures.get(name) or hardware.facts.get(name)
    return found.value if found else None


def _over(numerator: float | None, denominator: float | None) -> float | None:
    return numerator / denominator if numerator and denominator else None


def _ridge(hardware: Hardware) -> float | None:
    """peak_flops.bf16 / memory_bandwidth in FLOP per byte; fp16's peak on chips without bf16."""
    peak = _peak(hardware, "bf16") or _peak(hardware, "fp16")
    return _over(peak, _figure(hardware, "memory_bandwidth"))


def _drain(memory_type: str) -> Callable[[Hardware], float | None]:
    """memory_capacity / memory_bandwidth in seconds, of chips whose memory is of the given type."""

    def ratio(hardware: Hardware) -> float | None:
        if hardware.memory_type != memory_type:
            return None
        return _over(_figure(hardware, "memory_capacity"), _figure(hardware, "memory_bandwidth"))

    return ratio


def _one_way(hardware: Hardware) -> float | None:
    """scale_up_bandwidth over what the links of that generation carry one way; 2 where both ways were counted."""
    expected = _links.get(hardware.name)
    if hardware.vendor == "NVIDIA":
        expected = (_pcie if hardware.topology == "PCIe" else _nvidia).get(hardware.family or "")
    return _over(_figure(hardware, "scale_up_bandwidth"), expected)


def _tensor_cores(hardware: Hardware) -> float | None:
    if hardware.family not in _tensor_core_families:
        return None
    return _over(_peak(hardware, "bf16"), _peak(hardware, "tf32"))


def _label(hardware: Hardware) -> float | None:
    label = _figure(hardware, "memory_label_gb")
    return _over(_figure(hardware, "memory_capacity"), label and label * 1e9)


def _about(value: float) -> tuple[float, float]:
    return value * (1 - TOLERANCE), value * (1 + TOLERANCE)


_sparse = "a sparse peak beside a dense one"
CHECKS = (
    Check("bf16/tf32", *_about(2), _tensor_cores, _sparse),
    Check("fp8/bf16", *_about(2), lambda h: _over(_peak(h, "fp8"), _peak(h, "bf16")), _sparse),
    Check("fp4/fp8", *_about(2), lambda h: _over(_peak(h, "fp4"), _peak(h, "fp8")), _sparse),
    Check("int8/bf16", *_about(2), lambda h: _over(_peak(h, "int8"), _peak(h, "bf16")), _sparse),
    Check("ridge", 100, 400, _ridge, "a sparse peak, or the bandwidth of another chip"),
    Check("measured/peak", 0.5, 1, lambda h: _over(_figure(h, "measured_matmul_bf16"), _peak(h, "bf16")), _sparse),
    Check("capacity/label", 1, 1.0738, _label, "a capacity below the label in GB or above it in GiB"),
    Check("link", *_about(1), _one_way, "both directions of a link counted"),
    *(Check("drain", *seconds, _drain(kind), "a slip of bandwidth or capacity") for kind, seconds in _drains.items()),
)

_no_double_rate = "fp8 is listed at the rate of bf16"
_int8_dropped = "int8 is listed at a fifteenth of bf16: all but dropped from the tensor cores"
_half_rate = "consumer chip: bf16 summed in fp32 runs at half rate, int8 does not"
_no_double_int8 = "int8 is listed at the rate of bf16"
_unified = "unified memory of a desktop: large and slow, beside a processor without tensor cores"
_sram = "SRAM alone: a small memory at 8e13 bytes per second and more"
EXCEPTIONS: dict[tuple[str, str], tuple[float, str]] = {
    ("vr200-nvl72", "fp8/bf16"): (4.375, "from Blackwell to Rubin fp8 and fp4 grew 3.5-fold, bf16 1.6-fold"),
    ("tpuv5p", "fp8/bf16"): (1, _no_double_rate),
    ("tpuv6e", "fp8/bf16"): (1, _no_double_rate),
    ("trainium1", "fp8/bf16"): (1, _no_double_rate),
    ("gaudi3", "fp8/bf16"): (1, _no_double_rate),
    ("trainium2", "fp8/bf16"): (1.9475, "listed as 1299 beside 667 TFLOP/s"),
    ("trainium3", "fp8/bf16"): (3.751, "fp8 nearly doubled from Trainium2, bf16 did not grow"),
    ("ascend-950dt", "fp8/bf16"): (1.891, "listed as 919 beside 486 TFLOP/s"),
    ("b300-sxm", "fp4/fp8"): (3.111, "Blackwell Ultra raised fp4 alone; sources give 12.6 to 14 PFLOP/s"),
    ("gb300-nvl72", "fp4/fp8"): (3, "Blackwell Ultra raised fp4 alone"),
    ("rtx5090", "fp4/fp8"): (4, "consumer chip: fp8 summed in fp32 runs at half rate, fp4 does not"),
    ("trainium3", "fp4/fp8"): (1, "fp4 runs at the rate of fp8"),
    ("ascend-950dt", "fp4/fp8"): (1.940, "listed as 1783 beside 919 TFLOP/s"),
    ("b300-sxm", "int8/bf16"): (0.0667, _int8_dropped),
    ("gb300-nvl72", "int8/bf16"): (0.066, _int8_dropped),
    ("vr200-nvl72", "int8/bf16"): (0.0625, _int8_dropped),
    ("rtx4090", "int8/bf16"): (4, _half_rate),
    ("rtx5090", "int8/bf16"): (4, _half_rate),
    ("mi250x", "int8/bf16"): (1, _no_double_int8),
    ("mi250x-gcd", "int8/bf16"): (1, _no_double_int8),
    ("mi455x", "int8/bf16"): (1, _no_double_int8),
    ("tpuv4", "int8/bf16"): (1, _no_double_int8),
    ("l40s", "ridge"): (419, "GDDR6 beside the tensor cores of a data-centre chip"),
    ("tpuv6e", "ridge"): (560.4, "4.7 times the peak of TPU v5e on twice its bandwidth"),
    ("gaudi3", "ridge"): (495.9, "HBM2e beside a peak of 1835 TFLOP/s, 1677 at the clock it sustains"),
    ("h20", "ridge"): (37, "compute cut for export, memory left whole"),
    ("groq-lpu-v1", "ridge"): (2.35, _sram),
    ("wse-3", "ridge"): (0.7524, _sram),
    ("apple-m2-ultra", "ridge"): (34, _unified),
    ("apple-m3-ultra", "ridge"): (34.68, _unified),
    ("apple-m4-max", "ridge"): (33.7, _unified),
    ("groq-lpu-v1", "drain"): (2.875e-6, _sram),
    ("wse-3", "drain"): (2.095e-6, _sram),
    ("apple-m2-ultra", "drain"): (0.2577, _unified),
    ("apple-m3-ultra", "drain"): (0.6713, _unified),
    ("apple-m4-max", "drain"): (0.2517, _unified),
    ("a800-sxm-80gb", "link"): (200 / 300, "links cut for export"),
    ("h800-sxm", "link"): (200 / 450, "links cut for export"),
}
"""(chip, check) -> the ratio as it really is, and why the chip lies outside the range."""

_known_slips = {
    ("h100-sxm", "memory_bandwidth"): (3.072e12, "a figure of other tables; the product has 3.35e12"),
    ("b300-sxm", "peak_flops.int8"): (4.5e15, "the B200's, which the B300 does not reach"),
    ("gb300-nvl72", "peak_flops.int8"): (5e15, "the GB200's, which the GB300 does not reach"),
}
"""(chip, key) -> a wrong value that other tables carry and that no ratio gives away."""


def problems(hardware: Hardware) -> list[str]:
    """Every way in which an entry breaks the conventions, one line each; empty for a sound one.

    Meant for the catalogue: of a user's own machine nothing is known that these families would settle.

    >>> from steptime.model.catalog.hardware import load_hardware
    >>> problems(load_hardware("h100-sxm"))
    []
    """
    return [f"{hardware.origin}: [{hardware.name}] {found}" for found in _problems(hardware)]


def unused_exceptions(machines: Iterable[Hardware]) -> list[str]:
    """Exceptions that no machine needs: the chip is gone, its figure unlisted, or its ratio back in range."""
    needed = set()
    for hardware, check in ((hardware, check) for hardware in machines for check in CHECKS):
        ratio = check.ratio(hardware)
        if ratio is not None and not check.low <= ratio <= check.high:
            needed.add((hardware.name, check.name))
    return [f"{name}: {check}" for name, check in EXCEPTIONS if (name, check) not in needed]


def _problems(hardware: Hardware) -> Iterator[str]:
    yield from _provenance(hardware)
    for check in CHECKS:
        ratio = check.ratio(hardware)
        exception = EXCEPTIONS.get((hardware.name, check.name))
        low, high = _about(exception[0]) if exception else (check.low, check.high)
        if ratio is not None and not low <= ratio <= high:
            yield f"{check.name} is {ratio:.4g}, expected {low:.4g} to {high:.4g}: {check.slip}?"
    keyed = dict(_keyed(hardware))
    for (name, key), (value, reason) in _known_slips.items():
        if name == hardware.name and key in keyed and math.isclose(keyed[key].value, value, rel_tol=1e-3):
            yield f"{key} is {value:.4g}: {reason}"
    yield from _shape(hardware)


def _keyed(hardware: Hardware) -> Iterator[tuple[str, Figure]]:
    yield from ((f"peak_flops.{precision}", figure) for precision, figure in hardware.peaks.items())
    yield from hardware.figures.items()
    yield from hardware.facts.items()


def _provenance(hardware: Hardware) -> Iterator[str]:
    """Source, date, grade and doubt of each figure."""
    known = sources()
    for key, figure in _keyed(hardware):
        if not (math.isfinite(figure.value) and figure.value > 0):
            yield f"{key} is {figure.value}, expected a positive, finite number"
        if not figure.source:
            yield f"{key} has no source"
        if hardware.origin == CATALOGUE:
            yield from (f"{key} has an unknown source {source}" for source in figure.source if source not in known)
            if not re.fullmatch(r"20\d\d(-\d\d){0,2}", figure.date):
                yield f"{key} has no date of the form 2026, 2026-05 or 2026-05-18"
            if figure.grade not in {"A", "B", "C", "D"}:
                yield f"{key} has no grade of A, B, C, D"
            if not figure.doubtful and (figure.grade == "C" or "recalled" in figure.source or key.endswith("price")):
                yield f"{key} is recalled or a price but not marked doubtful"
    if hardware.origin == CATALOGUE:
        yield from (f"unknown source {source}" for source in hardware.described_by if source not in known)


def _shape(hardware: Hardware) -> Iterator[str]:
    """What every entry needs, and what its network can be."""
    if not {"bf16", "fp16"} & set(hardware.peaks):
        yield "lists no bf16 and no fp16 peak"
    yield from (f"lists no {key}" for key in ("memory_bandwidth", "memory_capacity") if not _figure(hardware, key))
    if hardware.memory_type not in _drains:
        yield f"memory_type {hardware.memory_type} is none of {', '.join(_drains)}"
    if hardware.topology is not None and hardware.topology not in TOPOLOGIES:
        yield f"topology {hardware.topology} is none of {', '.join(TOPOLOGIES)}"
    domain = _figure(hardware, "scale_up_domain")
    if domain and hardware.topology and (domain == 1) != (hardware.topology in {"none", "PCIe"}):
        yield f"scale_up_domain is {domain:g} beside topology {hardware.topology}"
    reduces = hardware.family in _in_switch_families and hardware.topology == "switch"
    if hardware.in_switch_reduction != reduces:
        yield "in_switch_reduction belongs to NVIDIA's switches from Hopper on, and to all of them"
    up, out = _figure(hardware, "scale_up_bandwidth"), _figure(hardware, "scale_out_bandwidth")
    if up and out and out >= up:
        yield f"scale_out_bandwidth {out:.4g} is not below scale_up_bandwidth {up:.4g}"
