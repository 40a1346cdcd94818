"""Creates a route: a handler with its request and its answer, an entry in the choreography, and a test."""

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
from contradance.scaffold.event_code import DELIVERY, HandlerInput, event_code, is_new_id, is_time
from contradance.scaffold.expression import Code, Import, quoted
from contradance.scaffold.field_spec import parse_fields
from contradance.scaffold.layout import EventRef, ProjectLayout
from contradance.scaffold.naming import pascal
from contradance.scaffold.source import Source
from contradance.scaffold.subscriber import check_publishes, new_function
from contradance.scaffold.template import fill_template

VERBS: Final = ("get", "post", "put", "patch", "delete")
_BODYLESS: Final = ("get", "delete")
_EXAMPLE: Final = "example"
"""Value of a placeholder in a test."""


def create_route(
    layout: ProjectLayout,
    service: str,
    path: str,
    verb: str,
    *,
    name: str | None = None,
    field_specs: Sequence[str] = (),
    publishes: Sequence[str] = (),
) -> Path:
    """Plan a new route: its file, which is returned, its test, and its entry in the choreography's list.

    Args:
        layout: the project.
        service: the service it belongs to; a new one is created.
        path: like `/loans/{loan_id}`.
        verb: one of `VERBS`.
        name: the handler's name; made from verb and path if None.
        field_specs: fields of its request, in the form of the command line; none for get and delete.
        publishes: the events it publishes, of its own service; none for get and delete.
    """
    verb = verb.lower()
    key = _route_key(layout, path, verb)
    published = [layout.event(one) for one in publishes]
    name = name or _default_name(verb, path)
    file = new_function(layout, service, name)
    if verb in _BODYLESS and (field_specs or published):
        raise CannotCreate(
            f"a {verb.upper()} request has no body, so --field and --publishes do not apply.\n  Use another verb, like post."
        )
    check_publishes(layout, service, published)
    request = None if verb in _BODYLESS else _request_class(layout, pascal(name), key, field_specs, published)
    parts = [*([request.code] if request else []), _handler_code(name, key, request, published)]
    source = Source(str(file), "").with_imports(sorted(frozenset[Import]().union(*(part.imports for part in parts))))
    layout.changes.create(file, source.with_code("\n\n\n".join(part.text for part in parts)).text)
    layout.add_function(service, name)
    layout.changes.create(layout.test_file(service, name), _test_module(file, key, request, published))
    return file


class _Request(NamedTuple):
    """The class of a route's request body."""

    name: str
    code: Code
    fields: frozenset[str]


class _Answer(NamedTuple):
    """What a handler returns."""

    field: str
    """The only field of the response body, with its type."""
    returns: str
    body: Code


def _request_class(
    layout: ProjectLayout, name: str, key: str, field_specs: Sequence[str], published: Sequence[EventRef]
) -> _Request:
    """Return the request's class: with the given fields, else with those that the first published event needs."""
    fields = parse_fields(field_specs, layout.value_types)
    names = frozenset(field.name for field in fields)
    lines = [(field.line, frozenset(field.imports)) for field in fields]
    contract = published[0].contract if published else None
    if contract is not None and not fields:
        names = frozenset(contract.model_fields) - _fields_filled_by_route(contract) - {*re.findall(PLACEHOLDER, key)}
        lines = list(_copied_fields(layout, contract, names))
    text = fill_template(
        "request.py", request=name, fields="\n".join(["", *(line for line, _ in lines)]) if lines else ""
    )
    imports = frozenset({("pydantic", "BaseModel")}).union(*(needed for _, needed in lines))
    return _Request(name, Code(text.rstrip(), imports), names)


def _fields_filled_by_route(contract: type[Contract]) -> frozenset[str]:
    """Return the names of an event's fields that a route fills itself: times, and the subject if it is a UUID."""
    fields = contract.model_fields.items()
    return frozenset(name for name, field in fields if is_time(field) or is_new_id(contract, name, field))


def _copied_fields(
    layout: ProjectLayout, contract: type[Contract], names: frozenset[str]
) -> Iterator[tuple[str, frozenset[Import]]]:
    """Yield (line, imports) of those fields of a contract that are in `names`, copied from its source."""
    source = layout.source(layout.file_of(contract.__module__))
    bindings = source.bindings()
    for statement in source.definition(ast.ClassDef, contract.__name__).body:
        match statement:
            case ast.AnnAssign(target=ast.Name(id=name)) if name in names:
                used = {node.id for node in ast.walk(statement) if isinstance(node, ast.Name)} & bindings.keys()
                origins = [(bindings[one] or f"{contract.__module__}:{one}").partition(":") for one in used]
                yield f"    {source.segment(statement)}", frozenset((module, one) for module, _, one in origins)


