"""`python -m contradance` is the `contradance` command."""

from contradance.cli import main

main()
