"""Chips that lie outside the conventions' ranges, each with its ratio as it really is and what sets the chip apart; and
wrong figures that no ratio gives away."""

_no_double_rate = "fp8 is listed at the rate of bf16"
_int8_dropped = "int8 is listed at a fifteenth of bf16: all but dropped from the tensor cores"
_half_rate = "consumer chip: bf16 summed in fp32 runs at half rate, int8 does not"
_no_double_int8 = "int8 is listed at the rate of bf16"
_unified = "unified memory of a desktop: large and slow, beside a processor without tensor cores"
_pool = "unified memory: large and slow beside a memory of a chip's own"
_export = "compute cut for export, memory left whole"
_sram = "SRAM alone: a small memory at 8e13 bytes per second and more"
EXCEPTIONS: dict[tuple[str, str], tuple[float, str]] = {
    ("vr200-nvl72", "fp8/bf16"): (4.375, "from Blackwell to Rubin fp8 and fp4 grew 3.5-fold, bf16 1.6-fold"),
    ("tpuv5p", "fp8/bf16"): (1, _no_double_rate),
    ("tpuv6e", "fp8/bf16"): (1, _no_double_rate),
    ("trainium1", "fp8/bf16"): (1, _no_double_rate),
    ("gaudi3", "fp8/bf16"): (1, _no_double_rate),
    ("arc-b60", "fp8/bf16"): (1, _no_double_rate),
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
    ("strix-halo", "int8/bf16"): (1, _no_double_int8),
    ("l40s", "ridge"): (419, "GDDR6 beside the tensor cores of a data-centre chip"),
    ("tpuv6e", "ridge"): (560.4, "4.7 times the peak of TPU v5e on twice its bandwidth"),
    ("gaudi3", "ridge"): (495.9, "HBM2e beside a peak of 1835 TFLOP/s, 1677 at the clock it sustains"),
    ("l4", "ridge"): (403.3, "GDDR6 beside the tensor cores of a data-centre chip"),
    ("h20", "ridge"): (37, _export),
    ("h20-3e", "ridge"): (30.83, _export),
    ("mi308x", "ridge"): (64.91, _export),
    ("rtx3090", "ridge"): (75.85, "consumer chip: bf16 summed in fp32 runs at half rate"),
    ("groq-lpu-v1", "ridge"): (2.35, _sram),
    ("wse-3", "ridge"): (0.7524, _sram),
    ("apple-m2-ultra", "ridge"): (34, _unified),
    ("apple-m3-ultra", "ridge"): (34.68, _unified),
    ("apple-m4-max", "ridge"): (33.7, _unified),
    ("groq-lpu-v1", "drain"): (2.875e-6, _sram),
    ("groq-3-lpu", "drain"): (3.333e-6, _sram),
    ("wse-3", "drain"): (2.095e-6, _sram),
    ("apple-m2-ultra", "drain"): (0.2577, _unified),
    ("apple-m3-ultra", "drain"): (0.6713, _unified),
    ("apple-m4-max", "drain"): (0.2517, _unified),
    ("apple-m5-max", "drain"): (0.2238, _pool),
    ("strix-halo", "drain"): (0.5369, _pool),
    ("gb10", "drain"): (0.4689, _pool),
    ("gb10", "ridge"): (457.9, "tensor cores beside LPDDR5X"),
    ("a800-sxm-80gb", "link"): (200 / 300, "links cut for export"),
    ("h100-nvl", "link"): (300 / 450, "bridges over 12 of the 18 links join two cards"),
    ("h800-sxm", "link"): (200 / 450, "links cut for export"),
}
"""(chip, check) -> the ratio as it really is, and why the chip lies outside the range."""

KNOWN_SLIPS = {
    ("h100-sxm", "memory_bandwidth"): (3.072e12, "a figure of other tables; the product has 3.35e12"),
    ("b300-sxm", "peak_flops.int8"): (4.5e15, "the B200's, which the B300 does not reach"),
    ("gb300-nvl72", "peak_flops.int8"): (5e15, "the GB200's, which the GB300 does not reach"),
}
"""(chip, key) -> a wrong value that other tables carry and that no ratio gives away."""
