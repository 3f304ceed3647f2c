"""Names of machines: what a family means, what is refused, what is said where a figure is missing."""

from pathlib import Path

import pytest

from steptime.model.errors import UserError
from steptime.model.names import squashed

from steptime.model.catalog.hardware import (  # isort: skip
    hardware_names, load_hardware,
)  # fmt: skip


# --- looking up ----------------------------------------------------------------------------------------------------


def test_names_are_case_insensitive() -> None:
    assert load_hardware("H100-SXM") is load_hardware("h100-sxm")


@pytest.mark.parametrize("name", hardware_names())
def test_other_names_find_the_entry(name: str) -> None:
    for other in load_hardware(name).also:
        assert load_hardware(other) is load_hardware(other.upper()) is load_hardware(name)


def test_no_two_entries_share_a_name() -> None:
    names = [*hardware_names(), *(other for name in hardware_names() for other in load_hardware(name).also)]
    assert len(names) == len({squashed(name) for name in names}) and "sources" not in names
    assert names == [name.lower() for name in names]


family = {
    "v100": "v100-sxm2-32gb", "a100": "a100-sxm-80gb", "h100": "h100-sxm", "h200": "h200-sxm", "b200": "b200-sxm",
    "gb200": "gb200-nvl72", "gb300": "gb300-nvl72", "mi300": "mi300x", "tpu-v5p": "tpuv5p", "Trillium": "tpuv6e",
}  # fmt: skip


@pytest.mark.parametrize(("written", "meant"), family.items())
def test_a_family_name_means_its_usual_form(written: str, meant: str) -> None:
    assert load_hardware(written).name == meant


def test_fp16_falls_back_to_bf16_unless_listed() -> None:
    assert load_hardware("h100-sxm").peak("fp16") == 989e12
    assert load_hardware("v100-sxm2-32gb").peak("fp16") == 125e12
    with pytest.raises(UserError, match=r"\[v100-sxm2-32gb\] has no peak_flops.bf16; it has fp32, fp16, int8"):
        load_hardware("v100-sxm2-32gb").peak("bf16")


@pytest.mark.parametrize("name", ["h", "h10-sxm", "", "sources", "\n", "x" * 10_000, "toml"])
def test_unknown_name_is_refused_in_one_line(name: str) -> None:
    with pytest.raises(UserError, match="unknown hardware") as caught:
        load_hardware(name)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 300


def test_missing_names_file_and_key(tmp_path: Path) -> None:
    tpu = load_hardware("tpuv6e")
    assert "scale_out_bandwidth" not in tpu.figures
    assert tpu.missing("scale_out_bandwidth") == "model/catalog/hardware.toml: [tpuv6e] scale_out_bandwidth"
    path = tmp_path / "bare.toml"
    path.write_text('peak_flops = "1 PFLOP/s"')
    bare = load_hardware(str(path))
    assert bare.missing("memory_bandwidth") == f"{path}: memory_bandwidth"
