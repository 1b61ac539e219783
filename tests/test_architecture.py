"""The rules of the house (docs/adr, CONTRIBUTING.md), proven on the source itself: nothing is imported or run.

A rule is a function: a tree of sources (path → text) → offences, each a sentence. Every rule is tried on a small
offending tree too, so that none can fall asleep. `python tests/test_architecture.py` prints the medians.
"""

from __future__ import annotations

import ast
import re
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).parent.parent
Tree = Mapping[str, str]

# A package may reach these packages and no others, by whatever way round.
LAYERS = {
    "keys": {"keys"},
    "walletpass": {"walletpass", "keys"},
    "web": {"web", "walletpass", "keys"},
    "issuers": {"issuers", "web", "walletpass", "keys"},
    "verifiers": {"verifiers", "web", "walletpass", "keys"},
}
PURE = ("keys", "walletpass")
THIRD_PARTY = {"keys": {"cryptography", "jwt", "passlib"}, "walletpass": {"cryptography"}}
COMMAND_LINE = {"typer", "rich"}  # only in the pure packages' cli.py
CLOCKS = {
    "time": {"time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "localtime", "gmtime"},
    "datetime": {"now", "utcnow", "today"},
    "date": {"today"},
}
FORBIDDEN_NAMES = {"utils", "helpers", "misc", "common", "base", "manager", "handler", "processor", "data", "info"}
MAX_FILE, MAX_FUNCTION, MAX_PASS_TYPE = 400, 60, 60  # lines
# Written in pieces, so that this file does not offend itself.
PRIVATE_KEY = re.compile("-----BEGIN [A-Z ]*" + r"PRIVATE KEY-----\s+[A-Za-z0-9+/=\s]{40}")
MACHINE_PATH = re.compile(r"(?<![\w.:/-])/(work|root|home/[a-z]\w*)" + "/")
REGISTRIES = ("pypi" + ".org", "python" + "hosted.org", "npm" + "js.org", "crates" + ".io", "deb.debian" + ".org")


# What the rules look at


def house() -> Tree:
    """Every text file of the repository, new ones included, by path."""
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    paths = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
    tree = {}
    for path in filter(None, paths):
        raw = (ROOT / path).read_bytes() if (ROOT / path).is_file() else b"\0"
        if b"\0" not in raw:
            tree[path] = raw.decode(errors="replace")  # sample lists are in the encodings of their departments
    return tree


@cache
def parsed(source: str) -> ast.Module:
    return ast.parse(source)


def python_files(tree: Tree, *packages: str) -> Iterator[tuple[str, ast.Module]]:
    """The Python files below the named folders (all when none is named), parsed."""
    for path, source in tree.items():
        if path.endswith(".py") and (not packages or path.split("/")[0] in packages):
            yield path, parsed(source)


def module_name(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def imported(path: str, module: ast.Module) -> set[str]:
    """Absolute dotted names that a file imports anywhere; `from a import b` gives both `a` and `a.b`."""
    package = module_name(path).split(".") if path.endswith("__init__.py") else module_name(path).split(".")[:-1]
    names: set[str] = set()
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            origin = ".".join([*above, *([node.module] if node.module else [])])
            names.update({origin}, (f"{origin}.{alias.name}" for alias in node.names))
    return names


def is_register(path: str, module: ast.Module) -> bool:
    """A folder register: a package that loads whatever modules lie in it."""
    return path.endswith("/__init__.py") and any(
        isinstance(node, ast.Name) and node.id == "__path__" for node in ast.walk(module)
    )


def import_graph(tree: Tree) -> dict[str, set[str]]:
    """Module → modules of this repository that its import runs: parents and all a register would load included."""
    files = {module_name(path): (path, module) for path, module in python_files(tree, *LAYERS)}
    graph: dict[str, set[str]] = {}
    for name, (path, module) in files.items():
        reached = imported(path, module)
        if is_register(path, module):
            reached |= {other for other in files if other.startswith(f"{name}.")}
        parents = {name.rsplit(".", depth)[0] for name in reached | {name} for depth in range(1, name.count(".") + 1)}
        graph[name] = {target for target in reached | parents if target in files}
    return graph


def reachable(graph: Mapping[str, set[str]], start: str, around: str = "\0") -> dict[str, str]:
    """Every module reached from `start` without passing `around`, with the way there in words."""
    ways, waiting = {start: start}, [start]
    while waiting:
        here = waiting.pop()
        for target in graph[here]:
            if target not in ways and not within(target, around):
                ways[target] = f"{ways[here]} → {target}"
                waiting.append(target)
    return ways


def within(module: str, package: str) -> bool:
    return module == package or module.startswith(package + ".")


def functions(module: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(module) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (function.end_lineno or function.lineno) - function.lineno + 1


# The rules


def packages_import_only_downwards(tree: Tree) -> list[str]:
    graph = import_graph(tree)
    return [
        way
        for start in graph
        for target, way in reachable(graph, start).items()
        if target.split(".")[0] not in LAYERS[start.split(".")[0]]
    ]


def verifiers_reach_signing_keys_only_through_openid4vp(tree: Tree) -> list[str]:
    graph = import_graph(tree)
    starts = [name for name in graph if within(name, "verifiers") and not within(name, "verifiers.openid4vp")]
    ways = [reachable(graph, start, around="verifiers.openid4vp") for start in starts]
    return [way for found in ways for target, way in found.items() if within(target, "keys.signers")]


def pure_packages_import_no_framework_database_or_client(tree: Tree) -> list[str]:
    offences = []
    for path, module in python_files(tree, *PURE):
        package = path.split("/")[0]
        allowed = sys.stdlib_module_names | LAYERS.keys() | THIRD_PARTY[package] | {"__future__"}
        if path == f"{package}/cli.py":
            allowed = allowed | COMMAND_LINE
        tops = {name.split(".")[0] for name in imported(path, module)}
        io = {"socket", "ssl", "sqlite3", "asyncio", "http", "urllib", "smtplib"} & tops
        offences += [f"{path} imports {top}" for top in sorted((tops - allowed) | io)]
    return offences


def pure_packages_read_no_clock(tree: Tree) -> list[str]:
    offences = []
    for path, module in python_files(tree, *PURE):
        if path in ("keys/cli.py", "walletpass/cli.py"):
            continue  # a command begins here, so `now` begins here
        aliases = {name: name for name in CLOCKS}
        for node in ast.walk(module):
            if isinstance(node, ast.ImportFrom | ast.Import):
                aliases |= {alias.asname: alias.name for alias in node.names if alias.asname and alias.name in CLOCKS}
                taken = {alias.name for alias in node.names} if isinstance(node, ast.ImportFrom) else set()
                if isinstance(node, ast.ImportFrom) and node.module == "time" and taken & CLOCKS["time"]:
                    offences.append(f"{path}:{node.lineno} imports a clock")
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name | ast.Attribute):
                owner = node.value.id if isinstance(node.value, ast.Name) else node.value.attr
                if node.attr in CLOCKS.get(aliases.get(owner, ""), ()):
                    offences.append(f"{path}:{node.lineno} reads {owner}.{node.attr}")
    return offences


def imports_stand_at_the_top(tree: Tree) -> list[str]:
    offences = []
    for path, module in python_files(tree, *LAYERS):
        for function in functions(module):
            for node in ast.walk(function):
                if isinstance(node, ast.Import | ast.ImportFrom):
                    offences.append(f"{path}:{node.lineno} imports inside {function.name}")
                word = getattr(node, "attr", getattr(node, "id", ""))
                if word in ("import_module", "__import__") and not is_register(path, module):
                    offences.append(f"{path}:{node.lineno} loads a module by name and is no folder register")
    return offences


def names_say_what_a_thing_is(tree: Tree) -> list[str]:
    offences = []
    for path, module in python_files(tree):
        words = {word for part in PurePosixPath(path).with_suffix("").parts for word in part.split("_")}
        named = [(path, words)]
        for node in ast.walk(module):
            if isinstance(node, ast.ClassDef):
                named.append((node.name, {word.lower() for word in re.findall("[A-Z][a-z]*", node.name)}))
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                named.append((node.name, {node.name.strip("_")}))
        offences += [f"{path}: {name}" for name, words in named if words & FORBIDDEN_NAMES]
    scripts = (path for path in tree if path.endswith((".js", ".mjs")))
    return offences + [path for path in scripts if FORBIDDEN_NAMES & set(re.split(r"[/_.-]", path))]


def files_and_functions_are_short(tree: Tree) -> list[str]:
    offences = []
    for path, source in tree.items():
        limit = MAX_PASS_TYPE if re.fullmatch(r"walletpass/pass_types/\w+\.py", path) else MAX_FILE
        lines = source.count("\n")
        if (
            path.endswith((".py", ".js", ".mjs", ".css", ".html", ".typ"))
            and "/migrations/" not in path
            and lines > limit
        ):
            offences.append(f"{path} has {lines} lines; at most {limit}")
    for path, module in python_files(tree):
        if "/migrations/" not in path:
            long = [function for function in functions(module) if length(function) > MAX_FUNCTION]
            offences += [f"{path}: {function.name} has {length(function)} lines" for function in long]
    return offences


def modules_say_what_they_are_for(tree: Tree) -> list[str]:
    return [path for path, module in python_files(tree) if module.body and not ast.get_docstring(module)]


def no_file_holds_a_private_key_or_names_a_machine(tree: Tree) -> list[str]:
    offences = [f"{path} holds a private key" for path, text in tree.items() if PRIVATE_KEY.search(text)]
    offences += [f"{path} names {m[0]}" for path, text in tree.items() for m in MACHINE_PATH.finditer(text)]
    return offences + [f"{path} names {host}" for path, text in tree.items() for host in REGISTRIES if host in text]


def the_lock_covers_the_project(tree: Tree) -> list[str]:
    wanted = re.findall(r'^    "([\w.-]+)(?:\[[\w,]+\])?[<>=]', tree["pyproject.toml"], re.MULTILINE)
    locked = set(re.findall(r"^([\w.-]+)(?:\[[\w,]+\])?==", tree["requirements.lock"], re.MULTILINE))
    missing = [f"{name} is not in requirements.lock: run `make lock`" for name in wanted if name not in locked]
    unhashed = re.findall(r"^(\S+==\S+)[^\\\n]*$", tree["requirements.lock"], re.MULTILINE)
    return missing + [f"{line} has no hash" for line in unhashed]


RULES: tuple[Callable[[Tree], list[str]], ...] = (
    packages_import_only_downwards,
    verifiers_reach_signing_keys_only_through_openid4vp,
    pure_packages_import_no_framework_database_or_client,
    pure_packages_read_no_clock,
    imports_stand_at_the_top,
    names_say_what_a_thing_is,
    files_and_functions_are_short,
    modules_say_what_they_are_for,
    no_file_holds_a_private_key_or_names_a_machine,
    the_lock_covers_the_project,
)


@pytest.fixture(scope="module")
def tree() -> Tree:
    return house()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_house_keeps(rule: Callable[[Tree], list[str]], tree: Tree) -> None:
    offences = rule(tree)
    assert not offences, "\n".join(offences)


_REGISTER = """import importlib, pkgutil
def load():
    return [importlib.import_module(found.name) for found in pkgutil.iter_modules(__path__)]
"""
_LONG = "def long():\n" + "    pass\n" * 60
_MANIFEST = 'dependencies = [\n    "fastapi>=0.1",\n    "psycopg[binary,pool]>=3",\n]\n'

OFFENDING: list[tuple[Callable[[Tree], list[str]], dict[str, str]]] = [
    (packages_import_only_downwards, {"issuers/a.py": "import verifiers.b", "verifiers/b.py": ""}),
    (packages_import_only_downwards, {"verifiers/a.py": "from issuers import b", "issuers/b.py": ""}),
    (packages_import_only_downwards, {"web/a.py": "from issuers.b import c", "issuers/b.py": "c = 1"}),
    (packages_import_only_downwards, {"keys/a.py": "from walletpass.b import c", "walletpass/b.py": "c = 1"}),
    (
        packages_import_only_downwards,
        {"keys/__init__.py": "import web", "web/__init__.py": "", "keys/a.py": "", "walletpass/b.py": "import keys.a"},
    ),
    (
        packages_import_only_downwards,
        {
            "web/a.py": "import web.f",
            "web/f/__init__.py": _REGISTER,
            "web/f/x.py": "import issuers",
            "issuers/__init__.py": "",
        },
    ),
    (
        verifiers_reach_signing_keys_only_through_openid4vp,
        {
            "verifiers/a.py": "from keys import ring",
            "keys/ring.py": "import keys.signers",
            "keys/signers/__init__.py": "",
        },
    ),
    (
        verifiers_reach_signing_keys_only_through_openid4vp,
        {
            "verifiers/a.py": "import verifiers.openid4vp.x\nimport keys.signers.file",
            "verifiers/openid4vp/x.py": "import keys.signers.file",
            "keys/signers/file.py": "",
        },
    ),
    (pure_packages_import_no_framework_database_or_client, {"walletpass/a.py": "import sqlalchemy"}),
    (pure_packages_import_no_framework_database_or_client, {"keys/a.py": "from fastapi import FastAPI"}),
    (pure_packages_import_no_framework_database_or_client, {"keys/a.py": "def f():\n    import httpx2"}),
    (pure_packages_import_no_framework_database_or_client, {"walletpass/formats/cli.py": "import typer"}),
    (pure_packages_import_no_framework_database_or_client, {"keys/a.py": "from urllib.request import urlopen"}),
    (pure_packages_read_no_clock, {"walletpass/a.py": "import time\nx = time.time()"}),
    (pure_packages_read_no_clock, {"walletpass/a.py": "from time import monotonic"}),
    (pure_packages_read_no_clock, {"keys/a.py": "from datetime import datetime as dt\ndt.now()"}),
    (pure_packages_read_no_clock, {"keys/a.py": "import datetime\nx = datetime.datetime.utcnow()"}),
    (pure_packages_read_no_clock, {"keys/signers/cli.py": "from datetime import date\nclock = date.today"}),
    (imports_stand_at_the_top, {"web/a.py": "def f():\n    import json"}),
    (imports_stand_at_the_top, {"web/a.py": "import importlib\ndef f():\n    importlib.import_module('issuers')"}),
    (names_say_what_a_thing_is, {"web/utils.py": ""}),
    (names_say_what_a_thing_is, {"tests/common/test_a.py": ""}),
    (names_say_what_a_thing_is, {"keys/a.py": "class KeyManager:\n    pass"}),
    (names_say_what_a_thing_is, {"verifiers/inspector/src/key_utils.js": ""}),
    (names_say_what_a_thing_is, {"keys/a.py": "def info():\n    pass"}),
    (files_and_functions_are_short, {"web/a.py": "\n" * 401}),
    (files_and_functions_are_short, {"web/a.py": _LONG}),
    (files_and_functions_are_short, {"verifiers/inspector/src/a.js": "\n" * 401}),
    (files_and_functions_are_short, {"tests/inspector/a.mjs": "\n" * 401}),
    (files_and_functions_are_short, {"walletpass/pass_types/a.py": "\n" * 61}),
    (modules_say_what_they_are_for, {"web/a.py": "x = 1"}),
    (no_file_holds_a_private_key_or_names_a_machine, {"a.pem": "-----BEGIN EC " + "PRIVATE KEY-----\n" + "MHcC" * 12}),
    (no_file_holds_a_private_key_or_names_a_machine, {"README.md": "see /" + "work/x"}),
    (no_file_holds_a_private_key_or_names_a_machine, {"a.py": "x = '/home" + "/someone/x'"}),
    (no_file_holds_a_private_key_or_names_a_machine, {"requirements.lock": "--index-url https://pypi" + ".org/simple"}),
    (
        the_lock_covers_the_project,
        {"pyproject.toml": _MANIFEST, "requirements.lock": "fastapi==0.2 \\\n    --hash=x\n"},
    ),
    (the_lock_covers_the_project, {"pyproject.toml": "", "requirements.lock": "fastapi==0.2\n"}),
]


@pytest.mark.parametrize(("rule", "offending"), OFFENDING, ids=lambda part: getattr(part, "__name__", "tree"))
def test_a_rule_sees_an_offence(rule: Callable[[Tree], list[str]], offending: Tree) -> None:
    assert rule(offending)


def test_every_rule_is_tried_on_an_offence() -> None:
    assert {rule for rule, _ in OFFENDING} == set(RULES)


def test_what_is_allowed_offends_no_rule() -> None:
    good = {
        "keys/__init__.py": '"""Keys."""',
        "keys/signers/file.py": '"""Files."""',
        "keys/cli.py": '"""Commands."""\nimport typer\nfrom datetime import datetime\nnow = datetime.now()',
        "web/f/__init__.py": f'"""A register."""\n{_REGISTER}',
        "verifiers/openid4vp/x.py": '"""Asks a wallet."""\nfrom keys.signers import file',
        "verifiers/a.py": '"""A."""\nimport verifiers.openid4vp.x',
        "README.md": "https://example.org/{}/x and /api/v1".format("work"),  # an address, no path of a machine
        "pyproject.toml": _MANIFEST,
        "requirements.lock": "fastapi==0.2 \\\n    --hash=x\npsycopg[binary]==3.3 ; x \\\n    --hash=y\n",
    }
    assert {rule.__name__: rule(good) for rule in RULES} == {rule.__name__: [] for rule in RULES}


def _figures() -> str:
    tree = house()
    files = [tree[path].count("\n") for path, module in python_files(tree, *LAYERS) if module.body]
    lengths = [length(function) for _, module in python_files(tree, *LAYERS) for function in functions(module)]
    return f"median file {statistics.median(files):.0f} lines, median function {statistics.median(lengths):.0f} lines"


if __name__ == "__main__":
    sys.stdout.write(_figures() + "\n")
