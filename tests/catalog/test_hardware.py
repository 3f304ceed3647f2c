"""The hardware catalogue, its conventions, and machines that users describe."""

from dataclasses import replace

import pytest

from steptime.model.catalog.conventions import CHECKS, EXCEPTIONS, problems, unused_exceptions
from steptime.model.quantity import declared

from steptime.model.catalog.hardware import (  # isort: skip
    FACTS, PRECISIONS, QUANTITIES, TOPOLOGIES, Hardware, hardware_names, load_hardware, sources,
)  # fmt: skip


def with_figures(name: str, **values: float) -> Hardware:
    """A catalogue entry with some of its figures replaced; ``peak_bf16`` is its bf16 peak."""
    hardware = load_hardware(name)
    peaks, figures, facts = dict(hardware.peaks), dict(hardware.figures), dict(hardware.facts)
    for key, value in values.items():
        held = peaks if key.startswith("peak_") else facts if key in FACTS else figures
        key = key.removeprefix("peak_")
        held[key] = replace(held[key], value=value)
    return replace(hardware, peaks=peaks, figures=figures, facts=facts)


# --- the catalogue -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", hardware_names())
def test_entry_keeps_the_conventions(name: str) -> None:
    assert problems(load_hardware(name)) == []


def test_catalogue_is_broad_and_tidy() -> None:
    names = hardware_names()
    assert len(names) >= 69
    assert names == [name.lower() for name in names]
    assert len({load_hardware(name).vendor for name in names}) >= 10
    assert set(QUANTITIES) <= set(declared())


@pytest.mark.parametrize("name", hardware_names())
def test_entry_is_described(name: str) -> None:
    hardware = load_hardware(name)
    assert hardware.vendor and hardware.family and hardware.memory_type and hardware.described_by
    assert hardware.year is not None and 2017 <= hardware.year <= 2026
    assert hardware.topology is None or hardware.topology in TOPOLOGIES
    assert set(hardware.peaks) <= set(PRECISIONS)


def test_every_exception_is_needed_and_has_a_reason() -> None:
    machines = [load_hardware(name) for name in hardware_names()]
    assert unused_exceptions(machines) == []
    assert all(len(reason) > 15 for _, reason in EXCEPTIONS.values())
    assert unused_exceptions([m for m in machines if m.name != "l40s"]) == ["l40s: ridge"]
    mended = [with_figures("l40s", memory_bandwidth=1e12) if m.name == "l40s" else m for m in machines]
    assert unused_exceptions(mended) == ["l40s: ridge"]


def test_every_check_applies_to_some_entry() -> None:
    machines = [load_hardware(name) for name in hardware_names()]
    assert [check.name for check in CHECKS if all(check.ratio(machine) is None for machine in machines)] == []


def test_every_source_is_used_or_named_in_a_note() -> None:
    machines = [load_hardware(name) for name in hardware_names()]
    figures = [f for m in machines for group in (m.peaks, m.figures, m.facts, m.prices) for f in group.values()]
    cited = {source for figure in figures for source in figure.sources} | {s for m in machines for s in m.described_by}
    assert [key for key in sources() if key not in cited and not any(key in figure.note for figure in figures)] == []
    assert all(entry["title"] and entry["date"] for entry in sources().values())


doubtful = [
    ("wse-3", "fp16"), ("vr200-nvl72", "bf16"), ("vr200-nvl72", "memory_bandwidth"), ("b300-sxm", "fp4"),
    ("gb300-nvl72", "fp4"), ("gb200-nvl72", "bf16"), ("ascend-910b", "bf16"), ("ascend-910c", "memory_bandwidth"),
    ("tpu7x", "memory_bandwidth"), ("trainium1", "scale_up_bandwidth"), ("trainium2", "scale_up_bandwidth"),
    ("trainium3", "scale_up_bandwidth"), ("h100-sxm", "chip_hour_price"), ("h100-sxm", "chip_price"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "key"), doubtful)
def test_doubt_is_stated(name: str, key: str) -> None:
    hardware = load_hardware(name)
    assert {**hardware.peaks, **hardware.figures, **hardware.facts}[key].doubtful


def test_undisputed_figures_are_not_doubtful() -> None:
    h100 = load_hardware("h100-sxm")
    assert not h100.peaks["bf16"].doubtful and not h100.figures["memory_bandwidth"].doubtful


def test_in_switch_reduction_is_of_nvidia_from_hopper_on() -> None:
    reducing = [name for name in hardware_names() if load_hardware(name).in_switch_reduction]
    assert reducing == [
        "h100-sxm", "h800-sxm", "h200-sxm", "h20",
        "b100", "b200-sxm", "gb200-nvl72", "b300-sxm", "gb300-nvl72", "vr200-nvl72", "h20-3e",
    ]  # fmt: skip


# --- reference values ----------------------------------------------------------------------------------------------

