"""Text that leaves is safe to show, whatever characters it has."""

import json
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contradance.printable import encodable, printable, printable_block, printable_json

EVERY = [chr(code) for code in range(sys.maxunicode + 1)]
TEXTS = st.text(st.characters() | st.sampled_from("\x1b\x07\x7f\x9b\u202e\u2066\u200b\ud800\udfff\r\n\t\ufffe"))


def is_hidden(character: str) -> bool:
    """Whether a character has no shape of its own, or moves others; variation selectors are part of emoji."""
    noncharacter = ord(character) & 0xFFFE == 0xFFFE or 0xFDD0 <= ord(character) <= 0xFDEF
    return noncharacter or unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp")


def test_every_character_that_unicode_hides_is_escaped() -> None:
    missed = [hex(ord(one)) for one in EVERY if is_hidden(one) and printable(one) == one]

    assert missed == []


def test_every_character_that_has_a_shape_stays() -> None:
    shaped = ("L", "N", "P", "S", "Zs")
    without_shape = "\u115f\u1160\u3164\uffa0"  # letters, which are blank

    changed = [one for one in EVERY if unicodedata.category(one).startswith(shaped) and printable(one) != one]

    assert "".join(changed) == without_shape


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J", r"\x1b[2J"),
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("\x9b2J", r"\x9b2J"),
        ("\x7f", r"\x7f"),
        ("user\u202egnp.exe", r"user\u202egnp.exe"),
        ("\u2066\u2069\u200b\u2028", r"\u2066\u2069\u200b\u2028"),
        ("\ud800", r"\ud800"),
        ("\U000e0041", r"\U000e0041"),
        ("one\r\ntwo\tthree", r"one\r\ntwo\tthree"),
        ("Zoë 東京 ⚠️ → ✓", "Zoë 東京 ⚠️ → ✓"),
    ],
    ids=ascii,
)
def test_a_line_shows_an_escape_for_each_unsafe_character(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_json_escapes_what_python_s_writer_leaves() -> None:
    assert printable_json({"a\x7f": "\x9b\u202eé"}) == '{"a\\u007f": "\\u009b\\u202eé"}'
    assert printable_json([1], indent=2) == "[\n  1\n]"


def test_an_escape_stands_for_a_lone_surrogate_alone() -> None:
    assert encodable("é\ud800\x1b") == "é\\ud800\x1b"


def test_a_block_keeps_its_lines_and_tabs_but_no_line_can_be_overwritten() -> None:
    assert printable_block("one\n\ttwo\r\nthree\rfour\x1b[A") == "one\n\ttwo\r\nthree\\rfour\\x1b[A"


@given(TEXTS)
def test_what_is_safe_stays_safe(text: str) -> None:
    for make in (printable, printable_block):
        once = make(text)

        assert make(once) == once
        once.encode()
        assert not any(is_hidden(one) and one not in "\r\n\t" for one in once)


@given(TEXTS)
def test_encodable_text_differs_only_in_surrogates(text: str) -> None:
    shown = encodable(text)

    shown.encode()
    if not any("\ud800" <= one <= "\udfff" for one in text):
        assert shown == text


@given(st.recursive(TEXTS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3)))
def test_json_that_is_shown_reads_back_as_it_was(value: object) -> None:
    text = printable_json(value, indent=2)

    assert json.loads(text) == json.loads(json.dumps(value))
    text.encode()
    assert not any(is_hidden(one) and one != "\n" for one in text)
