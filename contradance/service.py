"""Which service a module belongs to: the folder it lies in."""

from contradance.errors import DeclarationError


def service_of(module: str, what: str, refusal: type[DeclarationError]) -> str:
    """Return the service of `module`: `loans` for `functions.loans.tables`."""
    parts = module.split(".")
    if len(parts) < 2:  # noqa: PLR2004 - a module inside a package
        raise refusal(
            f"{what} is declared in the module {module!r}, which lies in no folder, so it belongs to no service.\n"
            "  Put it in a service's folder, like functions/loans/, or say service='loans'."
        )
    return parts[-2]
