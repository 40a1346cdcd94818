"""One JSON Schema document: its root and the targets of its references."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import unquote

from contradance.compatibility.keywords import ANNOTATIONS, JsonSchema, is_schema, without_annotations
from contradance.errors import InvalidSchema

_BESIDE_A_REFERENCE: Final = ANNOTATIONS | {"$defs", "$id", "$ref", "$schema", "definitions"}
"""Keywords that do not constrain a value."""


class Document:
    """A schema with everything that it refers to. It must not change: its inner schemas are identified by `id()`."""

    def __init__(self, root: JsonSchema) -> None:
        if not is_schema(root):
            raise InvalidSchema(
                f"a JSON Schema is an object or a boolean, but this is a {type(root).__name__}.\n"
                "  Give the schema itself, as Model.model_json_schema(mode='serialization') returns it."
            )
        self.root = root
        self.draft_7 = isinstance(root, Mapping) and "draft-07" in str(root.get("$schema", ""))
        """Whether keywords beside `$ref` are ignored, as in draft 7."""
        self._own_name = str(root.get("$id", "")).rstrip("#") if isinstance(root, Mapping) else ""
        self._kept: list[JsonSchema] = []
        self._texts: dict[int, str] = {}
        self._anchors: dict[str, JsonSchema] = {}
        self._renamed = False
        """Whether an inner schema has its own `$id`, so that references in it are relative to that."""
        self._collect_anchors(root, top=True)

    def resolve(self, reference: object) -> JsonSchema | None:
        """Return the schema that a `$ref` names; None when it is not in this document, or one inside has an `$id`."""
        if not isinstance(reference, str) or self._renamed:
            return None
        name, _, fragment = reference.partition("#")
        if name not in ("", self._own_name):
            return None
        fragment = unquote(fragment)
        if fragment and not fragment.startswith("/"):
            return self._anchors.get(fragment)
        found: Any = self.root
        for step in fragment.split("/")[1:]:
            key = step.replace("~1", "/").replace("~0", "~")
            if isinstance(found, Mapping) and key in found:
                found = found[key]
            elif isinstance(found, list) and key.isdecimal() and int(key) < len(found):
                found = found[int(key)]
            else:
                return None
        return found if is_schema(found) else None

    def keep(self, schema: JsonSchema) -> JsonSchema:
        """Return `schema`, and keep a reference to it so that its `id()` stays unique."""
        self._kept.append(schema)
        return schema

    def text(self, schema: JsonSchema) -> str:
        """Return a schema and all that it refers to as canonical text: equal texts are equal schemas."""
        if id(schema) not in self._texts:
            own, seen, waiting = _canonical_text(schema), dict[str, str](), [schema]
            while waiting:
                for reference in _references_in(waiting.pop()):
                    if reference not in seen:
                        found = self.resolve(reference)
                        seen[reference] = "" if found is None else _canonical_text(found)
                        waiting += [] if found is None else [found]
            self._texts[id(schema)] = "\n".join([own, *(f"{key} {seen[key]}" for key in sorted(seen))])
        return self._texts[id(schema)]

    def _collect_anchors(self, inside: object, *, top: bool = False) -> None:
        """Collect the anchors of the schemas in a JSON value, and record whether an inner `$id` moves the base."""
        if isinstance(inside, Mapping):
            if isinstance(inside.get("$anchor"), str):
                self._anchors[inside["$anchor"]] = inside
            self._renamed = self._renamed or (not top and isinstance(inside.get("$id"), str))
        for value in inside.values() if isinstance(inside, Mapping) else inside if isinstance(inside, list) else ():
            self._collect_anchors(value)


class LocatedSchema(NamedTuple):
    """A schema and the document that it is in."""

    schema: JsonSchema
    document: Document
    as_written: bool = False
    """Whether objects are exactly as the schema defines them: neither closed for a publisher nor open for a consumer."""

    @property
    def text(self) -> str:
        """The schema and all that it refers to, as canonical text."""
        return self.document.text(self.schema)

    def of(self, schema: JsonSchema) -> "LocatedSchema":
        """Return another schema of the same document, as written if this one is."""
        return self._replace(schema=schema)

    def dereferenced(self) -> "LocatedSchema":
        """Return the target of a reference that has no constraints beside it, at any distance; else this."""
        place, seen = self, set[int]()
        while isinstance(place.schema, Mapping) and "$ref" in place.schema and id(place.schema) not in seen:
            seen.add(id(place.schema))
            alone = place.schema.keys() <= _BESIDE_A_REFERENCE or place.document.draft_7
            target = place.document.resolve(place.schema["$ref"]) if alone else None
            if target is None:
                break
            place = place.of(target)
        return place


Spot = tuple[LocatedSchema, ...]
"""The schemas of one value, which must satisfy all of them. An empty spot allows any value."""
SpotKey = tuple[tuple[int, int, bool], ...]


def key_of(spot: Spot) -> SpotKey:
    """Return a key that identifies a spot during the lifetime of its documents."""
    return tuple((id(place.document), id(place.schema), place.as_written) for place in spot)


def text_of(spot: Spot) -> str:
    """Return the schemas of a spot as canonical text."""
    return "\n&".join(sorted({place.text for place in spot}))


def _canonical_text(schema: JsonSchema) -> str:
    """Return a schema without its annotations as JSON with sorted keys."""
    return json.dumps(without_annotations(schema), sort_keys=True, separators=(",", ":"))


def _references_in(inside: object) -> Iterator[str]:
    """Yield each `$ref`, `$dynamicRef` and `$recursiveRef` at any depth of a JSON value."""
    if isinstance(inside, Mapping):
        for key, value in inside.items():
            if key in ("$ref", "$dynamicRef", "$recursiveRef") and isinstance(value, str):
                yield value
            else:
                yield from _references_in(value)
    elif isinstance(inside, list):
        for value in inside:
            yield from _references_in(value)
