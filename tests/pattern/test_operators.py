"""Every operator: what it takes, what it matches and what it does not. A table each; read them as the reference.

Where neither the AWS user guide nor its recorded behaviour decides, AWS's open-source Event Ruler (2.0.1) was asked, and
the line says so: ruler.
"""

from typing import Any

import pytest

from contradance.pattern import EventPattern, InvalidPattern

ABSENT = object()
FIRST_ADDRESS = ".".join("0000")

# Alternatives of one field, the values that match, the values that do not.
TABLE: list[tuple[str, list[Any], list[Any], list[Any]]] = [
    # Exact values. Type and case count; a number is its value, not its text.
    ("a string", ["x"], ["x", ["y", "x"], [["x"]]], ["X", "", "xx", None, ["y"], [], {}, {"x": "x"}, ABSENT]),
    ("the empty string", [""], ["", [""]], ["x", None, 0, False, [], ABSENT]),
    ("a string of digits", ["5"], ["5"], [5, 5.0]),
    ("a number", [300], [300, 300.0, 3.0e2], ["300", 301, True, None]),
    ("zero", [0], [0, 0.0, -0.0], [False, None, "", [], "0"]),
    ("one", [1], [1, 1.0], [True, "1"]),
    ("an integer no double holds", [2**53 + 1], [2**53 + 1], [2**53, 2**53 + 2, float(2**53)]),
    ("a number of 20 digits", [10**19 + 1], [10**19 + 1], [10**19, 1e19]),
    ("a very large round number", [1e30], [10**30, 1e30], [10**30 + 1]),
    ("true", [True], [True, [False, True]], [1, "true", False, None]),
    ("false", [False], [False], [0, "false", True, None, ABSENT]),
    ("null", [None], [None, [1, None]], ["null", "", 0, [], {}, ABSENT]),
    ("one of several", ["x", 5, None], ["x", 5, None], ["y", 6, True, ABSENT]),
    ("Unicode as it is written", ["é"], ["é"], ["e\u0301", "É"]),
    (
        "an IP address in any spelling (ruler)",
        ["10.0.0.1", "::1"],
        ["10.0.0.1", "10.0.0.01", "0:0:0:0:0:0:0:1"],
        ["10.0.0.2"],
    ),
    ("what only looks like an IP address", ["1.2.3.256"], ["1.2.3.256"], ["1.2.3.0256"]),
    ("exactly (ruler)", [{"exactly": "::1"}], ["::1"], ["0::1"]),
    # Prefix and suffix: strings only.
    ("prefix", [{"prefix": "ab"}], ["ab", "abc", ["x", "ab"]], ["a", "xab", "Abc", None, ABSENT]),
    ("prefix of digits", [{"prefix": "1"}], ["10"], [10, 1]),
    ("empty prefix", [{"prefix": ""}], ["", "x"], [5, None, True, ABSENT]),
    ("suffix", [{"suffix": ".png"}], [".png", "a.png"], ["a.PNG", "png", None]),
    ("empty suffix", [{"suffix": ""}], ["", "x"], [5, None, ABSENT]),
    ("prefix, any case", [{"prefix": {"equals-ignore-case": "aB"}}], ["abx", "AB"], ["xab", "a"]),
    ("suffix, any case, plain", [{"suffix": {"equals-ignore-case": "aB"}}], ["xAB", "ab"], ["abx", "b", ""]),
    ("suffix, any case", [{"suffix": {"equals-ignore-case": "aß"}}], ["xASS", "Aß"], ["x", "ass"]),
    # Case. A character of the pattern stands for its own lower and upper form, and for nothing else (ruler).
    ("any case", [{"equals-ignore-case": "aLpha"}], ["alpha", "ALPHA"], ["alph", "alphab", 5, None]),
    ("any case, accents", [{"equals-ignore-case": "é"}], ["é", "É"], ["e", "E"]),
    ("any case, sharp s in the pattern (ruler)", [{"equals-ignore-case": "ß"}], ["ß", "SS"], ["ss", "ẞ", "s"]),
    ("any case, sharp s in the event (ruler)", [{"equals-ignore-case": "SS"}], ["ss", "sS"], ["ß"]),
    ("any case, final sigma (ruler)", [{"equals-ignore-case": "ς"}], ["ς", "Σ"], ["σ"]),  # noqa: RUF001 - it is one
    ("any case, Kelvin (ruler)", [{"equals-ignore-case": "k"}], ["K"], ["\u212a"]),
    ("any case, an emoji never matches (ruler)", [{"equals-ignore-case": "😀"}], ["??"], ["😀"]),
    ("any case, empty", [{"equals-ignore-case": ""}], [""], ["x", None]),
    # Wildcard.
    ("wildcard", [{"wildcard": "dir/*.png"}], ["dir/.png", "dir/a/b.png"], ["dir/a.pn", "xdir/a.png", 5]),
    ("wildcard alone", [{"wildcard": "*"}], ["", "x"], [5, None, ABSENT]),
    ("wildcard without a star", [{"wildcard": "x"}], ["x"], ["xx", ""]),
    ("wildcard, ends may not overlap", [{"wildcard": "aba*aba"}], ["abaaba", "abaxaba"], ["aba", "ababa"]),
    ("wildcard, middles in order", [{"wildcard": "*a*b*"}], ["ab", "xaxbx", "aab"], ["ba", "a", "b"]),
    ("wildcard, a star escaped", [{"wildcard": r"a\*b*"}], ["a*b", "a*bc"], ["axb", "a"]),
    ("wildcard, a backslash escaped", [{"wildcard": r"a\\*"}], ["a\\", "a\\b"], ["a", "ab"]),
    ("wildcard, nothing else is special", [{"wildcard": "[a]?.*"}], ["[a]?.x"], ["ab.x"]),
    # Anything-but: any leaf that is not it. An array matches when one element does.
    (
        "anything-but a string",
        [{"anything-but": "x"}],
        ["y", "", 5, None, True, ["x", "y"]],
        ["x", ["x"], [], {}, ABSENT],
    ),
    ("anything-but a number", [{"anything-but": 5}], ["5", 6, None], [5, 5.0, [5], ABSENT]),
    ("anything-but strings", [{"anything-but": ["x", "y"]}], ["z", 5, ["x", "z"]], ["x", ["x", "y"]]),
    ("anything-but numbers", [{"anything-but": [1, 2]}], [3, "1", 1.5], [1.0, 2]),
    ("anything-but the empty string", [{"anything-but": ""}], ["x", None], ["", ABSENT]),
    ("anything-but an IP address is its text (ruler)", [{"anything-but": "::1"}], ["0::1"], ["::1"]),
    ("anything-but prefix", [{"anything-but": {"prefix": "in"}}], ["out", "", 5, None], ["init", ABSENT]),
    ("anything-but prefixes", [{"anything-but": {"prefix": ["a", "b"]}}], ["c"], ["ax", "bx"]),
    ("anything-but suffix", [{"anything-but": {"suffix": [".png", ".jpg"]}}], ["a.gif", 5], ["a.png", "a.jpg"]),
    ("anything-but, any case", [{"anything-but": {"equals-ignore-case": ["X"]}}], ["y", 5], ["x", "X"]),
    ("anything-but wildcard", [{"anything-but": {"wildcard": "*/lib/*"}}], ["/usr/bin", 5], ["/usr/lib/x"]),
    ("anything-but twice is either", [{"anything-but": "x"}, {"anything-but": "y"}], ["x", "y"], [ABSENT]),
    # Numeric.
    ("less", [{"numeric": ["<", 10]}], [9.999999, -1, 0, [50, 5]], [10, 10.0, "5", None, True, ABSENT]),
    ("at most", [{"numeric": ["<=", 10]}], [10, 10.0], [10.000001]),
    ("more", [{"numeric": [">", 0]}], [1e-300, 1e300], [0, -0.0, -1]),
    ("at least", [{"numeric": [">=", 0]}], [0, -0.0], [-1e-300]),
    ("equal", [{"numeric": ["=", 3.018e2]}], [301.8], [301.80000001, "301.8"]),
    ("between", [{"numeric": [">", 0, "<=", 5]}], [1, 5], [0, 5.1, True]),
    ("any number", [{"numeric": [">=", -1e308, "<=", 1e308]}], [0, 1e308], [float("inf"), float("nan"), 10**400]),
    ("beyond a double (ruler)", [{"numeric": [">", 0]}], [2**53, 10**17], [2**53 + 1, 10**17 + 1]),
    # Exists: leaves only.
    (
        "exists",
        [{"exists": True}],
        ["x", "", None, 0, False, [None]],
        [{}, [], [[]], [{}], {"b": 1}, [{"b": 1}], ABSENT],
    ),
    (
        "exists not",
        [{"exists": False}],
        [{}, [], [[]], [{}], {"b": 1}, [{"b": 1}], ABSENT],
        ["x", "", None, 0, [1, {}]],
    ),
    ("a value or nothing", ["x", {"exists": False}], ["x", ABSENT, []], ["y", None]),
    # CIDR.
    (
        "a v4 block",
        [{"cidr": "10.0.0.0/24"}],
        ["10.0.0.0", "10.0.0.255", "010.0.0.1"],
        ["10.0.1.0", "x", "10.0.0", 167772160],
    ),
    ("the host's bits do not count", [{"cidr": "10.0.0.55/24"}], ["10.0.0.1", "10.0.0.99"], ["10.0.1.55"]),
    ("every v4", [{"cidr": "0.0.0.0/0"}], ["1.2.3.4", "255.255.255.255"], ["256.1.1.1", ""]),
    ("a v6 block", [{"cidr": "2001:db8::/32"}], ["2001:db8::1", "2001:DB8:0:0::"], ["2001:db9::", "2001"]),
    ("v4 mapped into v6 is v4 (ruler)", [{"cidr": "10.0.0.0/8"}], ["::ffff:a00:1"], ["::ffff:10.0.0.1", "::a00:1"]),
    (
        "::/0 holds v4 but the first and last (ruler)",
        [{"cidr": "::/0"}],
        ["::", "10.0.0.1"],
        [FIRST_ADDRESS, "255.255.255.255"],
    ),
    ("families are compared from the left (ruler)", [{"cidr": "10.0.0.0/8"}], ["0a00:1::"], ["0b00::"]),
    (
        "a narrow v6 block holds no v4 (ruler)",
        [{"cidr": "a00::/31"}, {"cidr": "::/64"}],
        ["a00::"],
        ["10.0.0.1", FIRST_ADDRESS],
    ),
]


