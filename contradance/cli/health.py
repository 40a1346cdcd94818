"""`contradance doctor`."""

from pathlib import Path

import typer
from rich.text import Text

from contradance.cli.command import AsJson, print_json, reporting
from contradance.cli.target import Target, of_a_system
from contradance.cli.theme import out


@reporting
@of_a_system
def doctor(target: Target, *, as_json: AsJson = False) -> None:
    """Compare the running system with the code, and list problems; exit with 1 if there are any."""
    from contradance.operate.doctor import examine  # noqa: PLC0415 - loaded with the project

    findings = [*examine(target.system, target.choreography)]
    troubles = [finding for finding in findings if finding.trouble]
    bytes_used = _state_bytes(target.state) if target.is_laptop else None
    if as_json:
        print_json(
            {
                "findings": [finding._asdict() for finding in troubles],
                "looked_at": len(findings),
                "state_bytes": bytes_used,
            }
        )
    else:
        for what, trouble, fix in troubles:
            out.print(Text("✗ ", "red").append(what, "bold").append(f": {trouble}", "not bold"))
            out.print(f"  {fix}", style="dim")
        out.print(f"{len(findings) - len(troubles)} of {len(findings)} checks passed.")
        if bytes_used:
            out.print(f"The state in {target.state} is {bytes_used / 1e6:,.1f} MB.", style="dim")
            out.print(f"  Less, once the laptop is stopped: contradance prune{target.options}", style="dim")
    if troubles:
        raise typer.Exit(1)


def _state_bytes(state: Path) -> int:
    """Return the size in bytes of the files directly in a laptop's folder; 0 without the folder."""
    return sum(file.stat().st_size for file in state.glob("*") if file.is_file())
