"""Values that a log line may have and JSON does not, and how they are shown."""

from typing import Any, Final
from uuid import UUID

UNJSON: Final[dict[str, Any]] = {
    "n": float("nan"),
    "i": [float("-inf"), {"deep": float("inf")}],
    "b": b"\xff",
    "big": 10**5_000,
    "half": "\ud800",
    "half \udfff": 1,
    "model_id": UUID(int=1),
    "fine": [1, 1.5, True, None, "é"],
}
UNJSON_SHOWN: Final[dict[str, Any]] = {
    "n": "nan",
    "i": ["-inf", {"deep": "inf"}],
    "b": r"b'\xff'",
    "half": r"\ud800",
    r"half \udfff": 1,
    "model_id": str(UUID(int=1)),
    "fine": [1, 1.5, True, None, "é"],
}
