"""Unsets, when it is imported, a variable that would fail the import of Powertools: import this before Powertools."""

import os
from typing import Final

from contradance.runtime.aws.powertools_variables import READ_AT_IMPORT, unset_odd_variables

unset_early: Final = unset_odd_variables(os.environ, READ_AT_IMPORT)
"""The variable, until a warning has named it."""
