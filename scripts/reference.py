"""The tables of the reference pages, read from the code: commands, limits, errors, variables, records, alarms."""

import ast
import importlib
import re
import sys
from collections.abc import Iterator, Mapping
from datetime import timedelta
from enum import Enum
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, get_args, get_origin

import typer

ROOT: Final = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from contradance import errors  # noqa: E402 - the project's root has to be importable first
from contradance.cli.app import app  # noqa: E402
from contradance.cli.lazy import LazyCommand  # noqa: E402
from contradance.envelope import Metadata  # noqa: E402
from contradance.infra.config import StackConfig  # noqa: E402
from contradance.infra.planning.plan import make_plan  # noqa: E402
from contradance.infra.planning.site import Site  # noqa: E402
from contradance.runtime.aws import metrics as metrics_module  # noqa: E402
from functions.choreography import food_delivery  # noqa: E402

_SOURCE: Final = re.compile(r"guide|reference|quota|Blog|Lambda API|SQS's|EventBridge accepts|DynamoDB", re.IGNORECASE)
"""What the docstring of a constant contains that repeats a limit of AWS, or follows from one."""
_SERVICES: Final = ("API Gateway", "CloudWatch", "DynamoDB", "EventBridge", "IAM", "Lambda", "SQS", "SSM")
_SHORT: Final = 3
"""Most words of an expression that a message's placeholder shows."""

_UNITS: Final = {
    "day": timedelta(days=1),
    "hour": timedelta(hours=1),
    "minute": timedelta(minutes=1),
    "second": timedelta(seconds=1),
}
"""Units in which a duration is shown: the largest of which it is a whole number."""


class Constant(NamedTuple):
    """A constant of a module, with the text below it."""

    module: str
    name: str
    text: str


