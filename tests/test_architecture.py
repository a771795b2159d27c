"""Rules of the house, kept by machine."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = sorted((ROOT / "qddft").rglob("*.py"))
LONGEST = 350
LONGEST_TEST = 450
HEAVY = ("matplotlib", "pymatgen", "rdkit", "ase", "tblite", "pandas", "scipy", "spglib", "gpaw", "h5py", "lxml")
REFUSED_WORDS = ("TO" + "DO", "FIX" + "ME", "raise Not" + "ImplementedError", "pragma: no " + "cover")


def short(path):
    return str(path.relative_to(ROOT))


def tree(path):
    return ast.parse(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", SOURCES, ids=short)
def test_files_stay_short(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST


@pytest.mark.parametrize("path", sorted((ROOT / "tests").rglob("*.py")), ids=short)
def test_test_files_stay_readable(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST_TEST


@pytest.mark.parametrize("path", SOURCES, ids=short)
def test_only_the_program_prints(path):
    calls = [node for node in ast.walk(tree(path)) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    printing = [call.lineno for call in calls if call.func.id == "print"]
    assert not printing or "cli" in path.relative_to(ROOT).parts


@pytest.mark.parametrize("path", SOURCES, ids=short)
def test_everything_public_is_described(path):
    module = tree(path)
    assert ast.get_docstring(module), "the module has no docstring"
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    nodes = [(node.name, node) for node in module.body if isinstance(node, kinds)]
    nodes += [
        (f"{owner}.{node.name}", node)
        for owner, cls in nodes
        if isinstance(cls, ast.ClassDef) and not owner.startswith("_")
        for node in cls.body
        if isinstance(node, kinds)
    ]
    bare = [
        name for name, node in nodes if not name.split(".")[-1].startswith("_") and not ast.get_docstring(node)
    ]  # fmt: skip
    assert bare == []


@pytest.mark.parametrize("path", SOURCES, ids=short)
def test_nothing_is_left_for_later(path):
    text = path.read_text(encoding="utf-8")
    assert [word for word in REFUSED_WORDS if word in text] == []


@pytest.mark.parametrize("path", SOURCES, ids=short)
def test_no_exception_is_swallowed(path):
    handlers = [node for node in ast.walk(tree(path)) if isinstance(node, ast.ExceptHandler)]
    silent = [
        node.lineno
        for node in handlers
        if all(isinstance(item, ast.Pass) for item in node.body)
        and (node.type is None or (isinstance(node.type, ast.Name) and node.type.id in ("Exception", "BaseException")))
    ]
    assert silent == []


def test_test_files_have_unique_names():
    names = [path.name for path in (ROOT / "tests").rglob("test_*.py")]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    "statement",
    [
        "import qddft",
        "from qddft.cli.main import main; main(['--help'])",
        "from qddft.cli.main import main; main(['ligands'])",
        "from qddft.cli.main import main; main(['ligands', '--json'])",
        "from qddft.cli.main import main; main(['run', '--help'])",
    ],
)
def test_loads_nothing_heavy(statement):
    program = f"{statement}\nimport sys, json\nprint(json.dumps(sorted(sys.modules)), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in json.loads(done.stderr.splitlines()[-1])}
    assert loaded & set(HEAVY) == set()


def test_import_loads_no_numpy():
    program = "import qddft, sys; print('numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_public_names_are_there():
    import qddft

    missing = []
    for name in qddft.__all__:
        try:
            getattr(qddft, name)
        except (ImportError, AttributeError) as error:
            missing.append(f"{name}: {error}")
    assert missing == []


def test_unknown_public_name():
    import qddft

    with pytest.raises(AttributeError, match="no attribute 'bild_slab'"):
        qddft.bild_slab  # noqa: B018
