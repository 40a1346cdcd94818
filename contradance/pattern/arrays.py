"""Array consistency: two fields under one array of objects must match in the same element of it, at any depth.

The event is walked once along the branch's fields. Every object or array inside an array opens a *scope*. Then the
arrays are settled from the innermost outwards: an array gives its fields to the scope that it stands in when one of its
elements has all of them. Nothing recurses, and no combination of elements is ever tried, so the time is proportional
to the part of the event that the fields lead through.

Absence (`exists: false`) follows Event Ruler, which reads the fields of a branch in the order of their paths: once a
field has fixed the element of an array, those after it need only be absent from that element; those before it, from
the whole array. Bits of integers stand for fields, in that order.
"""

from collections.abc import Mapping

from contradance.pattern.alternatives import Alternatives
from contradance.pattern.leaves import spellings


class _PathNode:
    """A name on the way to fields; `fields` are the bits of those at it and below; `deep` when two steps below."""

    __slots__ = ("children", "deep", "fields", "leaf")

    def __init__(self) -> None:
        self.children: dict[str, _PathNode] = {}
        self.fields = 0
        self.leaf = 0
        self.deep = False


class _Scope:
    """An element of an array, or the whole event: which fields are present in it, matched, and settled."""

    __slots__ = ("matched", "present", "settled")

    def __init__(self) -> None:
        self.present = 0
        self.matched = 0
        self.settled = 0


class _Array:
    __slots__ = ("elements", "node", "outer")

    def __init__(self, node: _PathNode, outer: _Scope) -> None:
        self.node = node
        self.outer = outer
        self.elements: list[_Scope] = []


_Step = tuple[object, _PathNode, _Scope]


class Consistent:
    """The complete matcher of one branch."""

    __slots__ = ("_all", "_fields", "_may_be_absent", "_root")

    def __init__(self, branch: Mapping[str, Alternatives]) -> None:
        self._fields: dict[int, Alternatives] = {}
        self._root = _PathNode()
        self._may_be_absent = 0
        self._all = (1 << len(branch)) - 1
        for position, path in enumerate(sorted(branch)):
            bit = 1 << position
            self._fields[bit] = branch[path]
            if branch[path].absent:
                self._may_be_absent |= bit
            outer = node = self._root
            for step in path.split("."):
                node.fields |= bit
                outer.deep |= node is not outer
                outer, node = node, node.children.setdefault(step, _PathNode())
            node.fields |= bit
            node.leaf = bit

    def matches(self, event: Mapping[str, object]) -> bool:
        """Whether every field of the branch matches, consistently."""
        whole, arrays = self._walk(event)
        for array in reversed(arrays):
            self._settle(array)
        return self._settled(whole) == self._all

    def _walk(self, event: Mapping[str, object]) -> tuple[_Scope, list[_Array]]:
        """Go through the event; return its own scope, and its arrays, each after those that it is inside of."""
        whole = _Scope()
        arrays: list[_Array] = []
        stack: list[_Step] = [(event, self._root, whole)]
        while stack:
            value, node, scope = stack.pop()
            if isinstance(value, Mapping):
                _enter(value, node, scope, stack)
            elif isinstance(value, (list, tuple)):
                array = self._open(value, node, scope, stack)
                if array.elements:
                    arrays.append(array)
            elif node.leaf:
                self._meet(value, node.leaf, scope)
        return whole, arrays

    def _open(
        self, values: list[object] | tuple[object, ...], node: _PathNode, scope: _Scope, stack: list[_Step]
    ) -> _Array:
        array = _Array(node, scope)
        for element in values:
            if isinstance(element, (list, tuple, Mapping)):
                inner = _Scope()
                array.elements.append(inner)
                stack.append((element, node, inner))
            elif node.leaf:
                self._meet(element, node.leaf, scope)
        return array

    def _meet(self, leaf: object, field: int, scope: _Scope) -> None:
        scope.present |= field
        if not scope.matched & field and self._fields[field].accepts(leaf):
            scope.matched |= field

    def _settled(self, scope: _Scope) -> int:
        return scope.settled | scope.matched | (self._may_be_absent & ~scope.present)

    def _settle(self, array: _Array) -> None:
        """Give the fields of an array to the scope around it, when one element has them all."""
        outer = array.outer
        fields = array.node.fields & ~outer.matched if array.node.leaf else array.node.fields
        present = 0
        for element in array.elements:
            present |= element.present
        to_match, to_settle = self._demands(fields, present)
        outer.present |= present
        if to_match & ~present:
            return
        for element in array.elements:
            if to_match & ~element.matched == 0 and to_settle & ~self._settled(element) == 0:
                outer.settled |= to_match | to_settle
                outer.matched |= to_match
                return

    def _demands(self, fields: int, present: int) -> tuple[int, int]:
        """Which fields one element must match, and which it must either match or lack where absence will do."""
        to_match = to_settle = 0
        fixed = False
        for bit, alternatives in self._fields.items():
            if not bit & fields or (not bit & present and not (fixed and alternatives.absent)):
                continue
            if fixed or not alternatives.absent:
                to_settle |= bit
                fixed = True
            elif alternatives.optional:
                to_match |= bit
                fixed = True
        return to_match, to_settle


def _enter(value: Mapping[str, object], node: _PathNode, scope: _Scope, stack: list[_Step]) -> None:
    for name, child in node.children.items():
        if name in value:
            stack.append((value[name], child, scope))
    if node.deep:
        for name, steps in spellings(value):
            spelled = _descend(node, steps)
            if spelled is not None:
                stack.append((value[name], spelled, scope))


def _descend(node: _PathNode, steps: list[str]) -> _PathNode | None:
    for step in steps:
        child = node.children.get(step)
        if child is None:
            return None
        node = child
    return node
