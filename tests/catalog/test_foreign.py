"""Events of others in what the catalog makes of a choreography: apart from contracts, with where they come from."""

from xml.etree.ElementTree import fromstring

import pytest

from contradance import Choreography
from contradance.catalog.asyncapi import asyncapi
from contradance.catalog.exports import export
from contradance.catalog.listing import describe_foreign, list_contracts
from contradance.catalog.mermaid import mermaid
from contradance.catalog.paths import failure_path
from contradance.catalog.picture import svg
from contradance.catalog.picture.diagram import diagram_content
from contradance.fingerprint import fingerprint
from contradance.gate import breaks
from contradance.lint.rules import findings
from tests.album import album, forget_member, index_photo, note_shipment, rename_member
from tests.catalog.test_asyncapi import problems, references, resolved

FOREIGN = ["aws.s3/Object Created", "accounts/member removed", "aws.partner/printer.example/*/print/shipped"]


def test_the_choreography_relies_on_them_and_does_not_promise_them() -> None:
    assert [str(one.identity) for one in album.foreign] == FOREIGN
    assert album.foreign[1].consumers == ("gallery.forget_member", "people.rename_member")
    assert album.buses == ("default", "printer")
    assert len(album.contracts) == 1
    assert {edge.contract.__name__ for edge in album.edges} == {"PhotoIndexed"}


def test_the_gate_freezes_no_event_of_others() -> None:
    assert breaks(album, {}) == []
    assert list(export(album, "jsonschema")) == ["album.gallery/PhotoIndexed/v1.schema.json"]


def test_the_list_has_them_last_with_their_buses() -> None:
    listed = list_contracts(album, {})[1:]

    assert [(one.contract, one.state, one.origin) for one in listed] == [
        (FOREIGN[0], "of others", "bus 'default'"),
        (FOREIGN[1], "of others", "the application's bus"),
        (FOREIGN[2], "of others", "bus 'printer'"),
    ]
    assert str(listed[0]) == (
        "aws.s3/Object Created  (of others)\n  S3 stored an object.\n  consumed by  gallery.index_photo\n"
        "  from         bus 'default'"
    )


def test_one_is_shown_with_what_identifies_it_and_its_fields() -> None:
    first, second, *fields = describe_foreign(album.foreign[2])

    assert first == f"{FOREIGN[2]}  The print shop shipped a print."
    assert second == "  from bus 'printer', once by parcel.number; class in tests/album.py"
    assert [line.split() for line in fields] == [["parcel", "Parcel"], ["number", "str"], ["state", "str"]]


def test_the_picture_has_a_box_of_its_own_kind_for_each() -> None:
    boxes = {box.key: box for box in diagram_content(album).boxes if box.kind == "foreign"}

    assert [*boxes] == FOREIGN
    assert [line.text for line in boxes[FOREIGN[0]].lines] == ["Object", "Created", "aws.s3"]
    assert boxes[FOREIGN[1]].about == (
        "accounts/member removed: from others, on the application's bus, consumed by gallery.forget_member, "
        "people.rename_member."
    )
    drawn = fromstring(svg(album))  # noqa: S314 - our own picture
    texts = {element.text for element in drawn.iter() if element.text}
    assert "event of others" in texts
    assert "4 functions · 4 events · 3 services" in texts


def test_mermaid_has_them_with_their_source() -> None:
    text = mermaid(album)

    assert 'f_aws_s3_Object_Created(["Object Created<br/><i>aws.s3</i>"]):::foreign' in text
    assert "f_aws_s3_Object_Created --> gallery_index_photo" in text
    assert "aws.partner/printer.example/#42;" in text


@pytest.mark.parametrize("function", [None, *album.functions])
def test_the_asyncapi_document_is_valid_and_marks_them(function: str | None) -> None:
    document = asyncapi(album, function=function)

    assert problems(document) == []
    for reference in references(document):
        assert resolved(document, reference) is not None
    marked = [key for key, channel in document["channels"].items() if channel.get("x-foreign")]
    consumed = {None: 3, "people.rename_member": 1}.get(function, 1)
    assert len(marked) == consumed
    assert all(key.startswith("foreign.") for key in marked)


def test_a_function_of_events_of_others_is_on_no_failure_path() -> None:
    assert failure_path(album).functions == frozenset()


def test_lint_has_nothing_to_say_of_them() -> None:
    assert [one for one in findings(album) if one.kind != "outlived"] == []


def test_the_fingerprint_covers_what_it_relies_on() -> None:
    contracts = album.contracts

    one = Choreography("album", contracts=contracts, functions=[forget_member, rename_member, index_photo])
    other = Choreography(
        "album", contracts=contracts, functions=[forget_member, rename_member, index_photo, note_shipment]
    )

    assert fingerprint(one, []) != fingerprint(other, [])
