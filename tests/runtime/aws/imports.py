"""The modules that a deployed function loads. `python -m tests.runtime.aws.imports` writes the golden list anew."""

import json
from collections.abc import Mapping
from pathlib import Path

from contradance.runtime.aws import variable_names
from functions.choreography import food_delivery
from tests.forking import ROOT, bare, close_servers
from tests.runtime.aws.moto import deployed

GOLDEN = Path(__file__).with_name("imports.json")
_PROGRAM = "import sys; import {module}; print(*sys.modules)"


def deployed_functions() -> dict[str, dict[str, str]]:
    """Return the environment of each deployed function of the food system, by its name."""
    tables = json.dumps({table: table for table in food_delivery.tables})
    found = {}
    for name, function in food_delivery.functions.items():
        place = f"{function.handler.__module__}:{function.handler.__name__}"
        found[name] = deployed(**{variable_names.FUNCTION: place, variable_names.TABLES: tables})
    return found


def loaded(environ: Mapping[str, str], module: str = "contradance.runtime.aws.entry", path: Path = ROOT) -> set[str]:
    """Return the modules that an interpreter with Pydantic, and nothing of ours, has loaded when it has initialised a function."""
    where = {"PATH": "", "PYTHONPATH": f"{path}:{ROOT}", "HOME": "/nowhere", **environ}
    ended = bare.run("-c", _PROGRAM.format(module=module), cwd=ROOT, env=where)
    ended.check_returncode()
    return {*ended.stdout.split()}


def own(modules: set[str]) -> list[str]:
    """Return the modules that are ours: the machine's, the contracts' and the functions'."""
    return sorted(name for name in modules if name.partition(".")[0] in ("contradance", "food_contracts", "functions"))


def golden(found: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Return what every function loads, once, and what each loads besides."""
    every = sorted(set.intersection(*map(set, found.values())))
    return {"every function": every, **{name: sorted({*modules} - {*every}) for name, modules in found.items()}}


if __name__ == "__main__":
    lists = golden({name: own(loaded(environ)) for name, environ in deployed_functions().items()})
    GOLDEN.write_text(json.dumps(lists, indent=2) + "\n", encoding="utf-8")
    close_servers()
