"""Imports point downwards: a module imports only from layers below its own."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import jwst_cal

ROOT = Path(jwst_cal.__file__).parent

#: From the top; packages of one line may not import each other, but for the exceptions below.
LAYERS = (
    ("__main__",),
    ("cli", "compat"),
    ("batch",),
    ("pipelines",),
    ("detector", "astrometry", "background", "response", "spectroscopy", "coadd", "photometry",
     "high_contrast"),
    ("simulate",),
    ("associations", "pointing"),
    ("framework",),
    ("models",),
    ("kernels", "registry", "modes", "flags", "errors", "clock", "_lazy", "_version", "__init__"),
)
LEVEL = {name: level for level, layer in enumerate(LAYERS) for name in layer}

#: (module, imported package): imports that are made inside a function, each for a reason.
ALLOWED = {
    # the embedded cache is asked for when the user has none
    ("framework.reference_store", "simulate"),
    # Step.from_cmdline does what the command does
    ("framework.step", "cli"),
    # an association file given to ModelContainer and ModelLibrary
    ("models", "associations"),
}


def _imports(path):
    """(top-level, package below jwst_cal, whole name) of each import of our own."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    top = set(map(id, tree.body))
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            if name.startswith("jwst_cal."):
                yield id(node) in top, name.split(".")[1], name


MODULES = sorted(path for path in ROOT.rglob("*.py"))


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_point_downwards(path):
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    package = module.partition(".")[0]
    for _, imported, name in _imports(path):
        if imported == package or imported not in LEVEL:
            continue
        if LEVEL[imported] > LEVEL.get(package, 0):
            continue
        if any(module.startswith(of) and imported == what for of, what in ALLOWED):
            continue
        both_low = LEVEL[imported] == LEVEL.get(package, 0) == len(LAYERS) - 1
        domains = LEVEL[imported] == LEVEL.get(package, 0) == LEVEL["detector"]
        private = domains and name.split(".")[2].startswith("_")
        assert both_low or private, f"{module} imports {name}"


@pytest.mark.parametrize("path", sorted((ROOT / "detector").glob("[a-z]*.py")),
                         ids=lambda p: p.name)
def test_steps_do_not_import_steps(path):
    from jwst_cal import registry

    steps = {row.module for row in registry.ROWS if not row.is_pipeline}
    for _, _, name in _imports(path):
        assert name.removeprefix("jwst_cal.") not in steps


def _loaded(code):
    watched = ("numpy", "astropy", "asdf", "stdatamodels", "crds", "scipy", "rich", "yaml")
    code += f"; import sys; print(*[name for name in {watched!r} if name in sys.modules])"
    out = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True,
                         check=True,
                         cwd=ROOT.parent)
    return set(out.stdout.split())


def test_importing_the_framework_loads_no_library():
    assert _loaded("import jwst_cal.framework") == set()


def test_importing_the_pipelines_loads_no_library():
    assert _loaded("import jwst_cal.pipelines") == set()


@pytest.mark.parametrize("alias", ["calwebb_detector1", "jump"])
def test_loading_a_class_is_light(alias):
    found = _loaded(f"from jwst_cal import registry; registry.load({alias!r})")
    assert not found & {"astropy", "asdf", "stdatamodels", "crds", "scipy"}
