"""Tables on a narrow terminal: nothing is wider than it, and no name is cut."""

import pytest

from steptime.model.quantity import declared

STEPS = {
    "decode": ("llama-3.1-70b", "h100-sxm", "--layout", "tp=8", "--measured", "20ms"),
    "experts": ("deepseek-v3", "gb200-nvl72", "--layout", "dp=8,ep=8"),
    "training": ("gpt3-175b", "a100-sxm-80gb", "--phase", "train", "--layout", "tp=8,pp=8", "--batch", "64"),
}  # fmt: skip


@pytest.mark.parametrize("columns", [72, 80, 120])
@pytest.mark.parametrize("which", STEPS)
def test_a_step_fits_and_no_name_of_a_quantity_is_cut(run, monkeypatch, which: str, columns: int) -> None:
    code, *_ = run("step", *STEPS[which])
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = run("step", *STEPS[which], "-v")[1].splitlines()
    assert code == 0 and max(map(len, lines)) <= columns
    start = next(place for place, line in enumerate(lines) if line.startswith("where"))
    rows = lines[start + 1 : lines.index("", start + 1) if "" in lines[start + 1 :] else None]
    rows = [row for row in rows if row.strip()]
    long = {word for row in rows for word in row.split() if len(word) > 7 and word.islower() and word.isascii()}
    assert long and long <= set(declared())


def test_without_columns_a_line_has_80(run) -> None:
    assert max(map(len, run("step", *STEPS["decode"], "-v")[1].splitlines())) == 80
