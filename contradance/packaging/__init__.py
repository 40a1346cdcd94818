"""Builds the packages for Lambda: one layer for all functions of a choreography, and a zip for each function."""

from contradance.packaging.packages import Packages, build, pin

__all__ = ["Packages", "build", "pin"]