reference = {
    "aiconfigurator (NVIDIA), H100 bf16 dense": ("h100-sxm", "bf16", 989e12),
    "aiconfigurator (NVIDIA), H100 fp8 dense": ("h100-sxm", "fp8", 1979e12),
    "aiconfigurator (NVIDIA), H100 memory 3.35 TB/s": ("h100-sxm", "memory_bandwidth", 3.35e12),
    "aiconfigurator (NVIDIA), H100 label 80 GB read as GiB": ("h100-sxm", "memory_capacity", 80 * 2**30),
    "ml-engineering, NVLink 4, 900 GB/s both ways": ("h100-sxm", "scale_up_bandwidth", 900e9 / 2),
    "aiconfigurator (NVIDIA), A100 bf16 dense": ("a100-sxm-80gb", "bf16", 312e12),
    "aiconfigurator (NVIDIA), H200 label 141 GB read as GiB": ("h200-sxm", "memory_capacity", 141 * 2**30),
    "ml-engineering, NVL72 domain": ("gb200-nvl72", "scale_up_domain", 72),
    "ml-engineering, NVLink 5, 1800 GB/s both ways": ("gb200-nvl72", "scale_up_bandwidth", 1800e9 / 2),
    "Google Cloud documentation, TPU v4": ("tpuv4", "bf16", 275e12),
    "Google Cloud documentation, TPU v5e": ("tpuv5e", "bf16", 197e12),
    "Google Cloud documentation, TPU v5e memory": ("tpuv5e", "memory_bandwidth", 819e9),
    "AWS Neuron documentation, Trainium2": ("trainium2", "bf16", 667e12),
    "ml-engineering, MI300X memory": ("mi300x", "memory_bandwidth", 5.3e12),
    "ml-engineering, half of an MI250X, bf16": ("mi250x-gcd", "bf16", 383e12 / 2),
    "ml-engineering, half of an MI250X, 64 GiB": ("mi250x-gcd", "memory_capacity", 64 * 2**30),
    "llm-analysis, V100 tensor cores, fp16": ("v100-sxm2-32gb", "fp16", 125e12),
    "MLPerf Inference v6.1, 2,300 W per GPU as stated": ("vr200-nvl72", "power", 2300),
    "announced, 22 TB/s, not the derated 19.16": ("vr200-nvl72", "memory_bandwidth", 22e12),
    "announced, NVLink 6 one way, not the derated 1.476": ("vr200-nvl72", "scale_up_bandwidth", 1.8e12),
    "data sheet of the L40 as mullet.se has it, bf16 dense": ("l40", "bf16", 181.05e12),
    "data sheet of the A40 as ecer.com has it, bf16 dense": ("a40", "bf16", 149.7e12),
    "aiconfigurator of Red Hat, L4 at half of the sparse 242": ("l4", "bf16", 121e12),
    "aiconfigurator (NVIDIA), Arc B60 without fp8 units": ("arc-b60", "fp8", 98.304e12),
    "gpu-specs, A100 PCIe": ("a100-pcie-80gb", "memory_bandwidth", 1.935e12),
    "NVIDIA's rack of 256 Groq 3, 315 PFLOP/s": ("groq-3-lpu", "fp8", 1.23e15),
}


@pytest.mark.parametrize(("name", "key", "value"), reference.values(), ids=reference.keys())
def test_reference_value(name: str, key: str, value: float) -> None:
    hardware = load_hardware(name)
    found = hardware.peak(key) if key in PRECISIONS else hardware.figures[key].value
    assert found == pytest.approx(value, rel=1e-12)


def test_ridge_of_h100_at_fp8_is_about_300_sequences() -> None:
    """peak * bytes_per_weight / (2 * bandwidth), the ~300 of the roofline of decode."""
    h100 = load_hardware("h100-sxm")
    assert h100.peak("fp8") * 1 / (2 * h100.figures["memory_bandwidth"].value) == pytest.approx(295.4, abs=0.1)


def test_drain_time_of_hbm_is_tens_of_milliseconds() -> None:
    h100 = load_hardware("h100-sxm").figures
    assert h100["memory_capacity"].value / h100["memory_bandwidth"].value == pytest.approx(25.64e-3, rel=1e-3)


# --- what the checker refuses --------------------------------------------------------------------------------------

