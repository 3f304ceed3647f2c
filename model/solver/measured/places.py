"""Where the models and machines of measured rows come from: the catalogue, and folders that a user names."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from steptime.model.catalog.hardware import Hardware, load_hardware
from steptime.model.catalog.models import load_model
from steptime.model.catalog.transformers import load_transformer
from steptime.model.errors import UserError
from steptime.model.phases.accounts import Model

MOST_FILES = 20_000
"""Files of a folder that are looked at."""


@dataclass(frozen=True)
class Places:
    """Folders with files for names that the catalogue lacks: NAME.json, NAME.toml, or NAME with a config.json in it, at
    whatever depth; of several the one nearest to the folder."""

    models: Path | None = None
    hardware: Path | None = None

    def model(self, name: str) -> Model:
        """The model that a row names; raises UserError for an unknown one, and for a path."""
        _no_path("model", name)
        if name not in self._models:
            file = self._files_of_models.get(name)
            self._models[name] = load_transformer(name) if file is None else load_model(file)
        return self._models[name]

    def machine(self, name: str) -> Hardware:
        """The machine that a row names; raises UserError for an unknown one, and for a path."""
        _no_path("hardware", name)
        if name not in self._machines:
            self._machines[name] = load_hardware(self._files_of_machines.get(name) or name)
        return self._machines[name]

    @cached_property
    def _models(self) -> dict[str, Model]:
        return {}

    @cached_property
    def _machines(self) -> dict[str, Hardware]:
        return {}

    @cached_property
    def _files_of_models(self) -> dict[str, str]:
        return _files(self.models, (".json", ".toml"))

    @cached_property
    def _files_of_machines(self) -> dict[str, str]:
        return _files(self.hardware, (".toml",))


def _no_path(column: str, name: str) -> None:
    """A row comes from elsewhere: as what it names is no path, it reads nothing but the catalogue and these folders."""
    if {"/", "\\"} & set(name) or name.startswith(".") or name.lower().endswith((".json", ".toml")):
        raise UserError(f"{column} {name[:60]!r} is a path: a row names an entry of the catalogue, or, without its "
                        "ending, a file of the folder that was given")  # fmt: skip


def _files(folder: Path | None, endings: Sequence[str]) -> dict[str, str]:
    """The files of a folder, and of those in it, by the name that a row would give them."""
    found: dict[str, str] = {}
    if folder is None:
        return found
    seen, level = 0, [os.fspath(folder)]
    while level:
        deeper: list[str] = []
        for place in level:
            with os.scandir(place) as entries:
                listed = sorted(entries, key=lambda entry: entry.name)
            for entry in listed:
                seen += 1
                if seen > MOST_FILES:
                    raise UserError(f"{folder}: more than {MOST_FILES} files; give a folder of models or machines")
                stem, ending = os.path.splitext(entry.name)
                if entry.is_dir(follow_symlinks=False):
                    deeper.append(entry.path)
                elif entry.name == "config.json" and place != os.fspath(folder) and ".json" in endings:
                    found.setdefault(os.path.basename(place), entry.path)
                elif ending in endings and entry.is_file():
                    found.setdefault(stem, entry.path)
        level = deeper
    return found
