"""Every command at 80 columns: no line is wider, no word is broken or cut, no cell takes more than two lines."""

import csv
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console, ConsoleOptions
from rich.segment import Segment
from rich.table import Table

from steptime.model.catalog.files import packaged

COLUMNS, WIDE = 80, 2000
EXAMPLES = Path(__file__).parents[2] / "examples"

SCENARIOS = {
    "dense": ("llama-3.1-70b", "h100-sxm", "--layout", "tp=8"),
    "experts": ("deepseek-v3", "gb200-nvl72", "--context", "200k"),
    "fp8, long": ("llama-3.3-70b", "h200-sxm", "--weights", "fp8", "--context", "128k", "--batch", "3"),
    "serving": ("qwen3-235b-a22b", "h100-sxm", "--scope", "serving", "--output", "300"),
    "a prompt": ("llama-3.1-70b", "h100-sxm", "--phase", "prefill", "--prompt", "8192", "--cached", "2048",
                 "--output", "500", "--layout", "tp=8"),
    "training": ("gpt3-175b", "a100-sxm-80gb", "--phase", "train", "--layout", "tp=8,pp=8", "--batch", "64",
                 "--sequence", "2048", "--interleave", "3", "--recompute", "selective", "--tokens", "300G"),
    "no figures": ("llama-3.1-70b", "rtx4090"),
    "no room": ("llama-3.1-405b", "h100-sxm", "--layout", "tp=8"),
    "scale-out": ("deepseek-v3", "h200-sxm", "--layout", "tp=2,dp=16,ep=32", "--batch", "4096"),
    "no overlap": ("kimi-k2", "b200-sxm", "--overlap", "none", "--set", "memory_efficiency=0.8", "--set",
                   "workspace=1GB"),
}  # fmt: skip
SERVED = {name: asked for name, asked in SCENARIOS.items() if name in ("dense", "experts", "fp8, long", "scale-out")}
OTHERS = {
    "side by side": ("step", "deepseek-v3", "gb200-nvl72", "h200-sxm", "mi300x", "tpu7x"),
    "measured": ("step", *SCENARIOS["dense"], "--measured", "20ms"),
    "ranges": ("step", *SCENARIOS["dense"], "--range", "memory_efficiency=0.6..0.9", "--range", "context=2k..32k"),
    "a batch within ranges": ("solve", "batch", *SCENARIOS["dense"], "--range", "memory_efficiency=0.6..0.9",
                              "--range", "memory_bandwidth=3TB/s..4TB/s", "--limit", "batch<=1000000"),
    "terms meet": ("solve", "crossover", *SCENARIOS["dense"], "--between", "weights,kv"),
    "how long to hold": ("solve", "cache", "deepseek-v3", "h100-sxm", "--context", "32k", "--hold", "1h"),
    "sources": ("catalog", "sources"),
    "layouts": ("solve", "layout", "llama-3.1-70b", "h100-sxm", "h200-sxm", "--chips", "4,8", "--weights", "any",
                "--max-step-time", "30ms"),
    "executions": ("solve", "layout", "gpt2", "a100-sxm-40gb", "--phase", "train", "--chips", "2", "--batch", "16",
                   "--sequence", "1024"),
    "machines meet": ("solve", "crossover", "llama-3.1-70b", "h200-sxm", "--between", "h200-sxm,h100-sxm", "--over",
                      "chip_hour_price"),
    "a machine": ("solve", "machine", "deepseek-v3", "--prices", str(EXAMPLES / "prices-market.toml"), "--budget",
                  "3.1e6", "--minimise", "cost", "--context", "32k"),
    "who earns": ("solve", "machine", "deepseek-v3", "--from", "h100-sxm", "--prices",
                  str(EXAMPLES / "prices-market.toml"), "--layout", "dp=32,ep=32"),
    "a cache": ("solve", "cache", "deepseek-v3", "h100-sxm", "--context", "32k", "--reuse",
                "lomax shape=1.5 scale=5min share=0.6"),
    "a formula": ("solve", "for", "memory_bandwidth", "--in", "ridge", "--set", "bytes_per_weight=1", "--set",
                  "ridge=300", "--set", "peak_flops=1979TFLOP/s"),
    "a chip": ("catalog", "hardware", "h100-sxm"),
    "chips": ("catalog", "hardware"),
    "a model": ("catalog", "models", "deepseek-v3"),
    "models": ("catalog", "models"),
    "derivations": ("derive",),
    "a derivation": ("derive", "optimal-batch"),
    "another derivation": ("derive", "cycle-square"),
    "a plan": ("sweep", str(EXAMPLES / "sweeps" / "lecture.toml"), "--dry-run"),
}  # fmt: skip
COMMANDS = {
    **{f"step, {name}": ("step", *asked) for name, asked in SCENARIOS.items()},
    **{f"explain, {name}": ("explain", *asked) for name, asked in SCENARIOS.items()},
    **{f"crossover, {name}": ("solve", "crossover", *asked) for name, asked in SERVED.items()},
    **{f"batch, {name}": ("solve", "batch", *asked) for name, asked in SERVED.items()},
    **OTHERS,
}


