"""One JSON Schema document: its root, and what the references in it mean."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import unquote

from contradance.compatibility.keywords import ANNOTATIONS, JsonSchema, bare, is_schema
from contradance.errors import InvalidSchema

_BESIDE_A_REFERENCE: Final = ANNOTATIONS | {"$defs", "$id", "$ref", "$schema", "definitions"}
"""Keywords that say nothing of a value by themselves."""


class Document:
    """A schema with everything it refers to; schemas are told apart by their place in it, so it must not change."""

    def __init__(self, root: JsonSchema) -> None:
        if not is_schema(root):
            raise InvalidSchema(
                f"a JSON Schema is an object or a boolean, but this is a {type(root).__name__}.\n"
                "  Give the schema itself, as Model.model_json_schema(mode='serialization') returns it."
            )
        self.root = root
        self.draft_7 = isinstance(root, Mapping) and "draft-07" in str(root.get("$schema", ""))
        """Whether keywords beside `$ref` are ignored, as draft 7 has it."""
        self._own_name = str(root.get("$id", "")).rstrip("#") if isinstance(root, Mapping) else ""
        self._kept: list[JsonSchema] = []
        self._texts: dict[int, str] = {}
        self._anchors: dict[str, JsonSchema] = {}
        self._renamed = False
        """Whether a schema inside has a name of its own, so that references in it are relative to that."""
        self._look(root, top=True)

    def referred(self, reference: object) -> JsonSchema | None:
        """Return the schema that a `$ref` names; None where this document does not hold it."""
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
        """Hold on to a schema that was made up for this document, and return it."""
        self._kept.append(schema)
        return schema

    def text(self, schema: JsonSchema) -> str:
        """Return what `schema` says, references included, as canonical text: equal texts are equal schemas."""
        if id(schema) not in self._texts:
            said, seen, waiting = _canonical(schema), dict[str, str](), [schema]
            while waiting:
                for reference in _references(waiting.pop()):
                    if reference not in seen:
                        found = self.referred(reference)
                        seen[reference] = "" if found is None else _canonical(found)
                        waiting += [] if found is None else [found]
            self._texts[id(schema)] = "\n".join([said, *(f"{key} {seen[key]}" for key in sorted(seen))])
        return self._texts[id(schema)]

    def _look(self, inside: object, *, top: bool = False) -> None:
        """Find the anchors, and the names that would change what references mean."""
        if isinstance(inside, Mapping):
            if isinstance(inside.get("$anchor"), str):
                self._anchors[inside["$anchor"]] = inside
            self._renamed = self._renamed or (not top and isinstance(inside.get("$id"), str))
        for value in inside.values() if isinstance(inside, Mapping) else inside if isinstance(inside, list) else ():
            self._look(value)


class LocatedSchema(NamedTuple):
    """A schema where it stands in its document."""

    schema: JsonSchema
    document: Document
    as_written: bool = False
    """Whether objects are taken as the schema has them: neither closed for a publisher, nor open for a consumer."""

    @property
    def text(self) -> str:
        """What it says, as canonical text."""
        return self.document.text(self.schema)

    def of(self, schema: JsonSchema) -> "LocatedSchema":
        """Return a schema inside this one."""
        return self._replace(schema=schema)

    def followed(self) -> "LocatedSchema":
        """Return what a reference that stands alone leads to, so that one schema is one place; else this."""
        place, seen = self, set[int]()
        while isinstance(place.schema, Mapping) and "$ref" in place.schema and id(place.schema) not in seen:
            seen.add(id(place.schema))
            alone = place.schema.keys() <= _BESIDE_A_REFERENCE or place.document.draft_7
            target = place.document.referred(place.schema["$ref"]) if alone else None
            if target is None:
                break
            place = place.of(target)
        return place


Spot = tuple[LocatedSchema, ...]
"""What is said of one value: it satisfies every one of these schemas. Nothing is said by an empty one."""
SpotKey = tuple[tuple[int, int, bool], ...]


def key_of(spot: Spot) -> SpotKey:
    """Return what tells a spot from others as long as its documents live, which may share parts."""
    return tuple((id(place.document), id(place.schema), place.as_written) for place in spot)


def text_of(spot: Spot) -> str:
    """Return what is said at a spot, as canonical text."""
    return "\n&".join(sorted({place.text for place in spot}))


def _canonical(schema: JsonSchema) -> str:
    return json.dumps(bare(schema), sort_keys=True, separators=(",", ":"))


def _references(inside: object) -> Iterator[str]:
    if isinstance(inside, Mapping):
        for key, value in inside.items():
            if key in ("$ref", "$dynamicRef", "$recursiveRef") and isinstance(value, str):
                yield value
            else:
                yield from _references(value)
    elif isinstance(inside, list):
        for value in inside:
            yield from _references(value)
