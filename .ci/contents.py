"""Check what distributions carry: every module and catalogue file under steptime/, and nothing beside it."""

import sys
import tarfile
import zipfile
from pathlib import Path

CARRIED = [
    *(str(path) for part in ("model", "derivations") for path in sorted(Path(part).rglob("*.py"))),
    *(str(path) for ending in ("toml", "csv") for path in sorted(Path("model/catalog").glob(f"*.{ending}"))),
    *(str(path) for ending in ("html", "css", "js") for path in sorted(Path("model/page").glob(f"*.{ending}"))),
    *(str(path) for path in sorted(Path("model/text/schemas").glob("*.json"))),
    *(str(path) for ending in ("toml", "tex") for path in sorted(Path("model/book").rglob(f"*.{ending}"))),
    *(str(path) for ending in ("toml", "csv") for path in sorted(Path("examples").rglob(f"*.{ending}"))),
    "__init__.py",
    "cli.py",
    "py.typed",
]


def names(distribution: str) -> set[str]:
    if distribution.endswith(".whl"):
        return set(zipfile.ZipFile(distribution).namelist())
    with tarfile.open(distribution) as archive:
        return {name.partition("/")[2] for name in archive.getnames()}


for distribution in sys.argv[1:]:
    found = names(distribution)
    prefix = "steptime/" if distribution.endswith(".whl") else ""
    missing = [path for path in CARRIED if prefix + path not in found]
    stray = [name for name in found if prefix and not name.startswith(("steptime/", "steptime-"))]
    if missing or stray:
        sys.exit(f"{distribution}: missing {missing}, stray {stray}")
    print(f"{Path(distribution).name}: {len(CARRIED)} files of the package, nothing stray")
