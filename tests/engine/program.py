"""Run one Pulumi program, once, as the engine told `tests.engine.language`: `program.py INSTRUCTIONS`.

Run by path: the program must find its own modules, and none of the tests'.
"""

import asyncio
import json
import logging
import runpy
import sys
import traceback
from pathlib import Path

import pulumi
import pulumi.runtime

BAIL = 32
"""Exit code that says: the engine has already been told what is wrong."""


def main(instructions: Path) -> int:
    """Run the program that `instructions` names, and return the exit code."""
    told = json.loads(instructions.read_text())
    pulumi.runtime.set_all_config(told["config"], told["secret_keys"])
    pulumi.runtime.configure(
        pulumi.runtime.Settings(
            project=told["project"],
            stack=told["stack"],
            organization=told["organization"],
            monitor=told["monitor"],
            engine=told["engine"],
            parallel=told["parallel"],
            dry_run=told["preview"],
            root_directory=told["root"],
        )
    )
    program = Path(told["program"])
    sys.argv = [str(program)]
    del sys.path[0]  # this file's folder; runpy puts the program's there
    logging.getLogger("asyncio").setLevel(
        logging.CRITICAL
    )  # of what a failed program left undone, its error says enough
    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(pulumi.runtime.run_in_stack(lambda: _run(program)))
    except pulumi.RunError as error:
        pulumi.log.error(str(error))
        return BAIL
    except Exception:  # noqa: BLE001 - whatever a program raises is shown to whoever runs it
        pulumi.log.error("Program failed with an unhandled exception:\n" + traceback.format_exc())
        return BAIL
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        loop.close()
    return 0


def _run(program: Path) -> None:
    runpy.run_path(str(program), run_name="__main__")


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
