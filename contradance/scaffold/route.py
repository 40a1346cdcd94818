"""A new route: a handler with its request and its answer, its place in the choreography, and a test."""

import ast
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple
from uuid import UUID

from contradance.annotation import members
from contradance.catalog.sample import sample
from contradance.contract import Contract
from contradance.errors import CannotCreate
from contradance.httproute import PLACEHOLDER, SEGMENT
from contradance.scaffold.expression import Import, quoted
from contradance.scaffold.field import fields
from contradance.scaffold.naming import pascal
from contradance.scaffold.place import Event, Place
from contradance.scaffold.published import Given, is_moment, is_new_id, making
from contradance.scaffold.source import Source
from contradance.scaffold.subscriber import check_own, new_function
from contradance.scaffold.template import fill

VERBS: Final = ("get", "post", "put", "patch", "delete")
_BODYLESS: Final = ("get", "delete")
_EXAMPLE: Final = "example"
"""What a placeholder is in a test."""


def create_route(
    place: Place,
    service: str,
    path: str,
    verb: str,
    *,
    name: str | None = None,
    asked: Sequence[str] = (),
    publishes: Sequence[str] = (),
) -> Path:
    """Plan a new route, and return its file.

    Args:
        place: the project.
        service: that it belongs to.
        path: like `/loans/{loan_id}`.
        verb: one of `VERBS`.
        name: of its handler; made of verb and path unless given.
        asked: fields of its request, as the command line takes them.
        publishes: the events it publishes, of its own service.
    """
    key = _key(place, path, verb.lower())
    published = [place.event(one) for one in publishes]
    name = name or _called(verb.lower(), path)
    file = new_function(place, service, name)
    if verb.lower() in _BODYLESS and (asked or published):
        raise CannotCreate(
            f"a {verb.upper()} request has no body, so it takes no --field and publishes nothing here.\n"
            "  Use another verb, like post."
        )
    check_own(place, service, published)
    request = _request(place, pascal(name), key, asked, published) if verb.lower() not in _BODYLESS else None
    handler = _handler(name, key, request, published)
    source = Source(str(file), "")
    for module, imported in sorted({*handler.imports, *(request.imports if request else ())}):
        source = source.importing(module, imported)
    place.changes.create(
        file, source.appending(f"{request.text}\n\n\n{handler.text}" if request else handler.text).text
    )
    place.add_function(service, name)
    place.changes.create(place.test_file(service, name), _test(file, key, request, published))
    return file


class _Part(NamedTuple):
    """Some of the module's text."""

    text: str
    imports: frozenset[Import]
    name: str = ""
    fields: frozenset[str] = frozenset()


def _request(place: Place, name: str, key: str, asked: Sequence[str], published: Sequence[Event]) -> _Part:
    """Return the class of what a client says: what is asked for, else what the event needs to be told."""
    in_path = re.findall(PLACEHOLDER, key)
    holds = fields(asked, place.values)
    lines, imports = [field.line for field in holds], {one for field in holds for one in field.imports}
    names = {field.name for field in holds}
    contract = published[0].contract if published else None
    if contract is not None and not holds:
        told = {
            name: field
            for name, field in contract.model_fields.items()
            if not is_moment(field) and not is_new_id(contract, name, field) and name not in in_path
        }
        names = {*told}
        for text, needed in _copied(place, contract, names):
            lines.append(text)
            imports |= needed
    text = fill("request.py", request=name, fields="\n".join(["", *lines]) if lines else "")
    return _Part(text.rstrip(), frozenset({*imports, ("pydantic", "BaseModel")}), name, frozenset(names))


def _copied(place: Place, contract: type[Contract], names: set[str]) -> Iterator[tuple[str, set[Import]]]:
    """Yield (line, imports) of some of a contract's fields, as its author wrote them."""
    source = place.source(place.file_of(contract.__module__))
    bound = source.bound()
    for statement in source.class_named(contract.__name__).body:
        if (
            isinstance(statement, ast.AnnAssign)
            and isinstance(statement.target, ast.Name)
            and statement.target.id in names
        ):
            used = {node.id for node in ast.walk(statement) if isinstance(node, ast.Name)} & bound.keys()
            origins = {name: bound[name] or f"{contract.__module__}:{name}" for name in used}
            yield (
                f"    {source.segment(statement)}",
                {(module, name) for module, _, name in (origin.partition(":") for origin in origins.values())},
            )