@pytest.mark.parametrize(
    ("alternatives", "matching", "other"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE]
)
def test_an_operator_matches_what_its_table_says(
    alternatives: list[Any], matching: list[Any], other: list[Any]
) -> None:
    pattern = EventPattern({"detail": {"field": alternatives}})
    top = EventPattern({"field": alternatives})

    verdicts = {
        repr(value): (pattern.matches({"detail": detail}), top.matches(detail))
        for value in [*matching, *other]
        for detail in [{} if value is ABSENT else {"field": value}]
    }

    assert verdicts == {repr(value): (True, True) for value in matching} | {
        repr(value): (False, False) for value in other
    }


# What is refused, and a part of the reason.
INVALID: list[tuple[str, Any, str]] = [
    ("text that is no JSON", "{", "not JSON"),
    ("text after the object", '{"a":["x"]} x', "not JSON"),
    ("a comment", '{"a":["x"]/**/}', "not JSON"),
    ("NaN", '{"a":[NaN]}', "not JSON"),
    ("an array", "[]", "Filter is not an object"),
    ("a string", '"x"', "Filter is not an object"),
    ("no fields", {}, "Empty objects are not allowed"),
    ("no fields inside", {"a": {}}, "Empty objects are not allowed (at a)"),
    ("no alternatives", {"a": []}, "Empty arrays are not allowed (at a)"),
    ("a bare string", {"a": "x"}, '"a" must be an object or an array'),
    ("a bare number", {"a": {"b": 5}}, "(at a.b)"),
    ("a bare null", {"a": None}, "must be an object or an array"),
    (
        "an array among the alternatives",
        {"a": [["x"]]},
        "Match value must be String, number, true, false, or null (at a[0])",
    ),
    ("an unknown operator", {"a": ["x", {"regex": "x"}]}, "Unrecognized match type regex (at a[1])"),
    ("an operator in capitals", {"a": [{"Prefix": "x"}]}, "Unrecognized match type Prefix"),
    ("an empty object among the alternatives", {"a": [{}]}, "Only one key allowed"),
    ("two operators in one object", {"a": [{"prefix": "x", "suffix": "y"}]}, "Only one key allowed"),
    ("a number that is too large", '{"a":[1e400]}', "too large"),
    ("infinity", {"a": [float("inf")]}, "too large"),
    ("an integer of too many digits", {"a": [10**5000]}, "too long"),
    ("a field name that is no string", {1: ["x"]}, "Field names must be strings"),
    ("a value that is not JSON", {"a": [object()]}, "Match value must be"),
    ("prefix of a number", {"a": [{"prefix": 5}]}, "prefix match pattern must be a string (at a[0].prefix)"),
    ("prefixes", {"a": [{"prefix": ["x"]}]}, "must be a string"),
    ("suffixes", {"a": [{"suffix": ["x"]}]}, "must be a string"),
    ("prefix of another operator", {"a": [{"prefix": {"suffix": "x"}}]}, "Unsupported pattern: suffix"),
    ("prefix, any case, of a list", {"a": [{"prefix": {"equals-ignore-case": ["x"]}}]}, "must be a string"),
    ("any case, a list", {"a": [{"equals-ignore-case": ["x"]}]}, "must be a string"),
    ("wildcard of a number", {"a": [{"wildcard": 5}]}, "must be a string"),
    ("two stars", {"a": [{"wildcard": "a**"}]}, "Consecutive wildcard characters at pos 2"),
    ("two stars after bytes", {"a": [{"wildcard": "ü**"}]}, "Consecutive wildcard characters at pos 3"),
    ("a needless escape", {"a": [{"wildcard": r"a\b"}]}, "Invalid escape character at pos 2"),
    ("an escape of nothing", {"a": [{"wildcard": "a\\"}]}, "Invalid escape character at pos 2"),
    ("two stars after an escape", {"a": [{"wildcard": r"\***"}]}, "Consecutive wildcard characters at pos 3"),
    ("a wildcard that is too complex", {"a": [{"wildcard": "*:*:*:*:*:event-bus/*"}]}, "Rule is too complex"),
    ("anything-but true", {"a": [{"anything-but": True}]}, "anything-but must be"),
    ("anything-but null", {"a": [{"anything-but": None}]}, "anything-but must be"),
    ("anything-but nothing", {"a": [{"anything-but": []}]}, "anything-but must be"),
    ("anything-but a mixture", {"a": [{"anything-but": ["x", 5]}]}, "mixed type is not supported"),
    ("anything-but nulls", {"a": [{"anything-but": [None]}]}, "anything-but must be"),
    ("anything-but too exact a number", {"a": [{"anything-but": 2**53 + 1}]}, "Cannot compare number"),
    (
        "anything-but numeric",
        {"a": [{"anything-but": {"numeric": ["=", 5]}}]},
        "Unsupported anything-but pattern: numeric",
    ),
    ("anything-but cidr", {"a": [{"anything-but": {"cidr": "10.0.0.0/8"}}]}, "Unsupported anything-but pattern: cidr"),
    ("anything-but an empty prefix", {"a": [{"anything-but": {"prefix": ""}}]}, "Null prefix/suffix not allowed"),
    (
        "anything-but an empty suffix",
        {"a": [{"anything-but": {"suffix": ["x", ""]}}]},
        "Null prefix/suffix not allowed",
    ),
    ("anything-but no prefix", {"a": [{"anything-but": {"prefix": []}}]}, "Empty arrays are not allowed"),
    (
        "anything-but a prefix in any case",
        {"a": [{"anything-but": {"prefix": {"equals-ignore-case": "x"}}}]},
        "prefix match pattern must be a string",
    ),
    ("anything-but two operators", {"a": [{"anything-but": {"prefix": "x", "suffix": "y"}}]}, "Only one key allowed"),
    ("numeric, no array", {"a": [{"numeric": 5}]}, "Value of numeric must be an array"),
    ("numeric, empty", {"a": [{"numeric": []}]}, "an operator and a number"),
    ("numeric, no number", {"a": [{"numeric": [">"]}]}, "an operator and a number"),
    ("numeric, a string", {"a": [{"numeric": [">", "5"]}]}, "must be numeric"),
    ("numeric, true", {"a": [{"numeric": [">", True]}]}, "must be numeric"),
    ("numeric, unlike", {"a": [{"numeric": ["!=", 5]}]}, "an operator and a number"),
    ("numeric, upper bound first", {"a": [{"numeric": ["<", 5, ">", 1]}]}, "an operator and a number"),
    ("numeric, bottom above top", {"a": [{"numeric": [">", 5, "<", 1]}]}, "Bottom must be less than top"),
    ("numeric, bottom at top", {"a": [{"numeric": [">=", 1, "<=", 1]}]}, "Bottom must be less than top"),
    ("numeric, three bounds", {"a": [{"numeric": [">", 1, "<", 9, "<", 8]}]}, "an operator and a number"),
    ("numeric, too exact (integer)", {"a": [{"numeric": ["=", 2**53 + 1]}]}, "Cannot compare number"),
    ("numeric, too exact (fraction)", '{"a":[{"numeric":["=",1.23456789012345678]}]}', "Cannot compare number"),
    ("exists, a string", {"a": [{"exists": "true"}]}, "must be either true or false"),
    ("exists, one", {"a": [{"exists": 1}]}, "must be either true or false"),
    ("cidr of one address", {"a": [{"cidr": "10.0.0.1"}]}, "one '/' required"),
    ("cidr, too long a mask (v4, ruler)", {"a": [{"cidr": "10.0.0.1/32"}]}, "IPv4 mask bits must be < 32"),
    ("cidr, too long a mask (v6, ruler)", {"a": [{"cidr": "::1/128"}]}, "IPv6 mask bits must be < 128"),
    ("cidr, no mask", {"a": [{"cidr": "10.0.0.1/x"}]}, "mask bits must be an integer"),
    ("cidr, a negative mask", {"a": [{"cidr": "10.0.0.1/-1"}]}, "Malformed CIDR, mask bits must not be negative"),
    ("cidr, a long mask", {"a": [{"cidr": "10.0.0.1/" + "9" * 5_000}]}, "Malformed CIDR, mask bits must be an integer"),
    ("cidr, two slashes", {"a": [{"cidr": "10.0.0.1/8/8"}]}, "Malformed CIDR, one '/' required"),
    ("cidr, a slash at the end", {"a": [{"cidr": "10.0.0.1/"}]}, "Malformed CIDR, one '/' required"),
    (
        "cidr, the mask is read before the address",
        {"a": [{"cidr": "x/y"}]},
        "Malformed CIDR, mask bits must be an integer",
    ),
    ("cidr of no address", {"a": [{"cidr": "256.0.0.0/8"}]}, "Nonstandard IP address: 256.0.0.0"),
    ("cidr of an IPv4 in an IPv6 (ruler)", {"a": [{"cidr": "::ffff:10.0.0.0/104"}]}, "Nonstandard IP address"),
    ("cidrs", {"a": [{"cidr": ["10.0.0.0/8"]}]}, "must be a string"),
    ("$or of one", {"$or": [{"a": ["x"]}]}, "at least 2 Objects in $or"),
    ("$or of none", {"$or": []}, "Empty arrays are not allowed (at $or)"),
    ("$or with an empty one", {"$or": [{"a": ["x"]}, {}]}, "at least 2 Objects in $or"),
    ("$or with a string", {"$or": [{"a": ["x"]}, "y"]}, "at least 2 Objects in $or"),
    ("$or of a bare string", {"$or": "x"}, '"$or" must be an object or an array'),
    ("$or among alternatives", {"a": [{"$or": [{"b": ["x"]}, {"c": ["y"]}]}]}, "Unrecognized match type $or"),
    ("$or of a reserved name", {"$or": [{"prefix": ["x"]}, {"b": ["y"]}]}, "$or"),
    ("$or of a reserved name inside", {"$or": [{"a": {"<": ["x"]}}, {"b": ["y"]}]}, "reserved field name"),
    ("a field $or inside $or (ruler)", {"$or": [{"a": ["x"]}, {"$or": {"b": ["y"]}}]}, "followed with $or"),
    ("a broken part of $or", {"a": {"$or": [{"b": ["x"]}, {"c": []}]}}, "Empty arrays are not allowed (at a.c)"),
]


@pytest.mark.parametrize(("pattern", "reason"), [row[1:] for row in INVALID], ids=[row[0] for row in INVALID])
def test_what_aws_refuses_is_refused_with_its_reason(pattern: Any, reason: str) -> None:
    with pytest.raises(InvalidPattern) as refusal:
        EventPattern(pattern)

    assert str(refusal.value).startswith("Event pattern is not valid. Reason: ")
    assert reason in str(refusal.value)
