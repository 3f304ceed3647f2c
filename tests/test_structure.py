"""How the code is built, held by a scan of its syntax: text is read behind one door, kinds of models are told apart in
one place, messages speak the words of the Python interface, files are of a size that one reads."""

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from steptime.model import symbols

ROOT = Path(__file__).parents[1]
MODULES = {
    str(path.relative_to(ROOT)): ast.parse(path.read_text("utf-8"))
    for room in ("model", "derivations")
    for path in sorted((ROOT / room).rglob("*.py"))
}
DOOR = ("model/parse.py", "model/step/words.py", "model/step/solver_words.py", "model/catalog/", "model/text/",
        "model/view/", "model/api/")  # fmt: skip
"""Where what a user writes, and what users read, is text."""

WORDS_READ = {"derivations/board.py": ("steptime.model.step.words",)}
"""The blackboard's scenarios are written in words, as a reader would ask for them."""

ASKED = {*vars(symbols), "layout", "chips", "output", "zero"}
"""Arguments of a question that are numbers or layouts."""

OTHER_SIZES = {
    "derivations/collectives/formulas.py": "names of a chapter's results, imported by others without its proofs",
    "derivations/fleet/symbols.py": "what few quantities the model has not of a chapter",
    "derivations/reversible/symbols.py": "quantities of one chapter",
    "derivations/waiting/symbols.py": "quantities of one chapter",
    "model/architecture/quantities.py": "the other kind of model: one small class",
    "model/network/experts.py": "two formulas",
    "model/phases/rates.py": "rates that follow from a phase: a few formulas",
    "model/phases/shards.py": "one definition that two ledgers share",
    "model/view/explain.py": "one command",
}


def inside(name: str, rooms: tuple[str, ...]) -> bool:
    return name.startswith(rooms)


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def names_in(annotation: ast.AST) -> set[str]:
    """Names of the parts of a union; what stands inside brackets is another type's."""
    if isinstance(annotation, ast.BinOp) and isinstance(annotation.op, ast.BitOr):
        return names_in(annotation.left) | names_in(annotation.right)
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        return names_in(ast.parse(annotation.value, mode="eval").body)
    return {annotation.id} if isinstance(annotation, ast.Name) else set()


def text_or_number(tree: ast.AST) -> list[str]:
    """Parameters that may be a text or a number."""
    found = []
    for function in functions(tree):
        given = function.args
        for one in (*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg):
            if one is not None and one.annotation is not None:
                kinds = names_in(one.annotation)
                if "str" in kinds and kinds & {"float", "int", "Number", "Real"}:
                    found.append(f"{function.name}({one.arg})")
    return found


def imported(tree: ast.AST) -> set[str]:
    """Modules that a module imports, anywhere in it."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def kinds_told_apart(tree: ast.AST) -> list[int]:
    """Lines that ask which of the two kinds of model something is."""
    found = []
    for node in ast.walk(tree):
        names = {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}
        asks = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "isinstance"
        compares = isinstance(node, ast.Compare | ast.Subscript | ast.Match) and "type" in names
        if (asks or compares or isinstance(node, ast.Match)) and names & {"Transformer", "AbstractModel"}:
            found.append(node.lineno)
    return found


def written_to_be_read(tree: ast.AST) -> list[str]:
    """Arguments of a question that are made into text, or whole numbers that stand as text."""
    found = []
    for node in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        for keyword in (keyword for keyword in node.keywords if keyword.arg in ASKED):
            value = keyword.value
            called = isinstance(value, ast.Call) and ast.unparse(value.func) == "str"
            made = isinstance(value, ast.JoinedStr) or called
            typed = isinstance(value, ast.Constant) and isinstance(value.value, str) and value.value[:1].isdigit()
            if made or typed:
                found.append(f"{keyword.arg}={ast.unparse(value)}")
    return found


def said(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Texts of the UserErrors that a module makes, the fixed parts of formatted ones too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            function = node.func
            name = getattr(function, "id", getattr(function, "attr", ""))
            if name in ("UserError", "error", "unknown"):
                for part in (part for given in (*node.args, *node.keywords) for part in ast.walk(given)):
                    if isinstance(part, ast.Constant) and isinstance(part.value, str):
                        yield part.lineno, part.value


@pytest.mark.parametrize("name", [name for name in MODULES if not inside(name, DOOR)])
def test_numbers_are_numbers_behind_the_door(name: str) -> None:
    assert text_or_number(MODULES[name]) == []
    readers = {"steptime.model.parse", "steptime.model.step.words"} - set(WORDS_READ.get(name, ()))
    assert not readers & imported(MODULES[name])


@pytest.mark.parametrize("name", MODULES)
def test_no_number_becomes_text_to_be_read_again(name: str) -> None:
    assert written_to_be_read(MODULES[name]) == []


@pytest.mark.parametrize("name", [name for name in MODULES if name != "model/phases/accounts.py"])
def test_kinds_of_models_are_told_apart_in_one_place(name: str) -> None:
    assert kinds_told_apart(MODULES[name]) == []


@pytest.mark.parametrize("name", MODULES)
def test_messages_name_arguments_not_options(name: str) -> None:
    """A name in backticks becomes an option on the command line; an option would mean nothing in a notebook."""
    if not name.startswith("model/view/"):
        assert [(line, text) for line, text in said(MODULES[name]) if "--" in text] == []


@pytest.mark.parametrize("name", [name for name in MODULES if not name.endswith("__init__.py")])
def test_a_file_is_read_at_one_sitting(name: str) -> None:
    lines = len((ROOT / name).read_text("utf-8").splitlines())
    assert (20 <= lines <= 250) != (name in OTHER_SIZES), f"{lines} lines"


@pytest.mark.parametrize("path", sorted(path for path in (ROOT / "tests").rglob("*.py")), ids=lambda path: path.name)
def test_tests_are_read_at_one_sitting(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= 250


def test_the_scans_see() -> None:
    """Each finds what it looks for."""
    door = "def read(value: float | str, other: 'int | str | None' = None, fine: dict[str, float] | None = None): ..."
    assert text_or_number(ast.parse(door)) == ["read(value)", "read(other)"]
    round_trip = ast.parse('of(context=str(n), batch="64", layout=f"dp={n}", kv="fp8", chunk=512, prompt="4k")')
    assert written_to_be_read(round_trip) == ["context=str(n)", "batch='64'", "layout=f'dp={n}'", "prompt='4k'"]
    asking = ast.parse("isinstance(model, Transformer)\ntype(model) is AbstractModel\n{Transformer: 1}[type(model)]")
    assert kinds_told_apart(asking) == [1, 2, 3]
    assert kinds_told_apart(ast.parse("def of(model: Transformer) -> AbstractModel: ...")) == []
    assert imported(ast.parse("from steptime.model import parse\nimport numpy")) >= {"steptime.model.parse", "numpy"}
    raised = ast.parse('raise UserError(f"{a} --batch" if b else "use --kv")\nraise place.error("--set")')
    assert {text for _, text in said(raised) if "--" in text} == {" --batch", "use --kv", "--set"}


def test_every_room_is_packaged() -> None:
    """A room that pyproject.toml does not list is there in a checkout, and missing in a wheel."""
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]["packages"]
    found = (path for part in ("model", "derivations") for path in (ROOT / part).rglob("__init__.py"))
    rooms = [path.parent.relative_to(ROOT) for path in found]
    assert sorted(listed) == sorted(["steptime", *(".".join(["steptime", *room.parts]) for room in rooms)])
