"""Files that the package carries as examples, each by a short name: prices, demands, specs, answers of other tools."""

from pathlib import Path

from steptime.model.errors import unknown

FOLDER = Path(__file__).parents[2] / "examples"
PRICES, FLEETS, SWEEPS, TOOLS = "prices-{}.toml", "fleets/{}.toml", "sweeps/{}.toml", "compare/{}.csv"
"""How the file of an example is named."""
LONGEST = 60
"""Letters of a name that may be meant for an example."""


def examples(kind: str) -> list[str]:
    """The names that there are of a kind.

    >>> examples(PRICES)
    ['manufacturing', 'manufacturing-parts', 'market', 'market-parts']
    """
    before, after = kind.split("{}")
    return sorted(str(path.relative_to(FOLDER))[len(before) : -len(after)] for path in FOLDER.glob(kind.format("*")))


def named_or_own(path: Path, kind: str) -> Path:
    """A file of the user's; where there is none of that name, the example of that name. Raises UserError for a single
    word that is neither.

    >>> named_or_own(Path("market"), PRICES).name, named_or_own(Path("mine.toml"), PRICES).name
    ('prices-market.toml', 'mine.toml')
    """
    name = str(path)
    if len(name) > LONGEST or path.suffix or path.name != name or path.exists():
        return path
    if name not in (known := examples(kind)):
        raise unknown("file or example", name, known, f"examples: {', '.join(known)}")
    return FOLDER / kind.format(name)
