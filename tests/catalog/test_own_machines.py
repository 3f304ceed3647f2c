"""Machines that a user describes in a file."""

from pathlib import Path

import pytest

from steptime.model.errors import UserError

from steptime.model.catalog.hardware import (  # isort: skip
    Figure, Hardware, hardware_names, load_hardware,
)  # fmt: skip


MACHINE = """
name = "toy"
peak_flops = { bf16 = "197 TFLOP/s", int8 = "394 TFLOP/s" }   # dense
memory_bandwidth = "810 GB/s"
memory_capacity = "16 GB"
scale_up_bandwidth = "90 GB/s"   # one way, per chip
scale_up_domain = 16
scale_out_bandwidth = "3.1 GB/s"
chip_hour_price = 1.2            # dollars
power = "200 W"
topology = "2D torus"
in_switch_reduction = false
"""


def user_machine(folder: Path, text: str) -> Hardware:
    path = folder / "machine.toml"
    path.write_text(text, encoding="utf-8")
    return load_hardware(str(path))


def test_user_machine_in_base_units(tmp_path: Path) -> None:
    toy = user_machine(tmp_path, MACHINE)
    origin = str(tmp_path / "machine.toml")
    assert (toy.name, toy.origin, toy.topology, toy.in_switch_reduction) == ("toy", origin, "2D torus", False)
    assert {key: figure.value for key, figure in toy.peaks.items()} == {"bf16": 197e12, "int8": 394e12}
    assert {key: figure.value for key, figure in toy.figures.items()} == {
        "memory_bandwidth": 810e9, "memory_capacity": 16e9, "scale_up_bandwidth": 90e9, "scale_up_domain": 16,
        "scale_out_bandwidth": 3.1e9, "chip_hour_price": 1.2, "power": 200,
    }  # fmt: skip
    assert toy.figures["power"] == Figure(200, (origin,), "")
    assert toy.vendor is None and toy.facts == {}


@pytest.mark.parametrize("name", hardware_names())
def test_round_trip_of_an_entry_through_a_user_file(name: str, tmp_path: Path) -> None:
    entry = load_hardware(name)
    peaks = ", ".join(f"{precision} = {figure.value!r}" for precision, figure in entry.peaks.items())
    lines = [f"peak_flops = {{ {peaks} }}"] + [f"{key} = {figure.value!r}" for key, figure in entry.figures.items()]
    again = user_machine(tmp_path, "\n".join(lines))
    assert {key: again.peak(key) for key in again.peaks} == {key: entry.peak(key) for key in entry.peaks}
    assert [(k, f.value) for k, f in again.figures.items()] == [(k, f.value) for k, f in entry.figures.items()]
    assert again.name == "machine"


def test_one_peak_means_bf16_and_nothing_else_is_required(tmp_path: Path) -> None:
    bare = user_machine(tmp_path, 'peak_flops = "1 PFLOP/s"')
    assert bare.peak("bf16") == bare.peak("fp16") == 1e15
    assert bare.figures == {}
    with pytest.raises(UserError, match=r"has no peak_flops.fp8; it has bf16"):
        bare.peak("fp8")
    with pytest.raises(UserError, match=r"lists no peak at all"):
        user_machine(tmp_path, "").peak("bf16")


bad = {
    "unknown key": ('memory_bandwith = "1 TB/s"', "did you mean memory_bandwidth"),
    "quantity of something else": ("batch = 3", "unknown key"),
    "wrong unit": ('memory_bandwidth = "3 GB"', "is in B, expected B/s"),
    "unit of the peak": ('peak_flops = { bf16 = "1 TB/s" }', "peak_flops.bf16"),
    "negative": ("memory_capacity = -1", "positive"),
    "zero": ("memory_capacity = 0", "positive"),
    "not a number": ("memory_capacity = nan", "finite"),
    "text not a number": ('memory_capacity = "nan"', "finite"),
    "infinite": ("memory_capacity = inf", "finite"),
    "huge": ("memory_capacity = 1e300", "at most"),
    "huge whole number": ("memory_capacity = 1" + "0" * 400, "at most"),
    "boolean": ("memory_capacity = true", "expected a number"),
    "list": ("memory_capacity = [1, 2]", "expected a number"),
    "table": ("memory_capacity = { value = 3 }", "expected a number"),
    "unknown precision": ('peak_flops = { bf61 = "1 TFLOP/s" }', "did you mean bf16"),
    "empty peaks": ("peak_flops = {}", "at least one of"),
    "list of peaks": ("peak_flops = [1e12]", "expected a number"),
    "part of a chip": ("scale_up_domain = 2.5", "whole number"),
    "less than a chip": ("scale_up_domain = 0.5", "sane range"),
    "topology": ('topology = "switsh"', "did you mean switch"),
    "topology not text": ("topology = 3", "expected text"),
    "reduction not boolean": ('in_switch_reduction = "yes"', "expected true or false"),
    "name not text": ("name = 3", "name"),
    "name of two lines": ('name = "a\\nb"', "name"),
    "empty name": ('name = " "', "name"),
    "not TOML": ("peak_flops = ", "not valid TOML"),
    "key twice": ("power = 1\npower = 2", "not valid TOML"),
}


@pytest.mark.parametrize(("text", "named"), bad.values(), ids=bad.keys())
def test_bad_user_file_is_refused_in_one_line(text: str, named: str, tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        user_machine(tmp_path, text)
    message = str(caught.value)
    assert named in message and "machine.toml" in message and "\n" not in message


@pytest.mark.parametrize("path", ["nowhere.toml", "./nowhere", "nowhere/h100-sxm", "/"])
def test_absent_file_is_refused(path: str) -> None:
    with pytest.raises(UserError, match="cannot be read"):
        load_hardware(path)
