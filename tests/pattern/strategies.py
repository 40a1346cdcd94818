"""Small patterns, and events made after them: of values that the pattern accepts, more or less, in arrays and out."""

from typing import Any

from hypothesis import strategies as st

from tests.pattern import reference

NAMES = st.sampled_from(["a", "b"])
TEXTS = st.sampled_from(
    ["", "x", "y", "xy", "X", "yx", "xyx", "ß", "SS", "é", "É", "5", "10.0.0.1", "10.9.0.1", "::1", "0:0::1"]
)
FEW_TEXTS = st.sampled_from(["x", "y", "xy"])
NUMBERS = st.sampled_from([5, 5.0, 0, -1, 7.5, 10, 1e1, 2**53 + 1])
LEAVES = st.one_of(FEW_TEXTS, FEW_TEXTS, TEXTS, NUMBERS, st.sampled_from([True, False, None]))
WILDCARDS = st.sampled_from(["*", "x*", "*y", "x*x", "*x*", "xy*", "*y*x", "x"])
RANGES = st.sampled_from([["<", 5], [">=", 5], [">", 0, "<=", 10], ["=", 5], ["<=", -1], [">", 7.4, "<", 7.6]])


def one_or_more(texts: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    return st.one_of(texts, st.lists(texts, min_size=1, max_size=2))


OPERATORS = st.one_of(
    st.builds(lambda text: {"prefix": text}, TEXTS),
    st.builds(lambda text: {"suffix": text}, TEXTS),
    st.builds(lambda text: {"equals-ignore-case": text}, TEXTS),
    st.builds(lambda end, text: {end: {"equals-ignore-case": text}}, st.sampled_from(["prefix", "suffix"]), TEXTS),
    st.builds(lambda text: {"wildcard": text}, WILDCARDS),
    st.builds(lambda values: {"anything-but": values}, one_or_more(TEXTS)),
    st.builds(lambda value: {"anything-but": value}, st.sampled_from([5, 10.0, [5, 7.5]])),
    st.builds(
        lambda operator, texts: {"anything-but": {operator: texts}},
        st.sampled_from(["prefix", "suffix", "equals-ignore-case", "wildcard"]),
        one_or_more(FEW_TEXTS),
    ),
    st.builds(lambda numbers: {"numeric": numbers}, RANGES),
    st.builds(lambda block: {"cidr": block}, st.sampled_from(["10.0.0.0/8", "10.0.0.0/16", "fe80::/10"])),
    st.builds(lambda there: {"exists": there}, st.booleans()),
)
ALTERNATIVES = st.lists(st.one_of(LEAVES, OPERATORS), min_size=1, max_size=2)
NAMES_WITH_DOTS = st.one_of(NAMES, NAMES, NAMES, st.sampled_from(["a.a", "a.b", "b.a"]))


def objects(values: st.SearchStrategy[Any], names: st.SearchStrategy[str] = NAMES) -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(names, values, min_size=1, max_size=2)


FLAT_PATTERNS = objects(st.one_of(ALTERNATIVES, objects(ALTERNATIVES)), NAMES_WITH_DOTS)


@st.composite
def patterns(draw: st.DrawFn) -> dict[str, Any]:
    pattern = draw(FLAT_PATTERNS)
    place = pattern
    if draw(st.booleans()) and isinstance(pattern.get("a"), dict):
        place = pattern["a"]
    if draw(st.integers(0, 2)) == 0:
        place["$or"] = draw(st.lists(FLAT_PATTERNS, min_size=2, max_size=3))
    return pattern


POOL = [
    "x",
    "y",
    "xy",
    "yx",
    "X",
    "ß",
    "SS",
    "",
    "5",
    "10.0.0.1",
    "::1",
    5,
    5.0,
    0,
    -1,
    7.5,
    10,
    2**53 + 1,
    True,
    False,
    None,
]
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=2)),
    max_leaves=6,
)
MOSTLY = st.sampled_from([True, True, True, True, False])


@st.composite
def values_for(draw: st.DrawFn, alternatives: list[Any]) -> Any:
    """A value that is probably one of the alternatives, perhaps among others."""
    accepted = [value for value in POOL if any(reference.accepts(each, value) for each in alternatives)]
    source: st.SearchStrategy[Any] = st.sampled_from(accepted) if draw(MOSTLY) and accepted else VALUES
    value = draw(source)
    return draw(st.sampled_from([value, value, [value], [draw(LEAVES), value], [[value]]]))


@st.composite
def events_like(draw: st.DrawFn, pattern: dict[str, Any]) -> dict[str, Any]:
    """An event that has the pattern's fields, more or less, with its objects alone, in arrays or taken apart."""
    event: dict[str, Any] = {}
    for name, wanted in pattern.items():
        if name == "$or" and isinstance(wanted, list):
            event.update(draw(events_like(draw(st.sampled_from(wanted)))))
        elif not draw(MOSTLY):
            continue
        elif isinstance(wanted, list):
            event[name] = draw(values_for(wanted))
        else:
            whole = draw(events_like(wanted))
            half = dict(list(whole.items())[:1])
            rest = dict(list(whole.items())[1:])
            other = draw(VALUES)
            event[name] = draw(
                st.sampled_from([whole, whole, [other, whole], [half, rest], [[half, rest], whole], [[whole]]])
            )
    for name in [name for name in event if "." in name]:
        outer, _, inner = name.partition(".")
        if outer in event:
            del event[name]
        elif draw(st.booleans()):
            event[outer] = {inner: event.pop(name)}
    return event


@st.composite
def patterns_and_events(draw: st.DrawFn) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    pattern = draw(patterns())
    return pattern, [draw(events_like(pattern)) for _ in range(3)]


EVENTS = st.dictionaries(NAMES, VALUES, max_size=2)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=4)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner, max_size=3)),
    max_leaves=10,
)
