"""Run a project's `__main__.py` as Pulumi's Python host does, against mocks; print what it registered as JSON."""

import asyncio
import json
import runpy
import sys
from pathlib import Path

import pulumi
from pulumi.runtime.settings import set_root_resource
from pulumi.runtime.stack import run_in_stack

from tests.infra.mocks import Monitor, Recorder, loops

KEY = "food-delivery:secrets"


async def host(path: Path, recorder: Recorder) -> None:
    """Run the program at `path` inside a stack of its own."""
    pulumi.runtime.set_mocks(recorder, project="food-delivery", stack="dev", monitor=Monitor(recorder))
    set_root_resource(None)  # type: ignore[arg-type]  # the host makes the stack, as it does without mocks

    def program() -> None:
        runpy.run_path(str(path), run_name="__main__")

    await run_in_stack(program)


def main(path: Path) -> None:
    """Print type, name and inputs of every resource, archives by the name of their zip."""
    recorder = Recorder()
    pulumi.runtime.set_all_config({KEY: '{"gateway_key": "a key that opens nothing"}'}, [KEY])
    with loops() as executor, asyncio.Runner() as runner:
        runner.get_loop().set_default_executor(executor)
        runner.run(host(path, recorder))
    registered = {f"{each.type} {each.name}": each.inputs for each in recorder.resources if each.custom}
    print(json.dumps(registered))  # noqa: T201 - read by the test


if __name__ == "__main__":
    main(Path(sys.argv[1]))
