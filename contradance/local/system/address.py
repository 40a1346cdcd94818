"""The port of a laptop, remembered in its folder: commands find it there."""

from pathlib import Path
from typing import Final

from pydantic import BaseModel, ValidationError

from contradance.local.names import DEFAULT_PORT, HOST

_FILE: Final = "address.json"


class LaptopAddress(BaseModel):
    """Where a laptop is, or was, served."""

    port: int
    asked: int
    """The port that `contradance run` was given; 0 takes a free one."""


def write_address(state: Path, address: LaptopAddress) -> None:
    """Write the address into the folder of a laptop."""
    (state / _FILE).write_text(address.model_dump_json(), encoding="utf-8")


def read_address(state: Path) -> LaptopAddress | None:
    """Return the address in a folder; None where no laptop has run on it, or the file is not valid."""
    try:
        return LaptopAddress.model_validate_json((state / _FILE).read_bytes())
    except (OSError, ValidationError):
        return None


def url_of(state: Path, port: int | None) -> str:
    """Return a laptop's URL: with `port`, else with the port in its folder, else with the default port."""
    found = None if port is not None else read_address(state)
    return f"http://{HOST}:{found.port if found else DEFAULT_PORT if port is None else port}"


def port_to_run(state: Path, port: int | None) -> int:
    """Return the port to serve on: `port`, else the one that the last run was given (0: any), else the default."""
    found = None if port is not None else read_address(state)
    return found.asked if found else DEFAULT_PORT if port is None else port
