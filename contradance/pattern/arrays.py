"""Array consistency: two fields under one array of objects must match in the same element, at any depth.

`_walk` goes through the event once, along the fields of the branch. Every object or array inside an array opens a scope.
`_settle` then handles the arrays from the innermost outwards: when one element has all fields of its array, the outer
scope gets these fields. There is no recursion, and no combination of elements is tried, so the time is proportional to
the part of the event that the fields lead through.

Absence (`exists: false`) follows Event Ruler, which reads the fields of a branch in the order of their paths. Once a field
has fixed the element of an array, later fields need to be absent from that element only; earlier ones from the whole
array. One bit of an integer stands for one field, in that order.
"""

from collections.abc import Mapping

from contradance.pattern.alternatives import Alternatives
from contradance.pattern.leaves import dotted_names


class _PathNode:
    """One step of the fields' paths.

    `fields`: bits of the fields at this node and below. `leaf`: bit of the field at this node. `deep`: some field is two
    or more steps below, so that a name with dots (`a.b`) may spell its path.
    """

    __slots__ = ("children", "deep", "fields", "leaf")

    def __init__(self) -> None:
        self.children: dict[str, _PathNode] = {}
        self.fields = 0
        self.leaf = 0
        self.deep = False


class _Scope:
    """An element of an array, or the whole event: bits of the fields that are present, matched, and settled in it."""

    __slots__ = ("matched", "present", "settled")

    def __init__(self) -> None:
        self.present = 0
        self.matched = 0
        self.settled = 0


class _Array:
    """An array of objects or arrays: its scopes, its node, and the scope it is in."""

    __slots__ = ("elements", "node", "outer")

    def __init__(self, node: _PathNode, outer: _Scope) -> None:
        self.node = node
        self.outer = outer
        self.elements: list[_Scope] = []


_Step = tuple[object, _PathNode, _Scope]


class Consistent:
    """Matches one branch against any event, with array consistency. Slower than the checks of `leaves`."""

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
        """Return whether every field of the branch matches, consistently."""
        whole, arrays = self._walk(event)
        for array in reversed(arrays):
            self._settle(array)
        return self._satisfied(whole) == self._all

    def _walk(self, event: Mapping[str, object]) -> tuple[_Scope, list[_Array]]:
        """Return the scope of the event and its arrays, outer arrays before inner ones."""
        whole = _Scope()
        arrays: list[_Array] = []
        stack: list[_Step] = [(event, self._root, whole)]
        while stack:
            value, node, scope = stack.pop()
            if isinstance(value, Mapping):
                _push_fields(value, node, scope, stack)
            elif isinstance(value, (list, tuple)):
                array = self._open_array(value, node, scope, stack)
                if array.elements:
                    arrays.append(array)
            elif node.leaf:
                self._match_leaf(value, node.leaf, scope)
        return whole, arrays

    def _open_array(
        self, values: list[object] | tuple[object, ...], node: _PathNode, scope: _Scope, stack: list[_Step]
    ) -> _Array:
        """Return an array with a scope for each object or array in it, pushed to `stack`; match its leaves."""
        array = _Array(node, scope)
        for element in values:
            if isinstance(element, (list, tuple, Mapping)):
                inner = _Scope()
                array.elements.append(inner)
                stack.append((element, node, inner))
            elif node.leaf:
                self._match_leaf(element, node.leaf, scope)
        return array

    def _match_leaf(self, leaf: object, field: int, scope: _Scope) -> None:
        """Record in a scope that a field is present, and that it is matched when it accepts the leaf."""
        scope.present |= field
        if not scope.matched & field and self._fields[field].accepts(leaf):
            scope.matched |= field

    def _satisfied(self, scope: _Scope) -> int:
        """Return the bits of the fields that are settled or matched in a scope, or that may be absent and are."""
        return scope.settled | scope.matched | (self._may_be_absent & ~scope.present)

    def _settle(self, array: _Array) -> None:
        """Settle the fields of an array in the outer scope when one element has all of them."""
        outer = array.outer
        fields = array.node.fields & ~outer.matched if array.node.leaf else array.node.fields
        present = 0
        for element in array.elements:
            present |= element.present
        to_match, to_settle = self._required_fields(fields, present)
        outer.present |= present
        if to_match & ~present:
            return
        for element in array.elements:
            if to_match & ~element.matched == 0 and to_settle & ~self._satisfied(element) == 0:
                outer.settled |= to_match | to_settle
                outer.matched |= to_match
                return

    def _required_fields(self, fields: int, present: int) -> tuple[int, int]:
        """Return (the fields that one element must match, the fields that it must match or may lack)."""
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


def _push_fields(value: Mapping[str, object], node: _PathNode, scope: _Scope, stack: list[_Step]) -> None:
    """Push an object's values on the fields' paths to `stack`, with their nodes and the object's scope."""
    for name, child in node.children.items():
        if name in value:
            stack.append((value[name], child, scope))
    if node.deep:
        for name, steps in dotted_names(value):
            spelled = _descend(node, steps)
            if spelled is not None:
                stack.append((value[name], spelled, scope))


def _descend(node: _PathNode, steps: list[str]) -> _PathNode | None:
    """Return the node that the steps lead to; None when no field's path has them."""
    for step in steps:
        child = node.children.get(step)
        if child is None:
            return None
        node = child
    return node
