"""Mutations of a module: each changes one place of its text in a way that some test should notice."""

import ast
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

_COMPARISONS: Final[dict[type[ast.cmpop], type[ast.cmpop]]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_ARITHMETIC: Final[dict[type[ast.operator], type[ast.operator]]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
}


class Mutation(NamedTuple):
    """One change of a module's text."""

    line: int
    """Of the first changed line, from 1."""
    end_line: int
    start: int
    """Of the replaced text, in UTF-8 bytes from the beginning of the module."""
    end: int
    text: str
    """What replaces it."""
    at_import: bool
    """Whether the place runs when the module is imported, outside of every function."""

    def apply(self, source: bytes) -> bytes:
        """Return the mutated module."""
        return source[: self.start] + self.text.encode() + source[self.end :]


def mutations(source: bytes) -> list[Mutation]:
    """Return every mutation of a module, in the order of its text."""
    tree = ast.parse(source)
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))

    def mutation(place: _Place, text: str) -> Mutation:
        node = place.node
        end_line, end_column = node.end_lineno or node.lineno, node.end_col_offset or 0  # a parsed node has both
        start, end = starts[node.lineno - 1] + node.col_offset, starts[end_line - 1] + end_column
        return Mutation(node.lineno, end_line, start, end, text, place.at_import)

    found = [mutation(place, text) for place in _places(tree, at_import=True) for text in _texts(place)]
    return sorted({one for one in found if one.apply(source) != source})


class _Place(NamedTuple):
    """A node that runs, and how."""

    node: ast.expr | ast.stmt
    is_condition: bool
    at_import: bool


def _places(node: ast.AST, *, at_import: bool) -> Iterator[_Place]:
    """Return each node that runs: no annotation, no docstring, nothing that only a type checker reads."""
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "type_params") or isinstance(node, ast.JoinedStr):
            continue  # Python 3.11 has no positions inside of an f-string
        now = at_import and not (
            name == "body" and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        )
        for child in value if isinstance(value, list) else [value]:
            if not isinstance(child, ast.AST) or _is_for_readers(child):
                continue
            if isinstance(child, ast.expr | ast.stmt):
                yield _Place(child, name in ("test", "ifs", "guard"), now)
            yield from _places(child, at_import=now)


def _is_for_readers(node: ast.AST) -> bool:
    match node:
        case ast.Expr(value=ast.Constant()):
            return True
        case ast.If(test=ast.Name(id="TYPE_CHECKING")):
            return True
        case ast.Assign(targets=[ast.Name(id="__all__" | "__slots__")]):
            return True
        case ast.Call(func=ast.Name(id="TypeVar" | "NewType" | "cast")):
            return True
        case ast.Call(func=ast.Name(id="dataclass"), keywords=given):  # the type checker refuses an assignment
            return all(one.arg in ("frozen", "slots") for one in given)
    return False


def _texts(place: _Place) -> Iterator[str]:
    """Return what may stand for a node."""
    node = place.node
    for rule in _RULES:
        yield from rule(node)
    if place.is_condition and not isinstance(node, ast.Compare | ast.UnaryOp):  # rules of their own turn those round
        yield f"(not ({ast.unparse(node)}))"


def _comparisons(node: ast.AST) -> Iterator[str]:
    """`<` for `<=`, `==` for `!=` ..."""
    if isinstance(node, ast.Compare):
        for place, operator in enumerate(node.ops):
            operators = [*node.ops]
            operators[place] = _COMPARISONS[type(operator)]()
            yield f"({ast.unparse(ast.Compare(node.left, operators, node.comparators))})"


def _operators(node: ast.AST) -> Iterator[str]:
    """`and` for `or`, `+` for `-`, and no `not`."""
    match node:
        case ast.BoolOp(op=operator, values=values):
            yield f"({ast.unparse(ast.BoolOp(ast.Or() if isinstance(operator, ast.And) else ast.And(), values))})"
        case ast.BinOp(left=left, op=operator, right=right) if type(operator) in _ARITHMETIC:
            yield f"({ast.unparse(ast.BinOp(left, _ARITHMETIC[type(operator)](), right))})"
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield f"({ast.unparse(operand)})"


def _constants(node: ast.AST) -> Iterator[str]:
    """Numbers one more and one less, True for False."""
    match node:
        case ast.Constant(value=bool() as value):
            yield str(not value)
        case ast.Constant(value=int() | float() as value):
            yield f"{value + 1}"
            yield f"({value - 1})"


def _statements(node: ast.AST) -> Iterator[str]:
    """`pass` for a statement, None for a result."""
    match node:
        case ast.Return(value=ast.expr() as value) if not (isinstance(value, ast.Constant) and value.value is None):
            yield "return None"
        case ast.Expr(value=ast.Yield() | ast.YieldFrom() | ast.Await()):
            return
        case ast.Expr() | ast.Raise() | ast.Delete() | ast.Continue() | ast.Break() | ast.AugAssign():
            yield "pass"
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]):
            yield "pass"


def _keywords(node: ast.AST) -> Iterator[str]:
    """One keyword argument less in a call."""
    if isinstance(node, ast.Call):
        for dropped in node.keywords:
            if dropped.arg is not None:
                yield ast.unparse(ast.Call(node.func, node.args, [one for one in node.keywords if one is not dropped]))


_RULES: Final[tuple[Callable[[ast.AST], Iterator[str]], ...]] = (
    _comparisons,
    _operators,
    _constants,
    _statements,
    _keywords,
)
