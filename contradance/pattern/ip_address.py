"""IP addresses and blocks of addresses (CIDR), as Event Ruler reads them.

Both families share one range of 128 bits, with IPv4 leftmost, because Event Ruler compares the digits from the left for
both. Therefore `::/0` holds IPv4 addresses, but neither the first nor the last of them.
"""

import re

from contradance.printable import printable

_V4 = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+")
_V6 = re.compile(r"[0-9a-fA-F:]*:[0-9a-fA-F:]*")
_LONGEST_V4 = 15
_LARGEST_BYTE = 255
_MAPPED = bytes(10) + b"\xff\xff"
_INTEGERS = range(-(2**31), 2**31)
_LONGEST_MASK = 1_000
"""Most digits of a mask that are read as a number."""
BITS = 128
"""Bits of an address in the range that both families share."""


class Address:
    """One IP address: 128 `bits`, of which the first `width` count (32 or 128)."""

    __slots__ = ("bits", "width")

    def __init__(self, packed: bytes) -> None:
        self.width = 8 * len(packed)
        self.bits = int.from_bytes(packed) << (BITS - self.width)


class Block:
    """A block of addresses: those whose first `length` bits equal `prefix`."""

    __slots__ = ("length", "prefix", "width")

    def __init__(self, address: Address, length: int) -> None:
        self.width = address.width
        self.length = length
        self.prefix = address.bits >> (BITS - length)

    def holds(self, text: str) -> bool:
        """Return whether a text is an address in this block."""
        address = parse_address(text)
        if address is None or address.bits >> (BITS - self.length) != self.prefix:
            return False
        if address.width >= self.width:
            return True
        # An IPv4 address in an IPv6 block: Event Ruler leaves out the first and the last address.
        free = address.width - self.length
        rest = (address.bits >> (BITS - address.width)) & ((1 << max(free, 0)) - 1)
        return free > 0 and 0 < rest < (1 << free) - 1


def parse_address(text: str) -> Address | None:
    """Parse an IP address; None when the text is not one. IPv4 that is mapped into IPv6 is returned as IPv4."""
    if _V4.fullmatch(text) and len(text) <= _LONGEST_V4:
        numbers = [int(number) for number in text.split(".")]
        return Address(bytes(numbers)) if max(numbers) <= _LARGEST_BYTE else None
    if not _V6.fullmatch(text):
        return None
    from socket import AF_INET6, inet_pton  # noqa: PLC0415 - rarely needed, and half of what this package costs to import

    try:
        packed = inet_pton(AF_INET6, text)
    except OSError:
        return None
    return Address(packed[12:] if packed.startswith(_MAPPED) else packed)


def parse_block(text: str) -> Block:
    """Parse a CIDR block, whose host bits do not count; raise ValueError, with AWS's reason, for another text.

    Raises:
        ValueError: the text is not a CIDR block; the message is AWS's reason.
    """
    # Java's split, by which AWS reads it, drops slashes at the end
    spelled, slash, length = text.rstrip("/").partition("/")
    if not slash or "/" in length:
        raise ValueError("Malformed CIDR, one '/' required")
    digits = length[1:] if length[:1] in ("+", "-") else length
    if not digits.isascii() or not digits.isdecimal() or len(digits) > _LONGEST_MASK or int(length) not in _INTEGERS:
        raise ValueError("Malformed CIDR, mask bits must be an integer")
    if int(length) < 0:
        raise ValueError("Malformed CIDR, mask bits must not be negative")
    address = parse_address(spelled)
    if address is None:
        raise ValueError(f"Nonstandard IP address: {printable(spelled)}")
    if int(length) >= address.width:
        raise ValueError(f"IPv{4 if address.width < BITS else 6} mask bits must be < {address.width}")
    return Block(address, int(length))
