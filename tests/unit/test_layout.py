"""The shape of the repository itself: what a change must not break by accident."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = {
    "gateway": ROOT / "gateway",
    "signing": ROOT / "signing",
    "adapters": ROOT / "adapters",
    "broker": ROOT / "queue" / "broker",
    "ops": ROOT / "ops",
}
MAX_LINES = 400
MAX_FUNCTION_LINES = 60

# Runs in a fresh interpreter. What a library does while it is imported is its own affair: going up from the
# event, whoever comes first decides, the import machinery or a module of ours.
IMPORT_QUIETLY = """
import importlib, sys
EVENTS = {"open", "os.mkdir", "os.remove", "os.rename", "os.fork", "os.exec", "os.posix_spawn",
          "subprocess.Popen", "socket.bind", "socket.connect", "sqlite3.connect"}
ours, names = tuple(sys.argv[1].split(":")), sys.argv[2:]
def hook(event, arguments):
    frame = sys._getframe(1) if event in EVENTS else None
    while frame is not None and "importlib" not in frame.f_code.co_filename:
        if frame.f_code.co_filename.startswith(ours):
            raise SystemExit(f"{frame.f_code.co_filename}:{frame.f_lineno} does {event} {arguments}")
        frame = frame.f_back
sys.addaudithook(hook)
for name in names:
    importlib.import_module(name)
"""


def python_files() -> list[Path]:
    return sorted(path for folder in (*PACKAGES.values(), ROOT / "tests") for path in folder.rglob("*.py"))


def modules() -> Iterator[str]:
    for package, folder in PACKAGES.items():
        for path in sorted(folder.rglob("*.py")):
            parts = [package, *path.relative_to(folder).with_suffix("").parts]
            # Migrations are loaded by Alembic alone, inside its own context.
            if "migrations" not in parts and parts[-1] != "__main__":
                yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def test_folder_queue_is_no_package() -> None:
    assert not (ROOT / "queue" / "__init__.py").exists(), "it would hide the standard library's queue"


def test_no_installed_distribution_uses_our_names() -> None:
    taken = packages_distributions()
    assert {name: taken[name] for name in PACKAGES if set(taken.get(name, ())) - {"lienthong"}} == {}


def test_importing_a_module_opens_reads_and_starts_nothing() -> None:
    path = f"{ROOT}:{ROOT / 'queue'}"
    ours = ":".join(str(folder) for folder in PACKAGES.values())
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_QUIETLY, ours, *modules()],
        env={"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", python_files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_file_and_its_functions_can_be_read_in_one_go(path: Path) -> None:
    text = path.read_text("utf-8")
    functions = [
        node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    assert len(text.splitlines()) < MAX_LINES
    assert [node.name for node in functions if _length(node) > MAX_FUNCTION_LINES] == []


def _length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return the lines of a function without its docstring, which may be as long as it must."""
    docstring = ast.get_docstring(node, clean=False) or ""
    return (node.end_lineno or node.lineno) - node.lineno + 1 - len(docstring.splitlines())


def test_only_the_publisher_publishes() -> None:
    publishing = [
        path.relative_to(ROOT).as_posix()
        for folder in PACKAGES.values()
        for path in folder.rglob("*.py")
        # The bench measures the broker bare.
        if ROOT / "ops" / "dev" not in path.parents
        and {"publish", "basic_publish"} & set(_called_methods(path))
    ]
    assert publishing == ["queue/broker/publisher.py"]


def _called_methods(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield node.func.attr


def test_no_registry_host_is_named() -> None:
    # Split here, so that this file does not name it either.
    host = "py" + "pi.org"
    files = [ROOT / "dev", ROOT / "requirements.lock", ROOT / "requirements-dev.lock", *python_files()]
    assert [path.name for path in files if host in path.read_text("utf-8")] == []
