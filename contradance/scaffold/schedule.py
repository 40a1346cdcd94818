"""Creates a scheduled function: a handler in its own module, an entry in the choreography, and a test."""

from collections.abc import Sequence
from pathlib import Path

from contradance.scaffold.event_code import DELIVERY, HandlerInput, event_code
from contradance.scaffold.expression import Code
from contradance.scaffold.layout import ProjectLayout
from contradance.scaffold.naming import words
from contradance.scaffold.source import Source
from contradance.scaffold.subscriber import check_publishes, new_function
from contradance.scaffold.template import fill_template
from contradance.timetable import parse_timetable


def create_schedule(
    layout: ProjectLayout,
    name: str,
    service: str,
    expression: str,
    *,
    publishes: Sequence[str] = (),
    timezone: str = "UTC",
) -> Path:
    """Plan a new scheduled function: its file, which is returned, its test, and its entry in the choreography's list.

    Args:
        layout: the project.
        name: the handler's name, like `sum_up_day`.
        service: the service it belongs to.
        expression: like `rate(1 day)` or `cron(0 12 * * ? *)`.
        publishes: the events it may publish, of its own service.
        timezone: the IANA time zone of a cron.
    """
    parse_timetable(expression, name, timezone=timezone)
    published = [*dict.fromkeys(layout.event(one) for one in publishes)]
    path = new_function(layout, service, name)
    check_publishes(layout, service, published)
    code = event_code(published, HandlerInput("", [])) if published else Code("")
    imports = [("contradance", "schedule"), *(one.origin for one in published), *sorted(code.imports)]
    source = Source(str(path), "import logging\n\n").with_imports(imports)
    text = fill_template(
        "schedule.py",
        expression=expression,
        timezone="" if timezone == "UTC" else f', timezone="{timezone}"',
        handler=name,
        words=words(name),
        parameters="delivery: Delivery" if DELIVERY in code.imports else "",
        returns=" | ".join(one.name for one in published) or "None",
        publish=f"\n{code.text}" if published else "",
    )
    layout.changes.create(path, source.with_code(text).text)
    layout.add_function(service, name)
    used = [("contradance.testing", "Run"), *(one.origin for one in published[:1])]
    test = fill_template(
        "test_schedule.py",
        function=f"{service}.{name}",
        published=f"\n    run.assert_published({published[0].name})" if published else "",
    )
    file = layout.test_file(service, name)
    layout.changes.create(file, Source(str(file), "").with_imports(used).with_code(test).text)
    return path