slips = {
    "H100 bandwidth 3072": ("h100-sxm", {"memory_bandwidth": 3.072e12}, "memory_bandwidth"),
    "B100 sparse bf16": ("b100", {"peak_bf16": 3500e12}, "fp8/bf16"),
    "GH200 sparse bf16": ("gh200-96gb", {"peak_bf16": 1979e12}, "ridge"),
    "GB200 capacity as bandwidth": ("gb200-nvl72", {"memory_bandwidth": 13.4e12}, "drain"),
    "L40S fp8 sparse beside bf16 dense": ("l40s", {"peak_fp8": 1466e12}, "fp8/bf16"),
    "L40S sparse bf16, held to its own exception": ("l40s", {"peak_bf16": 733e12}, "ridge"),
    "H100 sparse bf16": ("h100-sxm", {"peak_bf16": 1979e12}, "ridge"),
    "A100 sparse bf16 with a ridge in range": ("a100-sxm-80gb", {"peak_bf16": 624e12}, "int8/bf16"),
    "A100 sparse int8": ("a100-sxm-80gb", {"peak_int8": 1248e12}, "int8/bf16"),
    "H100 sparse tf32": ("h100-sxm", {"peak_tf32": 989e12}, "bf16/tf32"),
    "B200 sparse fp4": ("b200-sxm", {"peak_fp4": 18e15}, "fp4/fp8"),
    "MI300X sparse bf16 and fp8": ("mi300x", {"peak_bf16": 2614.9e12, "peak_fp8": 5229.8e12}, "measured/peak"),
    "WSE-3 marketing peak": ("wse-3", {"peak_fp16": 125e15}, "ridge"),
    "B300 int8 of the B200": ("b300-sxm", {"peak_int8": 4.5e15}, "int8"),
    "Ascend 910B link as memory": ("ascend-910b", {"memory_bandwidth": 400e9}, "drain"),
    "H100 link both ways": ("h100-sxm", {"scale_up_bandwidth": 900e9}, "link"),
    "B200 link both ways": ("b200-sxm", {"scale_up_bandwidth": 1.8e12}, "link"),
    "H800 link both ways": ("h800-sxm", {"scale_up_bandwidth": 400e9}, "link"),
    "RTX 4090 PCIe both ways": ("rtx4090", {"scale_up_bandwidth": 64e9}, "link"),
    "TPU v5p link both ways": ("tpuv5p", {"scale_up_bandwidth": 1.2e12}, "link"),
    "H100 80 of another unit": ("h100-sxm", {"memory_capacity": 94e9}, "capacity/label"),
    "scale-out above scale-up": ("h100-sxm", {"scale_out_bandwidth": 450e9}, "scale_out_bandwidth"),
    "zero": ("h100-sxm", {"power": 0.0}, "power"),
    "not a number": ("h100-sxm", {"power": float("nan")}, "power"),
    "PCIe chip in a domain": ("h100-pcie", {"scale_up_domain": 8}, "scale_up_domain"),
}


@pytest.mark.parametrize(("name", "values", "named"), slips.values(), ids=slips.keys())
def test_mixed_conventions_are_refused(name: str, values: dict[str, float], named: str) -> None:
    found = problems(with_figures(name, **values))
    assert any(f"[{name}] {named}" in problem for problem in found), found
    assert all("\n" not in problem for problem in found)


provenance = {
    "no source": ({"source": ()}, "has no source"),
    "unknown source": ({"source": ("NOWHERE",)}, "unknown source NOWHERE"),
    "no date": ({"date": ""}, "has no date"),
    "date in words": ({"date": "2026-mid"}, "has no date"),
    "no grade": ({"grade": ""}, "has no grade"),
    "recalled without doubt": ({"source": ("recalled",), "grade": "C"}, "not marked doubtful"),
}


@pytest.mark.parametrize(("change", "named"), provenance.values(), ids=provenance.keys())
def test_figure_without_provenance_is_refused(change: dict[str, object], named: str) -> None:
    h100 = load_hardware("h100-sxm")
    bandwidth = replace(h100.figures["memory_bandwidth"], **change)  # type: ignore[arg-type]
    found = problems(replace(h100, figures=dict(h100.figures) | {"memory_bandwidth": bandwidth}))
    assert len(found) == 1 and "memory_bandwidth" in found[0] and named in found[0]


def test_price_without_doubt_is_refused() -> None:
    h100 = load_hardware("h100-sxm")
    price = replace(h100.figures["chip_hour_price"], doubtful=False)
    assert "chip_hour_price" in problems(replace(h100, figures=dict(h100.figures) | {"chip_hour_price": price}))[0]


descriptions = {
    "topology": ({"topology": "ring"}, "topology ring"),
    "memory type": ({"memory_type": "HBM9"}, "memory_type HBM9"),
    "reduction of Ampere": ({"family": "ampere", "in_switch_reduction": True}, "in_switch_reduction"),
    "reduction forgotten": ({"in_switch_reduction": False}, "in_switch_reduction"),
    "description without source": ({"described_by": ("NOWHERE",)}, "unknown source NOWHERE"),
    "no peak": ({"peaks": {}}, "lists no peak"),
    "no bandwidth": ({"figures": {}}, "lists no memory_bandwidth"),
}


@pytest.mark.parametrize(("change", "named"), descriptions.values(), ids=descriptions.keys())
def test_wrong_description_is_refused(change: dict[str, object], named: str) -> None:
    found = problems(replace(load_hardware("h100-sxm"), **change))  # type: ignore[arg-type]
    assert any(named in problem for problem in found), found
