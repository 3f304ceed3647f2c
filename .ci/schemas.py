"""Bring the schemas of JSON up to date with what the commands print: keys and types are taken from sample questions.

What a key means is written by hand in the files, and stays; a new key is given a declared quantity's meaning, else an
empty description, which the tests refuse until somebody writes one. `--record` notes the keys of the versions that
stand. Without names every schema is made anew.
"""

import contextlib
import io
import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "view"))

from schema_samples import OPAQUE, OPEN, SAMPLES, paths

from steptime.cli import main
from steptime.model import symbols
from steptime.model.quantity import count, declared
from steptime.model.text.schemas import DIALECT, VERSIONS, stamp
from steptime.model.units import unit_text

FOLDER = Path(__file__).parents[1] / "model" / "text" / "schemas"
RECORDED = Path(__file__).parents[1] / "tests" / "view" / "schema_keys.json"
Node = dict[str, Any]


def printed(arguments: list[str]) -> Any:
    """The JSON that a command prints."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), contextlib.suppress(SystemExit):
        main([*arguments, "--json"])
    return json.loads(out.getvalue() or sys.exit(f"{arguments}: {err.getvalue()}"))


def node_of(value: Any, key: str, parent: str = "") -> Node:
    """What one value is an example of."""
    if isinstance(value, dict):
        if {key, f"{parent}.{key}", f"{parent}.*"} & OPAQUE:
            return {"type": ["object"]}
        if {key, f"{parent}.{key}"} & OPEN:
            of: Node = {}
            for one in value.values():
                of = joined(of, node_of(one, "", key))
            return {"type": ["object"], "additionalProperties": of or True}
        properties = {name: node_of(one, name, key) for name, one in value.items()}
        return {"type": ["object"], "required": list(value), "properties": properties}
    if isinstance(value, list):
        of = {}
        for one in value:
            of = joined(of, node_of(one, f"{key}[]"))
        return {"type": ["array"], "items": of or True}
    kinds = {bool: "boolean", int | float: "number", str: "string", type(None): "null"}
    return {"type": [next(said for kind, said in kinds.items() if isinstance(value, kind))]}


def joined(one: Any, other: Any) -> Any:
    """What both are examples of."""
    if one in ({}, True) or other in ({}, True):
        return other if one in ({}, True) else one
    if {"boolean", "number", "string"} & {*one["type"], *other["type"]} and "object" in (*one["type"], *other["type"]):
        return {"type": sorted({*one["type"], *other["type"]})}
    found = {**other, **one, "type": sorted({*one["type"], *other["type"]})}
    if "properties" in one and "properties" in other:
        names = dict.fromkeys((*one["properties"], *other["properties"]))
        found["properties"] = {name: joined(one["properties"].get(name, {}), other["properties"].get(name, {}))
                               for name in names}  # fmt: skip
        found["required"] = [name for name in one["required"] if name in other["required"]]
    for part in ("items", "additionalProperties"):
        if part in one and part in other:
            found[part] = joined(one[part], other[part])
    return found


def described(node: Any, old: Any, key: str = "") -> Any:
    """The same with what was written of it by hand."""
    if not isinstance(node, dict):
        return node
    before = old if isinstance(old, dict) else {}
    said = before.get("description", quantity(key))
    made = {"type": node["type"][0] if len(node["type"]) == 1 else node["type"]}
    kept = {name: before[name] for name in before if name in KEPT}
    found = {**({"description": said} if key else {}), **kept, **made}
    if "properties" in node:
        found["required"] = node["required"]
        found["properties"] = {name: described(one, before.get("properties", {}).get(name), name)
                               for name, one in node["properties"].items()}  # fmt: skip
    for part in ("items", "additionalProperties"):
        if part in node:
            found[part] = described(node[part], before.get(part))
    return found


KEPT = ("anyOf", "enum")


def quantity(key: str) -> str:
    """The meaning and unit of a declared quantity, else nothing."""
    record = declared().get(key) if hasattr(symbols, key) else None
    if record is None:
        return ""
    return record.meaning + ("" if record.unit == count else f", in {unit_text(record.unit)}")


def written(name: str, version: int) -> Node:
    """The schema of a command as its samples have it."""
    file = FOLDER / f"{name}.json"
    old = json.loads(file.read_text("utf-8")) if file.exists() else {}
    node: Any = {}
    for arguments in SAMPLES[name]:
        node = joined(node, node_of(printed(arguments), f"{name}!"))
    found = described(node, old)
    found["properties"]["schema"] = {"description": "the schema that this object follows", "const": stamp(name)}
    return {"$schema": DIALECT, "title": old.get("title", ""), "description": old.get("description", ""),
            "version": version, **found}  # fmt: skip


if __name__ == "__main__":
    asked = [name for name in sys.argv[1:] if name in SAMPLES] or ([] if "--record" in sys.argv else list(SAMPLES))
    for name in asked:
        text = json.dumps(written(name, VERSIONS[name]), indent=1, ensure_ascii=False)
        (FOLDER / f"{name}.json").write_text(text + "\n", "utf-8")
        print(name)
    if "--record" in sys.argv:
        known = json.loads(RECORDED.read_text("utf-8")) if RECORDED.exists() else {}
        for name, version in VERSIONS.items():
            schema = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
            known.setdefault(name, {})[str(version)] = sorted(paths(schema))
        RECORDED.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n", "utf-8")