def table(heads: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> str:
    """Return a table in Markdown."""
    lines = (f"| {' | '.join(map(table_cell, row))} |" for row in rows)
    return "\n".join([f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}", *lines])


def table_cell(text: str) -> str:
    """Return a text for a cell of a table, which GitHub and the site both show as it is.

    A `|` is an entity. What looks like an attribute list, `{"city": ["Berlin"]}`, or like bold, `__eq__`, is code.
    """
    prose = re.split(r"(`[^`]*`)", text)
    prose[::2] = [re.sub(r"[^\s,;]*\{[^{}]*\}[^\s.,;]*|__\w+__", r"`\g<0>`", part) for part in prose[::2]]
    text = "".join(prose)
    if "|" not in text:
        return text
    coded = re.sub(r"`([^`]*)`", lambda found: f"<code>{escape(found[1], quote=False)}</code>", text)
    return coded.replace("|", "&#124;")


def flat(text: str) -> str:
    """Return a text in one line."""
    return " ".join(text.split())


def constants(*folders: str) -> Iterator[Constant]:
    """Yield the documented constants of modules below `contradance/`."""
    for path in sorted(path for folder in folders for path in (ROOT / "contradance").rglob(folder)):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        body = ast.parse(path.read_text(encoding="utf-8")).body
        for node, below in pairwise(body):
            target = node.target if isinstance(node, ast.AnnAssign) else getattr(node, "targets", [None])[0]
            documented = isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant)
            if isinstance(target, ast.Name) and target.id.lstrip("_").isupper() and documented:
                yield Constant(module, target.id, flat(str(below.value.value)))  # type: ignore[attr-defined]  # documented


def commands() -> str:
    """Return every command with its help, arguments and options."""
    return "\n\n".join(_command(path, command) for path, command in commands_of(typer.main.get_command(app), ""))


def commands_of(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Yield each command below a group, with its path: `dlq list`."""
    for name, listed in command.commands.items():
        inner: Any = listed.loaded if isinstance(listed, LazyCommand) else listed
        here = f"{path} {name}".strip()
        if hasattr(inner, "commands"):
            yield from commands_of(inner, here)
        else:
            yield here, inner


def usage(path: str, command: Any) -> str:
    """Return a command with its arguments: `why EVENT`; optional arguments are in brackets."""
    arguments = [one for one in command.params if one.param_type_name == "argument" and not one.hidden]
    words = [_flags(each) if each.required else f"[{_flags(each)}]" for each in arguments]
    return " ".join([path, *words])


def _command(path: str, command: Any) -> str:
    shown = [one for one in command.params if not getattr(one, "hidden", False) and one.name != "help"]
    rows = ((f"`{_flags(one)}`", _default_of(one), flat(one.help or "")) for one in shown)
    paragraphs = [flat(part) for part in command.help.split("\n\n")]
    paragraphs[1:] = [f"`{part}`" if part.startswith("contradance ") else part for part in paragraphs[1:]]
    options = [table(("argument or option", "default", "meaning"), rows)] if shown else []
    return "\n\n".join(
        [f"### contradance {path}", *paragraphs, f"Usage: `contradance {usage(path, command)}`", *options]
    )


def _flags(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return str(parameter.metavar or parameter.name.upper())
    names = ", ".join([*parameter.opts, *parameter.secondary_opts])
    return names if parameter.is_flag else f"{names} {parameter.metavar or _kind(parameter.type_descriptor.annotation)}"


def _kind(annotation: Any) -> str:
    """Return what an option takes: its choices, or the name of its type."""
    if get_origin(annotation) is Literal:
        return "/".join(map(str, get_args(annotation)))
    types = [one for one in (get_args(annotation) or (annotation,)) if one is not type(None)]
    return "/".join(types[0]) if issubclass(types[0], Enum) else str(types[0].__name__).upper()


def _default_of(parameter: Any) -> str:
    default = parameter.default
    return (
        "" if default in (None, False, "") or callable(default) or str(default) == "Sentinel.UNSET" else f"`{default}`"
    )


def configuration() -> str:
    """Return a table of all keys of a stack's configuration."""
    fields = StackConfig.model_fields.values()
    rows = ((f"`{field.alias}`", _as_configured(field.default), field.description or "") for field in fields)
    return table(("key", "default", "meaning"), rows)


def _as_configured(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value or "")


def variables() -> str:
    """Return a table of the environment variables that a stack sets on its functions."""
    module = importlib.import_module("contradance.runtime.aws.variable_names")
    own = [one for one in constants("variable_names.py") if str(getattr(module, one.name)).isupper()]
    return table(("variable", "content"), ((f"`{getattr(module, one.name)}`", one.text) for one in own))


def limits() -> str:
    """Return a table for each service of AWS, of all limits whose source the code names, each limit once and sorted."""
    groups: dict[str, dict[str, str]] = {service: {} for service in _SERVICES}
    for one in constants("*.py"):
        value = getattr(importlib.import_module(one.module), one.name) if _SOURCE.search(one.text) else None
        if (shown := _as_limit(value)) is not None:
            limit, _, source = one.text.partition(". ")
            named = [service for text in (source, limit) for service in _SERVICES if service in text]
            same = groups[named[0]].setdefault(one.text, shown)
            groups[named[0]][one.text] = same if " " in same else shown  # `15 minutes` rather than 900
    return "\n\n".join(f"## {service}\n\n{_limits_of(found)}" for service, found in groups.items())


def _limits_of(found: Mapping[str, str]) -> str:
    """Return the table of one service's limits: each with its value and the rest of its text."""
    rows = sorted(
        (text.partition(". ")[0].rstrip("."), shown, text.partition(". ")[2]) for text, shown in found.items()
    )
    return table(("limit", "value", "source"), iter(rows))


def _as_limit(value: object) -> str | None:
    """Return a number, a duration, or several numbers as text; None for every other value."""
    if isinstance(value, timedelta):
        count, unit = next((value // size, unit) for unit, size in _UNITS.items() if value >= size and not value % size)
        return f"{count} {unit}{'' if count == 1 else 's'}"
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{value:,}"
    if isinstance(value, tuple) and value and all(isinstance(one, int) for one in value):
        return ", ".join(f"{one:,}" for one in value)
    return None


def envelope() -> str:
    """Return a table of the metadata of an event."""
    fields = Metadata.model_fields.items()
    rows = ((f"`{name}`", "yes" if field.is_required() else "no", field.description or "") for name, field in fields)
    return table(("field", "always there", "meaning"), rows)


def journal_record() -> str:
    """Return a table of the fields of a journal record."""
    return _fields("contradance/runtime/journal_record.py", "JournalRecord")


def dead_letter() -> str:
    """Return a table of the fields of a dead letter."""
    return _fields("contradance/operate/dead_letter.py", "DeadLetter")


def _fields(file: str, name: str) -> str:
    """Return a table of the annotated fields of a class, with the texts below them."""
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    (found,) = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name]
    rows = []
    for node, below in zip(found.body, [*found.body[1:], None], strict=True):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            text = below.value.value if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant) else ""
            rows.append((f"`{node.target.id}`", f"`{ast.unparse(node.annotation)}`", flat(str(text))))
    return table(("field", "type", "meaning"), iter(rows))


def metrics() -> str:
    """Return the table of the metrics, which is part of the docstring of their module."""
    return "\n".join(line for line in str(metrics_module.__doc__).splitlines() if line.startswith("|"))


def alarms() -> str:
    """Return a table of the kinds of alarms of the food delivery system, with their severity and description."""
    site = Site(food_delivery.name, "prod", "123456789012", "eu-central-1")
    plan = make_plan(food_delivery, StackConfig(secrets=frozenset({"gateway_key"})), site)
    owned = [(workload.function.name, alarm) for workload in plan.workloads for alarm in workload.alarms]
    rows: dict[str, tuple[str, ...]] = {}
    for owner, alarm in [*owned, *(("", alarm) for alarm in (plan.api.alarms if plan.api else ()))]:
        about = alarm.description.removeprefix(f"{alarm.severity}: ").removeprefix(f"{owner}: ")
        for varying, general in ((rf"\b{re.escape(owner)}\b", "NAME"), (rf"(?<=/){site.app}-[\w-]+", "FUNCTION"),
                                 (rf"{site.app}-[\w-]+", "QUEUE")):  # fmt: skip
            about = re.sub(varying, general, about) if owner else about
        about = re.sub(r"(?<=: )(?:contradance|pulumi|aws) [^;]+", r"`\g<0>`", about)
        on = ", ".join(f"`{one.namespace}` `{one.name}`" for one in alarm.metrics)
        rows.setdefault(alarm.purpose, (f"`{alarm.purpose}`", f"`{alarm.severity}`", about[0].upper() + about[1:], on))
    return table(("alarm", "severity", "meaning, and what to do", "metric"), iter(rows.values()))


def error_messages() -> str:
    """Return the messages of all exceptions of contradance, by class, each with its fix on the next line."""
    found: dict[str, list[tuple[str, str]]] = {}
    known = {name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, Exception)}
    for path in sorted((ROOT / "contradance").rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        named = _named_sentences(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and _called(node) in known and node.args:
                cause, _, fix = _text(node.args[0], named).partition("\n")
                if _has_words(cause):
                    found.setdefault(_called(node), []).append((flat(cause), flat(fix)))
    parts = []
    for name in sorted(found):
        about = flat(str(getattr(errors, name).__doc__).partition("\n\n")[0])
        messages = dict.fromkeys(sorted(found[name], key=lambda one: re.sub(r"\{.*?\}\W*", "", one[0]).lower()))
        shown = (f"- {_code(cause)}" + (f"<br>{_prose(fix)}" if fix else "") for cause, fix in messages)
        parts.append("\n\n".join([f"## {name}", about, "\n".join(shown)]))
    return "\n\n".join(parts)


def _code(text: str) -> str:
    """Return a text as code, also one that contains code itself."""
    return f"`` {text} ``" if "`" in text else f"`{text}`"


def _prose(text: str) -> str:
    """Return a text in which `<name>` is not a tag of HTML, and `[one][two]` not a link."""
    parts = re.split(r"(`[^`]*`)", text)
    parts[::2] = [escape(part, quote=False).replace("][", r"]\[") for part in parts[::2]]
    return "".join(parts)


def _called(node: ast.AST) -> str:
    function = getattr(node, "func", None)
    return str(getattr(function, "attr", getattr(function, "id", "")))


def _named_sentences(tree: ast.AST) -> dict[str, str]:
    """Return the text of each name, or default of an option, that a module binds once, to a sentence and not to one of two."""
    bound: dict[str, list[ast.expr]] = {}
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                bound.setdefault(name, []).append(value)
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                bound.setdefault(name, []).append(value)
            case ast.arguments(kwonlyargs=parameters, kw_defaults=defaults):
                for parameter, default in zip(parameters, defaults, strict=True):
                    bound.setdefault(parameter.arg, []).extend([default] if default else [])
    texts = {name: _text(values[0], {}) for name, values in bound.items() if len(values) == 1}
    return {
        name: text for name, text in texts.items() if _has_words(text) and not isinstance(bound[name][0], ast.IfExp)
    }


def _has_words(text: str) -> bool:
    """Whether a text has words, and not placeholders alone."""
    return re.search(r"[a-z]{3}", re.sub(r"\{.*?\}", "", text)) is not None


def _text(node: ast.AST, named: Mapping[str, str]) -> str:
    """Return a string expression as text, each placeholder as `_placeholder`; "" for every other expression."""
    match node:
        case ast.Constant(value=str() as text):
            return text
        case ast.JoinedStr(values=values):
            return "".join(_text(one, named) for one in values)
        case ast.FormattedValue(value=value):
            return _placeholder(value, named)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _text(left, named) + (_text(right, named) or "{...}")
        case ast.IfExp(body=body):
            return _text(body, named)
        case _:
            return ""


def _placeholder(value: ast.expr, named: Mapping[str, str]) -> str:
    """Return what a message shows of an expression: the sentence that a name is bound to, else its last word in braces."""
    match value:
        case ast.Name(id=name) if name in named:
            return named[name]
        case ast.Call(func=ast.Name(id="shortened"), args=[text, _]):
            return _placeholder(text, named)
        case _:
            words = re.findall(r"[A-Za-z_]+", ast.unparse(value))
            return "{" + (words[-1].strip("_") if 0 < len(words) <= _SHORT else "...") + "}"
