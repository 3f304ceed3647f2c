"""Command lines at random: every command and option, with values that are right and values that are not.

Number n of a seed is always the same command line, so that a failure is run again by its number.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click
from odd_files import written

from steptime.cli import steptime

MODELS = ("llama-3.1-8b", "llama-3.1-70b", "mixtral-8x7b", "deepseek-v3", "gpt-oss-20b", "gemma-3-27b", "qwen3-30b-a3b",
          "qwen3-next-80b-a3b", "gpt2", "deepseek-v2-lite", "mistral-7b-v0.1", "minimax-m1")  # fmt: skip
HARDWARE = ("h100-sxm", "gb200-nvl72", "b200-sxm", "mi300x", "tpuv5p", "a100-sxm-80gb", "h20", "trainium2", "gaudi3")
WRONG = ("", "x", "-1", "0", "nan", "inf", "-inf", "1e400", "1e999999", "2.5", "9" * 5000, "8TB/s", "3 B", "20ms",
         "1_000", "0x10", "６４", "🚀", "\x1b[31m", "a\nb", "None", "[1,2]", "{}", "64;64", "1e-400", "k", "1k1",
         "__import__('os')", "10**10**10", "16,32,64", "60%", "--batch", "-", "..", "%d", " ", "1 000",
         "context")  # fmt: skip
"""What may stand in the place of any value."""
COUNTS = ("1", "2", "7", "64", "512", "4096", "8k", "1M", "1e6")
LENGTHS = ("1", "2", "128", "4096", "8k", "32k", "1M")
TIMES = ("20ms", "1s", "5us", "0.05", "33", "1h")
LAYOUTS = ("tp=8", "tp=1", "tp=2,dp=2", "dp=8,ep=8", "tp=4,pp=2", "tp=2,cp=2", "replicas=4", "tp=2,dp=4,ep=8,pp=2",
           "tp=8,ffn=all", "dp=4,ep=4,copies=per-expert", "tp=3", "tp=8,tp=4", "tp", "tp=0", "xp=2", "pp=999",
           "tp=1000000000,dp=1000000000", "ep=7", "tp=2;dp=2")  # fmt: skip
QUANTITIES = (
    "memory_bandwidth", "peak_flops", "context", "batch", "memory_efficiency", "scale_up_latency", "kv_bytes",
    "parameters_read", "chips", "expert_load", "bytes_per_weight", "router_weight_bytes", "micro_batch", "drafts",
    "acceptance", "chip_hour_price", "power", "scale_up_bandwidth", "tensor_parallel", "own_prefill", "step_time",
    "served_tokens", "memory_capacity", "scale_up_domain", "context_parallel", "no_such_thing", "hour", "progress",
)  # fmt: skip
AMOUNTS = ("1", "2", "0.5", "1e12", "3.35TB/s", "1e-6", "0", "80e9", "64", "1us")
LIMITS = ("batch<=512", "batch>=8", "tokens_per_second_per_sequence>=50", "memory_per_chip<=60GB", "step_time<=20ms",
          "dollars_per_million_tokens<=1", "joules_per_token<=1", "tokens_per_second>=1000", "batch=3", "batch<=0",
          "x<=3", "batch<=512 ", "batch<", "<=3", "context<=5", "micro_batch<=3", "step_time>=1")  # fmt: skip
RANGES = ("memory_efficiency=0.6..0.9", "context=1k..8k", "batch=8..64", "memory_bandwidth=2TB/s..4TB/s",
          "context=5..5", "context=9..1", "x=1..2", "context=1", "context=1..nan", "memory_efficiency=0..2",
          "context=1..2..3", "budget=1e6..2e6", "parameters=1e9..1e10")  # fmt: skip
DERIVATIONS = ("ridge", "optimal-batch", "memory-term", "in-flight-others", "compute", "memory", "interconnect",
               "slopes", "no-such-derivation", "ridg")  # fmt: skip
EXPENSIVE = {"derive": {"--claims", "--json", "--graph"}, "latex": {"--all"}}
"""What verifies all there is, and may take longer than a question."""


@dataclass(frozen=True)
class Invocation:
    """One command line: arguments, and whether it may take minutes."""

    number: int
    arguments: tuple[str, ...]
    long: bool


Draw = random.Random
Values = Callable[[Draw, Path], str]


def one_of(*values: str) -> Values:
    """Any of these, the first of them as often as the rest."""
    return lambda draw, folder: draw.choice((values[0], draw.choice(values)))


def model(draw: Draw, folder: Path) -> str:
    odd = draw.random()
    if odd < 0.8:
        return draw.choice(MODELS)
    if odd < 0.98:
        return written(draw.choice(["config", "quantities"]), folder, draw)
    return draw.choice(("lama-3.1-8b", "nowhere.json", "/dev/null", str(folder), *WRONG))


def hardware(draw: Draw, folder: Path) -> str:
    odd = draw.random()
    if odd < 0.8:
        return draw.choice(HARDWARE)
    if odd < 0.98:
        return written("machine", folder, draw)
    return draw.choice(("h100", "h1000", "nowhere.toml", str(folder), *WRONG))


def assigned(names: tuple[str, ...], amounts: tuple[str, ...]) -> Values:
    def made(draw: Draw, folder: Path) -> str:
        entry = f"{draw.choice(names)}={draw.choice(amounts if draw.random() < 0.85 else WRONG)}"
        return entry if draw.random() < 0.96 else entry.replace("=", draw.choice([" ", "==", ""]))

    return made


def workload(draw: Draw, folder: Path) -> str:
    words = ["weight=2", "phase=decode", "phase=prefill", "batch=512", "context=32k", "prompt=4k", "layout=tp=8",
             "weights=fp8", "overlap=none", "weight=0", "x=1", "batch=", "phase=train", "zero=1"]  # fmt: skip
    return " ".join(draw.sample(words, draw.randint(1, 4)))


def a_file(kind: str, *others: str) -> Values:
    def made(draw: Draw, folder: Path) -> str:
        if draw.random() < 0.9:
            return written(kind, folder, draw)
        return draw.choice((*others, "nowhere.toml", "/dev/null", str(folder), ""))

    return made


OPTIONS: dict[str, Values] = {
    "--batch": one_of(*COUNTS), "--context": one_of(*LENGTHS), "--prompt": one_of(*LENGTHS),
    "--cached": one_of(*LENGTHS), "--chunk": one_of("1", "512", "2k"), "--output": one_of("1", "2", "500", "4k"),
    "--sequence": one_of("128", "4096"), "--microbatch": one_of("1", "2", "4"), "--interleave": one_of("1", "2", "3"),
    "--tokens": one_of("15T", "300G", "1e9"), "--layout": one_of(*LAYOUTS), "--between": one_of(
        "memory,compute", "compute,interconnect", "scale_up,scale_out", "memory", "memory,memory", "a,b", ",",
        "h200-sxm,h100-sxm", "h100-sxm,mi300x"),
    "--over": one_of("batch", "context", *QUANTITIES), "--max-step-time": one_of(*TIMES), "--max-ttft": one_of(*TIMES),
    "--limit": one_of(*LIMITS), "--chips": one_of("8", "1,2,4", "8,16", "72", "0", "8,,8", "1000000000000", "3.5"),
    "--set": assigned(QUANTITIES, AMOUNTS), "--range": one_of(*RANGES), "--budget": one_of("5e6", "3e5", "1"),
    "--power": one_of("120kW", "1e6", "10"), "--workload": workload, "--from": hardware,
    "--prices": a_file("prices"), "--tiers": a_file("tiers"), "--models": lambda draw, folder: str(folder),
    "--hardware": lambda draw, folder: str(folder), "--in": one_of(*DERIVATIONS),
    "--output-file": lambda draw, folder: str(folder / draw.choice(["out.tex", "nowhere/out.tex", "."])),
    "--reuse": one_of("exponential mean=10min", "weibull shape=0.5 scale=10min", "lomax shape=1 scale=5min share=0.6",
                      "lomax shape=1.5 scale=5min", "weibull shape=2 scale=1s", "normal mean=3", "exponential"),
}  # fmt: skip
ARGUMENTS: dict[str, Values] = {
    "model": model, "hardware": hardware, "kind": one_of("models", "hardware"), "name": one_of(
        *DERIVATIONS, *MODELS, *HARDWARE), "names": one_of(*DERIVATIONS), "quantity": one_of(
        *QUANTITIES, "ridge", "memory_time"), "file": a_file("measurements"),
}  # fmt: skip
OF_PHASE = {
    "decode": {"--context"}, "prefill": {"--prompt", "--chunk", "--output", "--max-ttft"},
    "serving": {"--prompt", "--output"},
    "train": {"--sequence", "--microbatch", "--interleave", "--recompute", "--zero", "--sequence-parallel",
              "--schedule", "--attention", "--dropout", "--tokens"},
}  # fmt: skip
"""Options that belong to some phases alone."""
WEIGHTS = {"step": 40, "crossover": 8, "batch": 13, "layout": 6, "machine": 8, "cache": 6, "for": 5, "validate": 5,
           "catalog": 4, "derive": 3, "latex": 2}  # fmt: skip


def commands() -> dict[str, tuple[tuple[str, ...], click.Command]]:
    """Every command by its last word, with the words that lead to it."""
    found: dict[str, tuple[tuple[str, ...], click.Command]] = {}
    for name, command in steptime.commands.items():
        if isinstance(command, click.Group):
            found |= {inner: ((name, inner), one) for inner, one in command.commands.items()}
        else:
            found[name] = ((name,), command)
    return found


def invocation(seed: int, number: int, folder: Path) -> Invocation:
    """Command line ``number`` of a seed; the files that it names are written into the folder."""
    draw, known = random.Random(f"{seed}/{number}"), commands()
    if draw.random() < 0.01:
        return Invocation(number, tuple(draw.choice([*WRONG, *known, "--help", "--version", "solve"])
                                        for _ in range(draw.randint(0, 2))), False)  # fmt: skip
    (name,) = draw.choices(list(known), [WEIGHTS.get(one, 3) for one in known])
    words, command = known[name]
    phase, stray = draw.choice(list(OF_PHASE)), draw.random() < 0.35
    there = [one for one in command.params if stray or _belongs(one, phase)]
    given = [text for parameter in there for text in _parameter(parameter, draw, folder, stray)]
    if not stray and any("--phase" in one.opts for one in command.params):
        given += {"decode": [], "serving": ["--scope", "serving"]}.get(phase, ["--phase", phase])
    if stray and draw.random() < 0.1:
        given.insert(draw.randint(0, len(given)), draw.choice([*WRONG, "--no-such-option", "--bach", "-x", "--help"]))
    arguments = (*words, *given)
    long = bool(EXPENSIVE.get(name, set()) & set(given))
    long |= name == "validate" and not any(".csv" in one for one in given)
    if long and draw.random() < 0.97:  # seldom: each takes as long as a hundred questions
        arguments, long = ("step", draw.choice(MODELS), draw.choice(HARDWARE), "--json"), False
    return Invocation(number, arguments, long)


def _belongs(parameter: click.Parameter, phase: str) -> bool:
    """Whether an option goes with a phase; ``--phase`` and ``--scope`` themselves are added."""
    option = parameter.opts[-1]
    if option in ("--phase", "--scope") or (option == "--cached" and phase != "prefill"):
        return False
    owners = [name for name, options in OF_PHASE.items() if option in options]
    return not owners or phase in owners


def _parameter(parameter: click.Parameter, draw: Draw, folder: Path, stray: bool) -> list[str]:
    """What is written for one parameter: nothing, a value of its own, or where the line strays a wrong one."""
    if isinstance(parameter, click.Argument):
        often = (0.95 if stray else 1.0) if parameter.required else 0.7
        repeats = draw.choice([1, 1, 2]) if parameter.nargs == -1 else 1
        values = ARGUMENTS.get(str(parameter.name), one_of(*COUNTS))
        return [values(draw, folder) for _ in range(repeats)] if draw.random() < often else []
    option = parameter.opts[-1]
    chances = {"--json": 0.5, "--prices": 0.9, "--chips": 0.95, "--in": 0.95, "--budget": 0.8, "--output": 0.6}
    often = chances.get(option, 0.11)
    if option == "--help" or draw.random() > often:
        return []
    if parameter.is_flag:  # type: ignore[attr-defined]
        return [option]
    if stray and draw.random() < 0.12:
        return [option, draw.choice(WRONG)]
    return [option, *[_value(parameter, option, draw, folder)]]


def _value(parameter: click.Parameter, option: str, draw: Draw, folder: Path) -> str:
    if isinstance(parameter.type, click.Choice):
        return str(draw.choice(list(parameter.type.choices)))
    if isinstance(parameter.type, click.IntRange):
        return str(draw.randint(0, 3))
    if option in ("--output", "--file") and isinstance(parameter.type, click.Path):
        option = "--output-file"
    return OPTIONS.get(option, one_of(*COUNTS))(draw, folder)
