"""Files that a command line may name: right ones of every kind, and the same ones broken in one way."""

import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path

CONFIG = {
    "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 512, "intermediate_size": 1024,
    "num_attention_heads": 8, "num_key_value_heads": 4, "num_hidden_layers": 4, "vocab_size": 1000,
    "max_position_embeddings": 4096, "torch_dtype": "bfloat16", "hidden_act": "silu", "rms_norm_eps": 1e-5,
    "tie_word_embeddings": False,
}  # fmt: skip
QUANTITIES = {"parameters": "70e9", "active_parameters": "70e9", "kv_bytes": "160e3", "attention_flops": "1e6"}
MACHINE = {
    "peak_flops": "{ bf16 = 1e15, fp8 = 2e15 }", "memory_bandwidth": '"3.35TB/s"', "memory_capacity": "80e9",
    "scale_up_bandwidth": "450e9", "scale_up_domain": "8", "scale_out_bandwidth": "50e9", "power": "700",
    "chip_hour_price": "3.5",
}  # fmt: skip
ROW = {
    "id": "A-1", "phase": "decode", "model": "llama-3.1-8b", "hardware": "h100-sxm", "chips": "1", "weights": "bf16",
    "activations": "bf16", "kv": "bf16", "batch": "8", "context": "1000", "tp": "1", "scope": "steps",
    "quantity": "step_time", "value": "0.01", "unit": "s", "confidence": "measured", "source": "mine",
    "date": "2026-01-01",
}  # fmt: skip
COLUMNS = (
    *("id", "phase", "model", "hardware", "chips", "weights", "activations", "kv", "batch", "prompt", "output"),
    *("context", "sequence", "microbatch", "recompute", "tp", "pp", "ep", "dp", "cp", "scope", "quantity", "value"),
    *("unit", "detail", "confidence", "source", "date"),
)
PRICES = (Path(__file__).parents[2] / "examples" / "prices-market.toml").read_text(encoding="utf-8")
TIERS = (Path(__file__).parents[2] / "examples" / "tiers.toml").read_text(encoding="utf-8")

VALUES = ("", "-1", "0", "1e400", "nan", "inf", "true", '"x"', "[]", "{}", "1.5", "null", "9" * 400, '"\\u001b[31m"')
"""What a figure may be given as, as text of a file."""
CELLS = ("", "-1", "0", "nan", "inf", "1e400", "x", "2.5", "1e9", "/dev/null", "../../x", "\x1b[31m", "1,5", "８")


def toml(entries: dict[str, str]) -> str:
    return "".join(f"{name} = {value}\n" for name, value in entries.items())


def table(rows: list[dict[str, str]], columns: Sequence[str] = COLUMNS) -> str:
    """Rows as a CSV, cells that need it in quotes."""
    lines = [",".join('"' + row.get(name, "").replace('"', '""') + '"' for name in columns) for row in rows]
    return "\n".join([",".join(columns), *lines]) + "\n"


def config(draw: random.Random) -> str:
    """A config.json with some entries changed, missing, or of another type."""
    entries: dict[str, object] = dict(CONFIG)
    for _ in range(draw.choice([0, 0, 1, 1, 2])):
        name = draw.choice(list(CONFIG))
        odd = draw.choice([None, -1, 0, 1.5, "x", [], {}, True, 10**6, 10**30, float("inf"), "\x1b[31m"])
        if draw.random() < 0.3:
            entries.pop(name, None)
        else:
            entries[name] = odd
    if draw.random() < 0.2:
        entries["architectures"] = [draw.choice(["MixtralForCausalLM", "NoSuchModel", "DeepseekV3ForCausalLM"])]
    return json.dumps(entries)


def figures(entries: dict[str, str]) -> Callable[[random.Random], str]:
    """A TOML of figures with some changed, missing, doubled, or unknown."""

    def made(draw: random.Random) -> str:
        found = dict(entries)
        for _ in range(draw.choice([0, 0, 1, 1, 2])):
            found[draw.choice(list(entries))] = draw.choice(VALUES)
        if draw.random() < 0.2:
            found.pop(draw.choice(list(found)))
        if draw.random() < 0.1:
            found[draw.choice(["paramters", "x", "layers"])] = "3"
        text = toml(found)
        return text + text if draw.random() < 0.05 else text

    return made