@pytest.fixture
def tables(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Cells of more than two lines, of every table that is printed from now on."""
    found: list[str] = []
    render = Table.__rich_console__

    def watched(self: Table, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        widths = self._calculate_column_widths(console, options.update_width(options.max_width))
        for place, (column, width) in enumerate(zip(self.columns, widths, strict=True)):
            inside = options.update(width=max(width - self._get_padding_width(place), 1), no_wrap=column.no_wrap)
            for cell in (column.header, *column.cells):
                lines = console.render_lines(cell, inside, pad=False)
                if len(lines) > 2:
                    found.append(str(cell))
        yield from render(self, console, options)

    monkeypatch.setattr(Table, "__rich_console__", watched)
    return found


def judged(run, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]) -> None:
    """The same command narrow and wide: what is narrow has the words of what is wide."""
    monkeypatch.setenv("COLUMNS", str(WIDE))
    code, wide, err = run(*arguments)
    assert code == 0, err
    monkeypatch.setenv("COLUMNS", str(COLUMNS))
    out = run(*arguments)[1]
    assert max(map(len, out.splitlines())) <= COLUMNS
    said = re.sub(r"left out for want of width: .*", "", out)
    assert {*timeless(said)} - {*timeless(wide)} == set(), "broken words"


def timeless(text: str) -> list[str]:
    """Words, but for how long something took, or will take."""
    text = re.sub(r"about \S+ s on .*?a\s+second", "", text, flags=re.DOTALL)
    return re.sub(r"in\s+\d+\.\d\s+s\b", "", text).split()


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_fits(run, monkeypatch: pytest.MonkeyPatch, tables: list[str], name: str) -> None:
    judged(run, monkeypatch, COMMANDS[name])
    assert tables == []


@pytest.mark.parametrize("name", [name for name in COMMANDS if not name.startswith("explain")])
def test_it_fits_unfolded(run, monkeypatch: pytest.MonkeyPatch, tables: list[str], name: str) -> None:
    judged(run, monkeypatch, (*COMMANDS[name], "-v"))
    assert tables == []


@pytest.fixture
def measured(tmp_path: Path) -> str:
    """One published row in seventy."""
    rows = list(csv.reader(packaged("measurements.csv").splitlines()))
    path = tmp_path / "rows.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([rows[0], *rows[1::70]])
    return str(path)


@pytest.mark.parametrize("more", [(), ("--rows",), ("--by", "model,hardware"), ("-v",)], ids=" ".join)
def test_measurements_fit(
    run, monkeypatch: pytest.MonkeyPatch, tables: list[str], measured: str, more: tuple[str, ...]
) -> None:
    judged(run, monkeypatch, ("validate", measured, *more))
    assert tables == []


def test_the_watch_sees(tables: list[str]) -> None:
    console = Console(width=20, file=None, quiet=True)
    made = Table("a")
    made.add_row("one two three four five six seven eight nine ten")
    with console.capture():
        console.print(made)
    assert len(tables) == 1
