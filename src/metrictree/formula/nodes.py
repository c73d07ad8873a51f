"""The nodes of a formula: a flat tuple in which every node stands after the nodes it uses.

This is postfix order. Whatever walks a formula is one loop over ``formula.nodes``; nothing
recurses, however deep the formula is.

| op | args | value |
|---|---|---|
| `number` | | the float |
| `text` | | the text; in ``where`` only |
| `null` | | |
| `ref` | | the metric id, or the column of a source |
| `neg`, `not` | operand | |
| `+ - * / % **` | left, right | |
| `compare` | two or more operands | the operators between them: `a < b <= c` is ``("<", "<=")`` |
| `and`, `or` | left, right | |
| `if` | condition, value, otherwise | |
| `in`, `not in` | operand | the tuple of texts and numbers; in ``where`` only |
| `call` | the arguments | the function's name |
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, final

from metrictree.formula.printer import to_text

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Formula", "Node"]


class Node(NamedTuple):
    """One operation of a formula."""

    op: str
    args: tuple[int, ...]
    """Positions of the operands in the formula's nodes, each smaller than the node's own."""
    value: Any
    start: int
    """Offset of the first character in the formula's text."""
    end: int
    """Offset after the last character."""


@final
class Formula:
    """A parsed formula; the last node is its result. Equal when the nodes are, whatever the text.

    >>> from metrictree.formula import parse
    >>> formula = parse("orders / visits")
    >>> formula.references
    ('orders', 'visits')
    >>> [node.op for node in formula.nodes]
    ['ref', 'ref', '/']
    >>> parse("(orders)/visits") == formula
    True
    """

    __slots__ = ("nodes", "references", "text")

    nodes: tuple[Node, ...]
    text: str
    references: tuple[str, ...]
    """The ids that the formula names, each once, in order of first use."""

    def __init__(self, nodes: tuple[Node, ...], text: str) -> None:
        references = tuple(dict.fromkeys([node[2] for node in nodes if node[0] == "ref"]))
        set_once = object.__setattr__
        set_once(self, "nodes", nodes)
        set_once(self, "text", text)
        set_once(self, "references", references)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("a formula cannot be changed; parse another one")

    @property
    def root(self) -> Node:
        """The node that gives the result."""
        return self.nodes[-1]

    def reference(self, name: str) -> Node | None:
        """Return the first node that names ``name``, if one does."""
        return next((node for node in self.nodes if node.op == "ref" and node.value == name), None)

    def renamed(self, name: Callable[[str], str]) -> Formula:
        """Return the formula with ``name(id)`` in place of every id; positions stay."""
        return Formula(
            tuple(
                node._replace(value=name(node.value)) if node.op == "ref" else node
                for node in self.nodes
            ),
            self.text,
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Formula):
            return NotImplemented
        return [node[:3] for node in self.nodes] == [node[:3] for node in other.nodes]

    def __hash__(self) -> int:
        return hash(tuple(node[:3] for node in self.nodes))

    def __str__(self) -> str:
        return to_text(self)

    def __repr__(self) -> str:
        return f"Formula({self.text!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return Formula, (self.nodes, self.text)
