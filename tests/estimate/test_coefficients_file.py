"""A user's file of coefficients: what is no number, or not in its range, is one line that names file and key."""

import re
from pathlib import Path

import pytest

from steptime.model.catalog.coefficients import read_coefficients
from steptime.model.catalog.files import packaged
from steptime.model.errors import UserError

KERNELS, BAND = r"hopper = 1\b", r"(?<=\[bands\.\"all\"\]\n)low = .*"
TRAINED = r"(?<=training\.bands\.\"all\"\]\n)low = .*"
SEEN, SEQUENCE = r"context = .*", r"sequence = .*"
SPREAD, BANDS, SHARE = r"start_spread = .*", r"(?<=collectives\.bands\]).*\nall = .*", r"\nshare = .*"


def _changed(folder: Path, pattern: str, new: str) -> Path:
    text, number = re.subn(pattern, new, packaged("coefficients.toml"), count=1)
    assert number == 1
    path = folder / "mine.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("pattern", "new", "named"),
    [
        *((SEEN, f"context = {ends}", "[seen] context") for ends in
          ("[]", "[5]", "[1, 2, 3]", "[9, 5]", "[-1, 5]", "[nan, 5]", "[1, nan]", "[1, inf]", "7", '["a", "b"]')),
        *((SEQUENCE, f"sequence = {ends}", "[training] seen.sequence") for ends in ("[1]", "[9, 5]", "[1, nan]")),
        *((KERNELS, f"hopper = {factor}", "kernels.hopper") for factor in ("nan", "inf", "0", "-1", "0.3", "3.1")),
        *((BAND, f"low = {low}", "bands.all") for low in ("nan", "inf", "-inf", "-1", "0", "2")),
        *((TRAINED, f"low = {low}", "[training] bands.all") for low in ("nan", "inf", "-1", "0", "2")),
        *((SPREAD, f"start_spread = {spread}", "collectives.start_spread") for spread in ("nan", "inf", "0", "-1")),
        *((BANDS, f"\nall = {ends}", "collectives.bands.all") for ends in ("[1]", "[nan, 2]", "[0.5, inf]", "[2, 1]")),
        *((SHARE, f"\nshare = {share}", "collectives.links.all.scale_up.share") for share in ("nan", "-1", "1.5")),
    ],
)  # fmt: skip
def test_what_is_out_of_range_is_named(tmp_path: Path, run, pattern: str, new: str, named: str) -> None:
    path = _changed(tmp_path, pattern, new)
    code, out, err = run("step", "llama-3.1-8b", "h100-sxm", "--efficiency", str(path))
    assert (code, out) == (2, "") and err.count("\n") == 1
    assert str(path) in err and named in err


@pytest.mark.parametrize(("pattern", "new"), [(SEEN, "context = [0, 0]"), (KERNELS, "hopper = 3"),
                                              (KERNELS, "hopper = 0.333333"), (BAND, "low = 1.0")])  # fmt: skip
def test_what_is_at_the_edge_is_read(tmp_path: Path, pattern: str, new: str) -> None:
    assert read_coefficients(_changed(tmp_path, pattern, new)).rows


def test_a_coefficient_is_within_its_range(tmp_path: Path) -> None:
    for value in ("nan", "inf", "-1"):
        with pytest.raises(UserError, match="kernel_time"):
            read_coefficients(_changed(tmp_path, r"kernel_time = \S+", f"kernel_time = {value}"))


KINDS, SCOPES = r'\nkinds = \["dense", "experts"\]', r'\nscopes = \["serving", "steps"\]'
MOE = ("step", "deepseek-v3", "h200-sxm", "--layout", "dp=8,ep=8", "--batch", "64")
DENSE = ("step", "llama-3.1-70b", "h100-sxm", "--layout", "tp=8", "--batch", "64")
SERVING = ("--scope", "serving", "--prompt", "1000", "--output", "500")


@pytest.mark.parametrize(
    ("pattern", "new", "asked", "said"),
    [
        (KINDS, '\nkinds = ["dense"]', MOE, ["no row of models with experts"]),
        (KINDS, '\nkinds = ["experts"]', DENSE, ["no row of models without experts"]),
        (KINDS, '\nkinds = ["dense"]', DENSE, []),
        (KINDS, "", MOE, []),
        (SCOPES, '\nscopes = ["steps"]', (*DENSE, *SERVING), ["no row of a step in which prefills ride along"]),
        (SCOPES, '\nscopes = ["steps"]', DENSE, []),
        (r"\nchips = \[8, 16384\]" + KINDS, '\nchips = [8, 16384]\nkinds = ["experts"]',
         ("step", "llama-3.1-8b", "h100-sxm", "--phase", "train", "--layout", "dp=8", "--batch", "64", "--sequence",
          "4096", "--microbatch", "1"), ["no row of training models without experts"]),
    ],
)  # fmt: skip
def test_what_no_row_of_a_file_is_like_is_outside(
    tmp_path: Path, run_json, pattern: str, new: str, asked: tuple[str, ...], said: list[str]
) -> None:
    found = run_json(*asked, "--efficiency", str(_changed(tmp_path, pattern, new)))["estimate"]
    assert [text for text in found["outside"] if "no row of" in text] == said
    assert run_json(*asked)["estimate"]["inside"]
