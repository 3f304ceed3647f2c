"""Refuse catalogue entries that mix conventions.

Published tables mix dense with sparse peaks, one-way with both-way links, capacities with bandwidths. Such a slip is a
factor of two or more, and it shows in ratios that are the same for a whole family of chips. Each check is one such
ratio with its range; where a real chip lies outside, EXCEPTIONS names it with the ratio it really has and the reason,
and holds it to that ratio. The reasons tell what sets the chip apart, not that its figure is beyond doubt.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from steptime.model.catalog.hardware import TOPOLOGIES, Hardware
from steptime.model.catalog.outliers import EXCEPTIONS as EXCEPTIONS  # read with the checks that they are exceptions to
from steptime.model.catalog.outliers import KNOWN_SLIPS
from steptime.model.catalog.provenance import keyed, undocumented

TOLERANCE = 0.02
"""Relative; published figures are rounded to two or three digits."""

_nvidia = {"volta": 150e9, "ampere": 300e9, "hopper": 450e9, "blackwell": 900e9, "rubin": 1.8e12}
"""One-way NVLink bandwidth of a chip, by family: generations 2 to 6, links x 25e9 or 50e9 bytes per second."""
_pcie = {"turing": 16e9, "ampere": 32e9, "ada": 32e9, "hopper": 64e9, "blackwell": 64e9}
"""One-way PCIe x16 bandwidth, generations 3, 4, 4, 5, 5, before its encoding."""
_links = {
    "mi250x": 7 * 50e9, "mi250x-gcd": 7 * 50e9 / 2, "mi300x": 7 * 64e9, "mi325x": 7 * 64e9, "mi355x": 7 * 76.5e9,
    "mi308x": 7 * 64e9, "mi350x": 7 * 76.5e9,
    "tpuv3": 4 * 83e9, "tpuv4": 6 * 45e9, "tpuv5e": 4 * 50e9, "tpuv5p": 6 * 100e9, "tpuv6e": 4 * 100e9,
    "tpu7x": 6 * 100e9, "trainium2": 4 * 128e9 + 2 * 64e9, "gaudi2": 21 * 12.5e9, "gaudi3": 21 * 25e9,
}  # fmt: skip
"""One-way bandwidth of a chip as links x bytes per second of one link, where both are published."""
_drains = dict.fromkeys(("HBM", "in-house HBM", "SRAM only", "LPDDR5(X) unified"), (0.010, 0.060))
_drains |= dict.fromkeys(("HBM2", "HBM2e", "HBM2e/3", "HBM3", "HBM3e"), (0.020, 0.060)) | {"HBM4": (0.010, 0.030)}
_drains |= dict.fromkeys(("GDDR6X", "GDDR7"), (0.015, 0.060)) | {"GDDR6": (0.015, 0.090)}
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
    yield from undocumented(hardware)
    for check in CHECKS:
        ratio = check.ratio(hardware)
        exception = EXCEPTIONS.get((hardware.name, check.name))
        low, high = _about(exception[0]) if exception else (check.low, check.high)
        if ratio is not None and not low <= ratio <= high:
            yield f"{check.name} is {ratio:.4g}, expected {low:.4g} to {high:.4g}: {check.slip}?"
    known = dict(keyed(hardware))
    for (name, key), (value, reason) in KNOWN_SLIPS.items():
        if name == hardware.name and key in known and math.isclose(known[key].value, value, rel_tol=1e-3):
            yield f"{key} is {value:.4g}: {reason}"
    yield from _shape(hardware)


def _shape(hardware: Hardware) -> Iterator[str]:
    """What every entry needs, and what its network can be."""
    if not hardware.peaks:
        yield "lists no peak"
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
