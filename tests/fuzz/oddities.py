"""Values at the edges: numbers, times, texts and JSON of every wrong type, as text that a client may send."""

import json
from typing import Any, Final

from hypothesis import strategies as st

SECRET: Final = "S3CR3T-7f"  # noqa: S105 - a word that no other text holds
"""The value of every marked field: no page, command or error may show it."""

NUMBERS: Final = (
    *("0", "-0", "1", "-1", "1.5", "-0.0", "1e999", "-1e999", "1e-999", "1e308", "NaN", "Infinity", "-Infinity"),
    *(
        "9223372036854775807",
        "9223372036854775808",
        "-9223372036854775809",
        "1" + "0" * 400,
        "9" * 5_000,
        "0.1" + "0" * 5_000,
    ),
    *("-62135596800", "-62135596801", "253402300799", "253402300800", "1700000000.999999999"),
)
"""As JSON texts; not every one is JSON."""
TIMES: Final = (
    *("0001-01-01T00:00:00Z", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59Z", "9999-12-31T23:59:59-23:59"),
    *("0000-01-01T00:00:00Z", "10000-01-01T00:00:00Z", "1969-12-31T23:59:59.999999Z", "2026-01-01", "2026-01-01T00:00"),
    *(
        "2026-02-30T00:00:00Z",
        "20260101T000000Z",
        "2026-W01-1",
        "yesterday",
        "",
        "24:00",
        "\u0662\u0660\u0662\u0666-\u0660\u0661-\u0660\u0661",
    ),
)
TEXTS: Final = (
    *(
        "",
        " ",
        "a",
        "\x00",
        "\x1b[2J\x1b]0;title\x07",
        "\x9b2J",
        "\x7f",
        "a\r\nb\tc",
        "user\u202egnp.exe",
        "\u2066\u2069",
    ),
    *(
        "\u200b\u2028\ufeff",
        "\ud800",
        "\udfff\ud800",
        "\U000e0041",
        "e\u0301Ü東\U0001f600",
        "<script>alert(1)</script>",
    ),
    *("{{7*7}}", "[red]x[/]", "%00%0a%ed%a0%80", "../../etc/passwd", "'; DROP TABLE event; --", "x" * 3_000),
    *(
        "http://[",
        "//[::1",
        "http://a\u2100b/c",
        "arn:",
        "arn:aws:events:eu-west-1:111111111111:event-bus/club",
        "desk-greet:",
    ),
)
SCALARS: Final = tuple({*NUMBERS, "true", "false", "null", *map(json.dumps, TIMES), *map(json.dumps, TEXTS)})
"""As JSON texts, lone surrogates escaped."""

numbers: Final = st.sampled_from(sorted(NUMBERS)) | st.integers().map(str) | st.floats().map(str)
texts: Final = st.sampled_from(TEXTS) | st.text(max_size=20)
times: Final = st.sampled_from(TIMES) | st.datetimes().map(lambda at: at.isoformat() + "Z")
scalars: Final = st.sampled_from(sorted(SCALARS)) | texts.map(json.dumps) | numbers
json_texts: Final = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: f"[{','.join(items)}]")
        | st.lists(st.tuples(texts.map(json.dumps), inner), max_size=3).map(
            lambda pairs: "{" + ",".join(f"{name}:{value}" for name, value in pairs) + "}"
        )
    ),
    max_leaves=6,
) | st.sampled_from(["[" * depth + "]" * depth for depth in (900, 1_001, 5_000)])
"""Any JSON text, and texts that are almost JSON."""


def json_object(
    fields: dict[str, st.SearchStrategy[str]], *, odd: st.SearchStrategy[str] = json_texts
) -> st.SearchStrategy[str]:
    """Return JSON objects with these fields, of which any may be missing or of any other type."""
    parts = {name: good | odd if good is not odd else odd for name, good in fields.items()}
    return st.fixed_dictionaries({}, optional=parts).map(written)


def mutated(value: Any) -> st.SearchStrategy[str]:
    """Return JSON texts of `value` in which one value at any depth is replaced by any JSON, or is missing."""
    paths = [*_paths(value)]
    return st.tuples(st.sampled_from(paths), json_texts | st.none()).map(lambda drawn: _replaced(value, *drawn))


def written(fields: dict[str, str]) -> str:
    """Return a JSON object of fields whose values are JSON texts."""
    return "{" + ",".join(f"{json.dumps(name)}:{value}" for name, value in fields.items()) + "}"


def _paths(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for key, item in inner for found in _paths(item, (*path, key)))]


def _replaced(value: Any, path: tuple[str | int, ...], text: str | None) -> str:
    """Return the JSON of `value` with `text` at `path`; without that field where `text` is None."""
    if not path:
        return json.dumps(value) if text is None else text
    step, *rest = path
    items = [*(value.items() if isinstance(value, dict) else enumerate(value))]
    parts = [
        (key, _replaced(item, tuple(rest), text) if key == step else json.dumps(item))
        for key, item in items
        if not (key == step and text is None and not rest)
    ]
    if isinstance(value, dict):
        return written({str(key): part for key, part in parts})
    return f"[{','.join(part for _, part in parts)}]"
