"""The house rules a linter does not know."""

import ast
import importlib
import sys
import tomllib
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path
from types import ModuleType

import pytest

import patchflow

ROOT = Path(patchflow.__file__).parent
MODULES = sorted(ROOT.rglob("*.py"))
FOLDERS = [path for path in MODULES if path.name == "__init__.py"]
PLATFORM = {"fcntl", "os", "signal"}  # modules of Python that have more on some systems than on others
VAGUE = {"utils", "util", "helpers", "helper", "common", "misc"}

each_module = pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
each_folder = pytest.mark.parametrize("path", FOLDERS, ids=lambda path: str(path.relative_to(ROOT)))


@pytest.fixture
def house(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script that measures how the code reads."""
    monkeypatch.syspath_prepend(str(ROOT.parent / "benchmarks"))
    return importlib.import_module("house")


@each_module
def test_module_is_short(path: Path):
    assert len(path.read_text("utf-8").splitlines()) <= 400


@each_module
def test_module_says_in_one_line_what_it_is(path: Path):
    first_line = (ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "").split("\n")[0]

    assert first_line.endswith((".", ":"))
    assert len(first_line) >= 15


@each_module
def test_module_lists_what_it_exports_and_only_what_it_has(path: Path):
    tree = ast.parse(path.read_text("utf-8"))
    exported = [name for node in tree.body if _assigned(node) == ["__all__"] for name in _strings(node)]
    lists = sum(_assigned(node) == ["__all__"] for node in tree.body)
    bound = {name for node in tree.body for name in _bound(node)}

    assert lists == 1
    assert set(exported) <= bound or any(_name(node) == "__getattr__" for node in tree.body)
    assert len(exported) == len(set(exported))


@each_module
def test_function_is_no_longer_than_60_lines(path: Path):
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0].lineno if "cli" in path.parts else node.lineno  # a command's options are data
            assert (node.end_lineno or 0) - first < 60, node.name


@each_module
def test_function_takes_at_most_five_positional_arguments(path: Path):
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and "cli" not in path.parts:
            positional = [argument.arg for argument in (*node.args.posonlyargs, *node.args.args)]
            given = [name for name in positional if name not in ("self", "cls")]
            assert len(given) <= 5, f"{node.name}({', '.join(given)})"


@each_module
def test_no_object_is_asked_what_it_has(path: Path):
    calls = [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call)]
    asking = [node for node in calls if ast.unparse(node.func) == "hasattr"]

    assert [node.lineno for node in asking if ast.unparse(node.args[0]) not in PLATFORM] == []


@each_module
def test_module_is_called_after_what_it_holds(path: Path):
    assert not VAGUE & {part.strip("_") for part in path.relative_to(ROOT).with_suffix("").parts}


# These import their facade on first use: not all who come through them can wait for torch.
ON_FIRST_USE = {ROOT / "__init__.py", ROOT / "match" / "__init__.py"}


@each_folder
def test_folder_has_no_logic_of_its_own(path: Path):
    allowed = (ast.Import, ast.ImportFrom, ast.Expr, ast.Assign, ast.AnnAssign)
    for node in ast.parse(path.read_text("utf-8")).body:
        if path not in ON_FIRST_USE:
            assert isinstance(node, allowed) or ast.unparse(node).startswith("if TYPE_CHECKING:"), ast.unparse(node)
        assert not isinstance(node, ast.Expr) or isinstance(node.value, ast.Constant), ast.unparse(node)


def test_there_are_few_modules(house: ModuleType):
    assert house.measure(ROOT)["modules"] <= 301


def test_a_module_is_a_chapter(house: ModuleType):
    found = house.measure(ROOT)

    assert found["module median, lines"] >= 95
    assert found["file median, lines"] >= 95


def test_no_module_is_a_scrap(house: ModuleType):
    found = house.small_modules(house.read_sources(ROOT))

    # a command is an entry as well: one subcommand, one file
    commands = {
        source.path for source in found if source.path.parts[0] == "cli" and not source.path.name.startswith("_")
    }
    assert [f"{source.path}: {source.lines}" for source in found if source.path not in commands] == []


def test_hardly_any_comprehension_is_in_another(house: ModuleType):
    found = house.nested_comprehensions(house.read_sources(ROOT))

    assert len(found) <= 10, found


def test_hardly_any_comprehension_loops_twice(house: ModuleType):
    found = house.double_comprehensions(house.read_sources(ROOT))

    assert len(found) <= 10, found


def test_comments_tell_why_where_it_is_hard(house: ModuleType):
    assert house.measure(ROOT)["own-line comments, % of lines"] >= 0.8


def test_a_public_name_is_defined_once(house: ModuleType):
    assert house.repeated_names(house.without_listed(house.read_sources(ROOT))) == {}


def test_a_file_name_is_in_one_room(house: ModuleType):
    found = house.repeated_files(house.without_listed(house.read_sources(ROOT)))

    assert found == {}


def test_documents_are_no_wider_than_the_code(house: ModuleType):
    assert house.long_lines(house.documents_of(ROOT)) == []


def test_every_folder_is_a_package():
    assert {path.parent for path in MODULES} == {path.parent for path in FOLDERS}


@each_module
def test_only_declared_packages_are_imported(path: Path):
    imported = _imported(ast.parse(path.read_text("utf-8")))

    assert imported - set(sys.stdlib_module_names) - {"patchflow"} <= declared_packages()


@cache
def declared_packages() -> set[str]:
    project = tomllib.loads((ROOT.parent / "pyproject.toml").read_text("utf-8"))["project"]
    extras = [wanted for name, wanted in project["optional-dependencies"].items() if name != "dev"]
    declared = {requirement.split(">")[0] for wanted in (project["dependencies"], *extras) for requirement in wanted}
    return {package for package, owners in packages_distributions().items() if declared & set(owners)}


def _assigned(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.AnnAssign):
        return [ast.unparse(node.target)]
    return [ast.unparse(target) for target in node.targets] if isinstance(node, ast.Assign) else []


def _strings(node: ast.AST) -> list[str]:
    return [n.value for n in ast.walk(node) if isinstance(n, ast.Constant) and isinstance(n.value, str)]


def _name(node: ast.stmt) -> str:
    return node.name if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) else ""


def _bound(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.Import | ast.ImportFrom):
        return [alias.asname or alias.name for alias in node.names]
    return [_name(node), *_assigned(node)]


def _imported(tree: ast.AST) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.add((node.module or "").split(".")[0])
    return found