def lines_of(text: str) -> Callable[[random.Random], str]:
    """A file with one line changed or left out."""

    def made(draw: random.Random) -> str:
        lines = text.splitlines()
        if draw.random() < 0.6:
            place = draw.randrange(len(lines))
            name, separator, _ = lines[place].partition("=")
            odd = f"{name}{separator} {draw.choice(VALUES)}" if separator else ""
            lines[place : place + 1] = [odd] if draw.random() < 0.7 else []
        return "\n".join(lines) + "\n"

    return made


def measurements(draw: random.Random) -> str:
    """A few rows with some cells changed."""
    rows = [dict(ROW, id=f"A-{number}") for number in range(draw.randint(1, 4))]
    for row in rows:
        for _ in range(draw.choice([0, 1, 1, 2, 3])):
            row[draw.choice(COLUMNS)] = draw.choice(CELLS)
        if draw.random() < 0.3:
            key = draw.choice(["inflight", "cached", "interleave", "bytes", "attention"])
            row["detail"] = f"{key}={draw.choice(CELLS)}"
            row["phase"], row["scope"] = draw.choice([("decode", "serving"), ("train", "steps"), ("prefill", "steps")])
        if draw.random() < 0.1:
            row["phase"], row["quantity"], row["unit"] = "collective", "step_time", "s"
    return table(rows, [name for name in COLUMNS if draw.random() > 0.01])


KINDS: dict[str, tuple[str, Callable[[random.Random], str]]] = {
    "config": ("config.json", config), "quantities": ("model.toml", figures(QUANTITIES)),
    "machine": ("machine.toml", figures(MACHINE)), "prices": ("prices.toml", lines_of(PRICES)),
    "tiers": ("tiers.toml", lines_of(TIERS)), "measurements": ("rows.csv", measurements),
}  # fmt: skip

BREAKS: dict[str, Callable[[bytes], bytes]] = {
    "a byte order mark": lambda data: b"\xef\xbb\xbf" + data, "cut in half": lambda data: data[: len(data) // 2],
    "no text": lambda data: bytes(range(256)) * 4, "empty": lambda data: b"", "a null": lambda data: data + b"\0",
    "UTF-16": lambda data: data.decode().encode("utf-16"), "braces": lambda data: b"{" * 20_000,
    "brackets": lambda data: b"x = " + b"[" * 20_000, "huge": lambda data: data + b"#" * 20_000_000,
    "a long number": lambda data: data + b"\ny = 0x" + b"f" * 5000 + b"\n", "twice": lambda data: data + data,
    "dotted": lambda data: b".".join([b"a"] * 50_000) + b" = 1\n", "one long line": lambda data: b"a" * 1_000_000,
    "old line ends": lambda data: data.replace(b"\n", b"\r"), "not the kind": lambda data: b"%PDF-1.4\n",
    "a key twice": lambda data: data.replace(b"{", b'{"hidden_size": 64, ', 1),
}  # fmt: skip
"""Ways in which a file as a whole is no file of its kind."""


def written(kind: str, folder: Path, draw: random.Random) -> str:
    """A file of a kind in a folder, most often one that can be read; its path."""
    name, made = KINDS[kind]
    stem, ending = name.rsplit(".", 1)
    odd = draw.random()
    if odd < 0.03:
        stem += draw.choice([" with spaces", "\x1b[31m", "😀", "-" * 100, "'\"", "%s{x}"])
    elif odd < 0.04:
        ending = draw.choice(["txt", "", "JSON", "yaml"])
    path = folder / f"{stem}.{ending}"
    data = made(draw).encode("utf-8", "replace")
    if draw.random() < 0.15:
        data = BREAKS[draw.choice(list(BREAKS))](data)
    path.write_bytes(data)
    return str(path)
