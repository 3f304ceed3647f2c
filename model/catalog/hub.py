"""Names as model hubs have them, and the local cache of the Hugging Face hub: read, never filled.

The cache keeps each repository under ``models--organisation--name``: ``refs/main`` holds the commit that was last
taken, ``snapshots`` a folder for each commit (huggingface_hub, "Understand caching").
"""

import os
import re
from pathlib import Path

from steptime.model.catalog.files import read_text
from steptime.model.errors import UserError

_identifier = re.compile(r"([A-Za-z0-9][\w.-]{0,95})/([A-Za-z0-9][\w.-]{0,95})")


def identifier(name: str) -> tuple[str, str] | None:
    """The organisation and the name of what a hub would call so; None for what it would not.

    >>> identifier("Qwen/Qwen3-32B"), identifier("models/mine/config"), identifier("../mine")
    (('Qwen', 'Qwen3-32B'), None, None)
    """
    found = _identifier.fullmatch(name)
    return None if found is None or ".." in name else (found[1], found[2])


def folder() -> Path:
    """Where the cache is: HF_HUB_CACHE, else under HF_HOME, else under the user's cache."""
    if stated := os.environ.get("HF_HUB_CACHE"):
        return Path(stated).expanduser()
    user = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(os.environ.get("HF_HOME") or Path(user) / "huggingface").expanduser() / "hub"


def cached(name: str) -> Path | None:
    """The config.json that the cache holds of a hub's name, of the commit that was last taken; None where it has none.

    Where no such commit is noted, that of the snapshot that was made last.
    """
    repository = folder() / f"models--{name.replace('/', '--')}"
    snapshots = repository / "snapshots"
    try:
        commit = read_text(repository / "refs" / "main", most=100).strip()
    except UserError:
        commit = ""
    if re.fullmatch("[0-9a-f]{6,64}", commit) and (snapshots / commit / "config.json").is_file():
        return snapshots / commit / "config.json"
    try:
        files = [one / "config.json" for one in snapshots.iterdir() if (one / "config.json").is_file()]
        return max(files, key=lambda file: (file.parent.stat().st_mtime, file), default=None)
    except OSError:  # no such folder, or none that may be read
        return None
