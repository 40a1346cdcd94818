from itertools import combinations, product
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from contradance.catalog.picture.routing import Arrival, Turn, choose_tracks
from contradance.catalog.picture.untangling import untangle
from tests.examples import examples


class Piece(NamedTuple):
    """A straight piece of a turn, on a row or on a track."""

    level: float
    start: float
    end: float


def turn(row: float, *arrivals: float, room: float = 0) -> Turn:
    return Turn(row, [Arrival(one, one - room, one + room) for one in arrivals])


def route(turns: list[Turn]) -> int:
    untangle(turns)
    return choose_tracks(turns)


def pieces(routed: Turn, end: int) -> tuple[list[Piece], list[Piece]]:
    """Return the pieces of a turn on rows, where a column ends at -1 and the next begins at `end`, and those on tracks."""
    x, rows, tracks = -1.0, [], []
    for part in routed.parts:
        track = end if part.track is None else part.track
        rows.append(Piece(part.row, x, track))
        if part.track is not None:
            tracks.append(Piece(track, part.top, part.bottom))
        x = track
    return rows + [Piece(arrival.row, x, end) for arrival in routed.arrivals], tracks


def common(one: Piece, other: Piece) -> float:
    """Return the length for which two parallel pieces are beside each other; less than 0 is their distance."""
    return min(one.end, other.end) - max(one.start, other.start)


def check(turns: list[Turn], end: int) -> None:
    """No two turns are on one row or one track, or so near that they look like one."""
    drawn = [pieces(one, end) for one in turns]
    for (rows, tracks), (other_rows, other_tracks) in combinations(drawn, 2):
        for one, other in product(rows, other_rows):
            assert common(one, other) <= 0 or abs(one.level - other.level) >= 5, (one, other)
        for one, other in product(tracks, other_tracks):
            assert common(one, other) <= -5 or one.level != other.level, (one, other)
    for routed in turns:
        of_parts = [part.track for part in routed.parts if part.track is not None]
        assert of_parts == sorted(set(of_parts)), "from left to right"
        assert all(arrival.highest <= arrival.row <= arrival.lowest for arrival in routed.arrivals)


@st.composite
def channels(draw: st.DrawFn) -> list[Turn]:
    """Draw turns that depart at least 7 pixels apart and arrive at least 11 pixels apart, often on each other's rows."""
    count = draw(st.integers(1, 10))
    departures = draw(st.lists(st.integers(0, 20), min_size=count, max_size=count, unique=True))
    arrivals = draw(st.lists(st.integers(0, 20), min_size=count, max_size=3 * count, unique=True))
    offset, step = draw(st.sampled_from([0.0, 3.0, 5.5])), draw(st.sampled_from([11, 14, 22]))
    ends: list[list[float]] = [[] for _ in departures]
    for position, arrival in enumerate(arrivals):
        end = ends[position] if position < count else draw(st.sampled_from(ends))
        end.append(arrival * step + offset)
    room = draw(st.sampled_from([0, 0, 6.5, 15]))
    scale = draw(st.sampled_from([7, step]))
    return [turn(row * scale, *sorted(end), room=room) for row, end in zip(departures, ends, strict=True)]


@examples(40)
@given(channels())
def test_no_two_arrows_are_on_one_row_or_one_track(turns: list[Turn]) -> None:
    check(turns, route(turns))


def test_the_arrow_that_departs_on_a_row_turns_off_before_another_arrives_there() -> None:
    departing, arriving = turn(0, 40), turn(20, 0)

    tracks = route([arriving, departing])

    assert (departing.track, arriving.track, tracks) == (0, 1, 2)


def test_two_arrows_that_exchange_their_rows_stay_apart_by_a_small_shift() -> None:
    turns = [turn(0, 50, room=6), turn(50, 0, room=6)]

    tracks = route(turns)

    assert sorted(arrival.row for one in turns for arrival in one.arrivals) == [5, 50]
    assert tracks == 2
    check(turns, tracks)


def test_without_room_for_a_shift_one_of_them_takes_a_detour_over_a_free_row() -> None:
    turns = [turn(0, 50), turn(50, 0)]

    tracks = route(turns)

    detours = [one.detour for one in turns if one.detour]
    assert [detour.arrivals[0].row for detour in detours] == [25]
    assert tracks == 3
    check(turns, tracks)


def test_a_shift_leads_to_a_row_that_no_other_arrow_uses() -> None:
    turns = [turn(0, 50, room=6), turn(50, 0, room=6), turn(7, 100)]

    route(turns)

    assert [arrival.row for one in turns for arrival in one.arrivals] == [50, -5, 100]


def test_a_detour_leads_over_a_row_far_from_all_others() -> None:
    turns = [turn(0, 50), turn(50, 0), turn(8, 100)]

    route(turns)

    assert [one.detour.arrivals[0].row for one in turns if one.detour] == [29]


def test_one_detour_is_enough_for_a_cycle_of_three() -> None:
    turns = [turn(0, 20), turn(20, 40), turn(40, 0)]

    tracks = route(turns)

    assert len([one for one in turns if one.detour]) == 1
    check(turns, tracks)


def test_the_tracks_of_a_detour_lead_from_left_to_right_where_no_other_arrow_demands_it() -> None:
    routed = turn(25, 50)
    routed.detour = turn(0, 25)

    check([routed], choose_tracks([routed]))


def test_a_straight_arrow_takes_no_track() -> None:
    straight, bent = turn(10, 10), turn(0, 30)

    assert route([straight, bent]) == 1
    assert straight.track is None


def test_arrows_far_apart_share_a_track() -> None:
    assert route([turn(0, 20), turn(50, 80)]) == 1
