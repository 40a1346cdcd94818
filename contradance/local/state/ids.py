"""Ids that are shortened to their beginnings, as search terms."""

from typing import Final

SHORTEST: Final = 8
"""Fewest characters of a shortened id: a search term with fewer must equal the whole id."""
FIRST: Final = "\0"
LAST: Final = "\U0010ffff"
"""Appended to a term: ids from the term up to this begin with it; up to `FIRST`, only the term itself."""
