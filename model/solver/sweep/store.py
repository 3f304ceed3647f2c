"""What a sweep has on disk, so that it goes on after any interruption: a manifest, the states, rows in parts.

A manifest names every other file with the hash of its content, and takes its place in one move: what it names is whole.
Rows of blocks that it does not name yet are written again, the same. States are plain arrays; nothing is executed that
a file holds.
"""

import hashlib
import io
import json
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from steptime.model.errors import UserError
from steptime.model.solver.sweep.block import Tally, states_of
from steptime.model.solver.sweep.files import put, written
from steptime.model.solver.sweep.rows import Rows
from steptime.model.solver.sweep.run import Standing
from steptime.model.solver.sweep.spec import Spec

EVERY = 1.0
"""Seconds between two manifests, at least; and as much of the time as a twentieth goes into them at most."""
SHARE = 20
SHOWN = 5.0
"""Seconds between two partial results, at least."""
MANIFEST = "_manifest.json"
MOST_MANIFEST = 50_000_000


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@dataclass
class Store:
    """Keeps a sweep in a folder. ``identity``: what makes it this sweep and no other; ``resume``: whether it goes on
    where it stopped. ``partial`` is called with what stands, now and then."""

    folder: Path
    spec: Spec
    form: str
    identity: Mapping[str, str]
    metadata: Mapping[str, str] = field(default_factory=dict)
    resume: bool = False
    partial: Callable[[Standing], None] | None = None
    parts: list[dict[str, Any]] = field(default_factory=list)
    _last: float = 0.0
    _took: float = 0.0
    _shown: float = field(default_factory=time.monotonic)
    _showing: float = 0.0

    def begin(self) -> Standing | None:
        """What was kept of this sweep. Raises UserError where the folder holds another one, or cannot be written."""
        manifest = self.folder / MANIFEST
        if not manifest.exists():
            if self.folder.is_dir() and any(self.folder.iterdir()):
                raise UserError(f"{self.folder}: is there already, and is no sweep that goes on: give another name")
            try:
                self.folder.mkdir(parents=False, exist_ok=True)
            except OSError as error:
                raise UserError(f"{self.folder}: cannot be made ({error.strerror})") from None
            self._write(Standing(0, Tally(), states_of(self.spec)), quiet=True)
            return None
        if not self.resume:
            raise UserError(f"{self.folder}: a sweep stands there; `resume` goes on with it, or remove it")
        found = self._read(manifest)
        if found.get("identity") != dict(self.identity):
            names = [name for name, value in self.identity.items() if found.get("identity", {}).get(name) != value]
            raise UserError(f"{self.folder}: another sweep stands there ({', '.join(names)} differs): it cannot go on")
        self.parts = found["parts"]
        for part in self.parts:
            self._check(part)
        states = states_of(self.spec)
        if found["state"]:
            data = self._check(found["state"])
            with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
                for number, state in enumerate(states):
                    own = f"{number}."
                    state.load({name.removeprefix(own): arrays[name] for name in arrays if name.startswith(own)})
        tally = found["tally"]
        return Standing(found["next"], Tally(tally["points"], tally["feasible"], *(
            Counter(tally[name]) for name in ("infeasible", "refused", "missing"))), states)  # fmt: skip

    def _read(self, manifest: Path) -> dict[str, Any]:
        try:
            with open(manifest, "rb") as file:
                data = file.read(MOST_MANIFEST + 1)
            found = json.loads(data)
            if len(data) > MOST_MANIFEST or not isinstance(found, dict) or found["format"] != 1:
                raise ValueError
            return found
        except (OSError, ValueError, KeyError):
            raise UserError(f"{manifest}: is no manifest of a sweep") from None

    def _check(self, named: Mapping[str, Any]) -> bytes:
        """The content of a file that the manifest names; raises UserError where it is another."""
        path = self.folder / Path(str(named["file"])).name
        try:
            data = path.read_bytes()
        except OSError as error:
            raise UserError(f"{path}: cannot be read ({error.strerror}); the sweep cannot go on") from None
        if digest(data) != named["sha256"]:
            raise UserError(f"{path}: its content is not what the manifest says; the sweep cannot go on")
        return data

    def rows(self, block: int, rows: Rows) -> None:
        if self.spec.rows and rows and len(next(iter(rows.values()))):
            data, name = written(rows, self.form, self.metadata), f"part-{block:07d}.{self.form}"
            put(self.folder / name, data)
            self.parts.append({"file": name, "sha256": digest(data), "rows": len(next(iter(rows.values())))})

    def keep(self, standing: Standing) -> None:
        now = time.monotonic()
        if now - self._last > max(EVERY, SHARE * self._took):
            self._write(standing)
            self._last, self._took = time.monotonic(), time.monotonic() - now

    def end(self, standing: Standing) -> None:
        self._write(standing)

    def _write(self, standing: Standing, quiet: bool = False) -> None:
        out = io.BytesIO()
        arrays: dict[str, Any] = {f"{number}.{name}": array for number, state in enumerate(standing.states)
                                  for name, array in state.arrays().items()}  # fmt: skip
        np.savez(out, **arrays)
        data, name = out.getvalue(), f"_state-{standing.next:09d}.npz"
        put(self.folder / name, data)
        tally = standing.tally
        manifest = {
            "format": 1, "identity": dict(self.identity), "next": standing.next,
            "state": {"file": name, "sha256": digest(data)}, "parts": self.parts,
            "tally": {"points": tally.points, "feasible": tally.feasible, "infeasible": tally.infeasible,
                      "refused": tally.refused, "missing": tally.missing},
        }  # fmt: skip
        put(self.folder / MANIFEST, json.dumps(manifest).encode())
        for older in self.folder.glob("_state-*.npz"):
            if older.name != name:
                with suppress(OSError):
                    older.unlink()
        if self.partial and not quiet and time.monotonic() - self._shown > max(SHOWN, SHARE * self._showing):
            began = time.monotonic()
            self.partial(standing)
            self._shown = time.monotonic()
            self._showing = self._shown - began

    def remove(self) -> None:
        """Take the folder away: the result stands elsewhere."""
        for path in [*self.folder.glob("_state-*.npz"), self.folder / MANIFEST, *self.folder.glob(".*.part")]:
            with suppress(OSError):
                path.unlink()
        with suppress(OSError):
            self.folder.rmdir()
