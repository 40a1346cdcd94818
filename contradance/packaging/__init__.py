"""What Lambda runs: one layer for a choreography's functions, and a zip for each of them."""

from contradance.packaging.packages import Packages, build, pin

__all__ = ["Packages", "build", "pin"]