def _handler(name: str, key: str, request: _Part | None, published: Sequence[Event]) -> _Part:
    """Return the handler, and the class of what it answers."""
    answer = f"{pascal(name)}Answer"
    told = _in_path(key, published)
    parameters = [f"{name}: {kind.__name__}" for name, (kind, _) in told.items()]
    imports: set[Import] = {("contradance", "route"), ("pydantic", "BaseModel")}
    imports |= {("uuid", "UUID")} if any(kind is UUID for kind, _ in told.values()) else set()
    if request:
        parameters.append(f"request: {request.name}")
    contract = published[0].contract if published else None
    if contract is not None and request is not None:
        given = Given("request", fields=request.fields, parameters=frozenset(told))
        made = making(published, given, returned=False)
        kind = members(contract.model_fields[contract.subject_field].annotation)[0]
        field, returns = f"{contract.subject_field}: {kind.__name__}", f"Reply[{answer}, {published[0].name}]"
        body = f"{made.text}\n    return Reply({answer}({contract.subject_field}=event.{contract.subject_field}), publishes=event)"
        imports |= {*made.imports, ("contradance", "Reply"), (published[0].module, published[0].name)}
        imports |= {("uuid", "UUID")} if kind is UUID else set()
        takes_delivery = made.takes_delivery
    elif key.startswith("POST "):
        field, returns, body, takes_delivery = "id: UUID", answer, f"    return {answer}(id=uuid4())", False
        imports |= {("uuid", "UUID"), ("uuid", "uuid4")}
    else:
        field, returns, takes_delivery = "answered_at: AwareDatetime", answer, True
        body = f"    return {answer}(answered_at=delivery.now)"
        imports |= {("pydantic", "AwareDatetime"), ("contradance", "Delivery")}
    text = fill(
        "route.py",
        answer=answer,
        field=field,
        key=key,
        status=", status=201" if key.startswith("POST ") else "",
        handler=name,
        parameters=", ".join([*parameters, *(["delivery: Delivery"] if takes_delivery else [])]),
        returns=returns,
        body=body,
    )
    return _Part(text, frozenset(imports))


def _in_path(key: str, published: Sequence[Event]) -> dict[str, tuple[type, str]]:
    """Return (type, example) of each placeholder in the path: as the event has it, where it has a field of that name."""
    contract = published[0].contract if published else None
    found: dict[str, tuple[type, str]] = {}
    for name in re.findall(PLACEHOLDER, key):
        field = contract.model_fields.get(name) if contract else None
        kinds = members(field.annotation) if field else ()
        known = contract is not None and kinds and kinds[0] in (UUID, int)
        found[name] = (kinds[0], str(getattr(sample(contract), name))) if contract and known else (str, _EXAMPLE)
    return found


def _test(file: Path, key: str, request: _Part | None, published: Sequence[Event]) -> str:
    """Return the module that tests the route."""
    method, _, path = key.partition(" ")
    told = _in_path(key, published)
    source = Source("", "").importing("contradance.testing", "Run")
    if request:
        module = ".".join(file.with_suffix("").parts)
        source = source.importing("contradance.testing", "sample").importing(module, request.name)
    if published:
        source = source.importing(published[0].module, published[0].name)
    test = fill(
        "test_route.py",
        call=", ".join(
            [
                quoted(method),
                quoted(path.format(**{name: example for name, (_, example) in told.items()})),
                *([f"sample({request.name})"] if request else []),
            ]
        ),
        status="201" if method == "POST" else "200",
        published=f"\n    run.assert_published({published[0].name})" if published else "",
    )
    return source.appending(test).text


def _key(place: Place, path: str, verb: str) -> str:
    if verb not in VERBS:
        raise CannotCreate(f"{verb!r} is no verb.\n  Verbs: {', '.join(VERBS)}.")
    wrong = [one for one in path[1:].split("/") if not re.fullmatch(SEGMENT, one)] if path != "/" else []
    if not path.startswith("/") or wrong:
        raise CannotCreate(
            f"{path!r} is no path: it is made of words and placeholders in lower case.\n  Write it like /loans/{{loan_id}}."
        )
    key = f"{verb.upper()} {path}"
    shape = re.sub(PLACEHOLDER, "{}", key)
    for function, route in place.choreography.routes:
        if route.shape == shape:
            raise CannotCreate(
                f"{key} is served already, by {function.name} ({place.file_of(function.handler.__module__)}).\n"
                "  Choose another path or verb."
            )
    return key


def _called(verb: str, path: str) -> str:
    """Return `post_loans` for `POST /loans`, and `get_loans_by_loan_id` for `GET /loans/{loan_id}`."""
    parts = [re.sub(PLACEHOLDER, r"by_\1", segment) for segment in path.split("/") if segment]
    return re.sub(r"\W+", "_", "_".join([verb, *parts])).lower().strip("_")
