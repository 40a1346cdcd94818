"""Creates a table: the class of its items and its declaration, in the tables module of its service."""

from collections.abc import Sequence
from pathlib import Path

from contradance.errors import CannotCreate
from contradance.scaffold.field_spec import DEFAULT, choose_subject, parse_fields
from contradance.scaffold.layout import ProjectLayout
from contradance.scaffold.naming import field_name, pascal, service_name
from contradance.scaffold.template import fill_template


def create_table(
    layout: ProjectLayout, name: str, service: str, field_specs: Sequence[str] = (), *, keys: Sequence[str] = ()
) -> Path:
    """Plan a new table, return the file that declares it; raise `CannotCreate` for a name or a key that cannot be.

    Args:
        layout: the project.
        name: the table's name, in the plural: `loans`.
        service: the service that owns it.
        field_specs: the fields of an item, in the form of the command line; a single id if empty.
        keys: the field of the partition key, and of the sort key if there is one; an id of the fields if empty.
    """
    field_name(name)
    fields = parse_fields(field_specs, layout.value_types) or [DEFAULT]
    chosen = [*keys] or [choose_subject(fields, None).name]
    unknown = [key for key in chosen if key not in {field.name for field in fields}]
    if unknown or len(chosen) > 2 or len({*chosen}) < len(chosen):  # noqa: PLR2004 - partition key and sort key
        raise CannotCreate(
            f"{', '.join(chosen)} cannot be the key of {name}.\n"
            f"  Name one field or two: {', '.join(field.name for field in fields)}."
        )
    path = layout.file_of(f"{layout.functions_package}.{service_name(service)}.tables")
    layout.changes.ensure(path.parent / "__init__.py", "")
    layout.changes.ensure(path, "")
    source, record = layout.source(path), pascal(name.removesuffix("s")) + "Record"
    taken = {name, record} & source.bindings().keys()
    if taken:
        raise CannotCreate(f"{path} defines {' and '.join(sorted(taken))} already.\n  Choose another name.")
    imports = [("contradance", "Table"), ("pydantic", "BaseModel"), *(one for field in fields for one in field.imports)]
    text = fill_template(
        "table.py",
        table=name,
        record=record,
        key=", ".join(f'"{key}"' for key in chosen),
        fields="\n".join(field.line for field in fields),
    )
    layout.edit(source.with_imports(imports).with_code(text))
    return path