def _handler_code(name: str, key: str, request: _Request | None, published: Sequence[EventRef]) -> Code:
    """Return the source of the handler, and of the class of its response body."""
    placeholders = _typed_placeholders(key, published)
    answer = _answer_code(f"{pascal(name)}Answer", key, request, published, frozenset(placeholders))
    types = {one: type_.__name__ for one, (type_, _) in placeholders.items()}
    types |= {"request": request.name} if request else {}
    types |= {"delivery": "Delivery"} if DELIVERY in answer.body.imports else {}
    text = fill_template(
        "route.py",
        answer=f"{pascal(name)}Answer",
        field=answer.field,
        key=key,
        status=", status=201" if key.startswith("POST ") else "",
        handler=name,
        parameters=", ".join(f"{one}: {type_}" for one, type_ in types.items()),
        returns=answer.returns,
        body=answer.body.text,
    )
    return Code(
        text,
        answer.body.imports | _uuid_import(*types.values()) | {("contradance", "route"), ("pydantic", "BaseModel")},
    )


def _answer_code(
    name: str, key: str, request: _Request | None, published: Sequence[EventRef], placeholders: frozenset[str]
) -> _Answer:
    """Return what the handler returns: a reply with the first event, a new id for another POST, else the time."""
    contract = published[0].contract if published else None
    if contract is not None and request is not None:
        given = HandlerInput("request", fields=request.fields, parameters=placeholders)
        code = event_code(published, given, returned=False)
        subject = contract.subject_field
        type_ = members(contract.model_fields[subject].annotation)[0]
        return _Answer(
            f"{subject}: {type_.__name__}",
            f"Reply[{name}, {published[0].name}]",
            Code(
                f"{code.text}\n    return Reply({name}({subject}=event.{subject}), publishes=event)",
                code.imports | {("contradance", "Reply"), published[0].origin} | _uuid_import(type_.__name__),
            ),
        )
    if key.startswith("POST "):
        body = Code(f"    return {name}(id=uuid4())", frozenset({("uuid", "UUID"), ("uuid", "uuid4")}))
        return _Answer("id: UUID", name, body)
    imports = frozenset({("pydantic", "AwareDatetime"), DELIVERY})
    return _Answer("answered_at: AwareDatetime", name, Code(f"    return {name}(answered_at=delivery.now)", imports))


def _uuid_import(*type_names: str) -> frozenset[Import]:
    """Return the import of UUID if `UUID` is one of the types; else none."""
    return frozenset({("uuid", "UUID")} if "UUID" in type_names else ())


def _typed_placeholders(key: str, published: Sequence[EventRef]) -> dict[str, tuple[type, str]]:
    """Return (type, example) by placeholder: of the first event's field of that name if a UUID or int, else a text."""
    contract = published[0].contract if published else None
    found: dict[str, tuple[type, str]] = {}
    for name in re.findall(PLACEHOLDER, key):
        found[name] = (str, _EXAMPLE)
        if contract is not None and name in contract.model_fields:
            type_ = members(contract.model_fields[name].annotation)[0]
            if type_ in (UUID, int):
                found[name] = (type_, str(getattr(sample(contract), name)))
    return found


def _test_module(file: Path, key: str, request: _Request | None, published: Sequence[EventRef]) -> str:
    """Return the source of the module that tests the route."""
    method, _, path = key.partition(" ")
    examples = {name: example for name, (_, example) in _typed_placeholders(key, published).items()}
    source = Source("", "").with_import("contradance.testing", "Run")
    if request:
        module = ".".join(file.with_suffix("").parts)
        source = source.with_imports([("contradance.testing", "sample"), (module, request.name)])
    if published:
        source = source.with_import(*published[0].origin)
    arguments = [quoted(method), quoted(path.format(**examples)), *([f"sample({request.name})"] if request else [])]
    test = fill_template(
        "test_route.py",
        call=", ".join(arguments),
        status="201" if method == "POST" else "200",
        published=f"\n    run.assert_published({published[0].name})" if published else "",
    )
    return source.with_code(test).text


def _route_key(layout: ProjectLayout, path: str, verb: str) -> str:
    """Return `POST /loans` for `/loans` and `post`; raise `CannotCreate` if one is invalid, or the route exists."""
    if verb not in VERBS:
        raise CannotCreate(f"{verb!r} is not a verb.\n  Verbs: {', '.join(VERBS)}.")
    wrong = [one for one in path[1:].split("/") if not re.fullmatch(SEGMENT, one)] if path != "/" else []
    if not path.startswith("/") or wrong:
        raise CannotCreate(
            f"{path!r} is not a path: a path has words and placeholders in lower case.\n  Write it like /loans/{{loan_id}}."
        )
    key = f"{verb.upper()} {path}"
    shape = re.sub(PLACEHOLDER, "{}", key)
    for function, route in layout.choreography.routes:
        if route.shape == shape:
            raise CannotCreate(
                f"{key} already has a handler, {function.name} ({layout.file_of(function.handler.__module__)}).\n"
                "  Choose another path or verb."
            )
    return key


def _default_name(verb: str, path: str) -> str:
    """Return `post_loans` for `POST /loans`, and `get_loans_by_loan_id` for `GET /loans/{loan_id}`."""
    parts = [re.sub(PLACEHOLDER, r"by_\1", segment) for segment in path.split("/") if segment]
    return re.sub(r"\W+", "_", "_".join([verb, *parts])).lower().strip("_")
