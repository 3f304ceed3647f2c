"""Pages of the documentation that are written from the package itself: chapters of the book, tables of quantities, of
machines and of models, and the API.

Sphinx calls `setup`; what is written goes to docs/generated before the build reads its sources, and pages written by
hand include it.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import steptime as st
from steptime.derivations.library import CHAPTERS, derivations
from steptime.derivations.steps import Derivation
from steptime.model.catalog.hardware import sources
from steptime.model.catalog.measured_by import sources as every_source
from steptime.model.quantity import Quantity

HERE = Path(__file__).parent.parent / "generated"
MEMORY = ("memory_bandwidth", "memory_capacity", "scale_up_bandwidth", "scale_up_domain")
SHAPE = ("parameters", "active_parameters", "layers", "width", "kv_bytes")


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    """A table in Markdown; a bar inside a cell would end it."""
    cells = [tuple(cell.replace("|", r"\|").replace("\n", " ") for cell in row) for row in rows]
    return ["| " + " | ".join(row) + " |" for row in (head, ("---",) * len(head), *cells)]


def plain(text: str) -> str:
    """Words that Markdown must not read as its own marks."""
    return "".join("\\" + letter if letter in "*_$<>[]#" else letter for letter in text)


def to_theorem(name: str) -> str:
    return f"[{name}](#theorem-{name})"


def to_quantity(name: str) -> str:
    return f"[`{name}`](#quantity-{name})"


def chapter(number: int, title: str) -> str:
    """One chapter: what it proves at a glance, then each theorem with its proof folded away."""
    theorems = [one for one in derivations() if one.rows[0].split(".")[0] == str(number)]
    lines = [f"# {number}. {title}", "", f"{len(theorems)} theorems, each verified line by line.", ""]
    lines += [*table(("theorem", "claim"), ((to_theorem(one.name), plain(one.claim)) for one in theorems)), ""]
    return "\n".join([*lines, *(line for one in theorems for line in theorem(one))])


def theorem(one: Derivation) -> list[str]:
    statement, proof = st.derivation(one.name).markdown(to_theorem).split("\nProof.\n")
    names = sorted({symbol.name for symbol in one.result.free_symbols})
    folded = ["<details><summary>Proof and numbers</summary>", "", proof, "", "</details>", ""]
    looked_up = f"Quantities: {', '.join(map(to_quantity, names))}. Command: `steptime derive {one.name}`."
    return [f"(theorem-{one.name})=", statement, "", *folded, looked_up, ""]


def quantities() -> list[str]:
    """Every quantity, its letter and unit, and the theorems in whose result it stands."""
    about: dict[str, list[str]] = {}
    for one in derivations():
        for symbol in one.result.free_symbols:
            about.setdefault(symbol.name, []).append(one.name)
    rows = (quantity(one, about.get(one.name, [])) for one in st.quantities())
    return table(("name", "letter", "unit", "meaning, and theorems about it"), rows)


def quantity(one: Quantity, theorems: list[str]) -> tuple[str, ...]:
    unit = "" if one.unit == 1 else str(one.unit).replace("$", "dollar").replace("*", "·")
    few = ", ".join(map(to_theorem, theorems[:3])) + (f" and {len(theorems) - 3} more" if len(theorems) > 3 else "")
    words = plain(one.meaning) + (f": {few}" if few else "")
    return f"[`{one.name}`]{{#quantity-{one.name}}}", f"${one.latex}$", unit, words


def number(value: float | None) -> str:
    return "—" if value is None else f"{value:.4g}"


def machines() -> list[str]:
    listed = st.catalogue("hardware")._json()["hardware"]
    head = (
        "name",
        "vendor",
        "year",
        "dense peak, FLOP/s",
        "memory, B/s",
        "memory, B",
        "scale-up, B/s",
        "domain, chips",
    )
    return table(head, (machine(one, one["quantities"]) for one in listed))


def machine(one: dict[str, Any], given: dict[str, Any]) -> tuple[str, ...]:
    peaks = ", ".join(f"{precision} {number(peak)}" for precision, peak in given["peak_flops"].items())
    return f"`{one['name']}`", one["vendor"], str(one["year"]), peaks, *(number(given.get(key)) for key in MEMORY)


def models() -> list[str]:
    listed = st.catalogue("models")._json()["models"]
    head = ("name", "parameters", "active", "layers", "width", "KV cache, B a token")
    return table(head, ((f"`{one['name']}`", *(number(one["quantities"].get(key)) for key in SHAPE)) for one in listed))


def said_by() -> list[str]:
    return [f"`{name}`\n: {plain(entry['title'])}\n" for name, entry in sources().items()]


def measured() -> list[str]:
    """Who measured the rows of the catalogue, by short name."""
    rows = ((f"`{one.name}`", f"[{plain(one.title)}]({one.link})", str(one.rows)) for one in every_source()
            if one.link is not None)  # fmt: skip
    return table(("name", "who measured", "rows"), rows)


def api() -> list[str]:
    """Every name that `import steptime` offers, from its own docstring."""
    return [line for name in st.__all__ for line in offered(name, getattr(st, name))]


def offered(name: str, one: Any) -> list[str]:
    if isinstance(one, type(st)):
        return [f"## st.{name}", "", "```{eval-rst}", f".. automodule:: {one.__name__}", "   :members:", "```", ""]
    kind = "autoclass" if isinstance(one, type) else "autofunction"
    members = ["   :members:"] * (kind == "autoclass")
    return [
        f"## st.{name}",
        "",
        "```{eval-rst}",
        f".. {kind}:: {one.__module__}.{one.__qualname__}",
        *members,
        "```",
        "",
    ]


def write(app: Any) -> None:
    """Write every part; one that has not changed is left, so that a second build is quick."""
    parts = {f"book/{number:02d}.md": chapter(number, title) for number, title in CHAPTERS.items()}
    lists = {"quantities": quantities, "machines": machines, "models": models, "sources": said_by, "api": api,
             "measured": measured}  # fmt: skip
    parts |= {f"{name}.txt": "\n".join(made()) for name, made in lists.items()}
    for name, text in parts.items():
        path = HERE / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")


def setup(app: Any) -> dict[str, bool]:
    app.connect("builder-inited", write)
    return {"parallel_read_safe": True}
