"""What a client selects of a field: a part that is dear is read where somebody asks for it."""

from collections.abc import Iterator

from graphql import FieldNode, FragmentSpreadNode, InlineFragmentNode, SelectionSetNode

from federation.schema.context import Info


def is_selected(info: Info, name: str) -> bool:
    """Tell whether a part of the field that is resolved is selected, by a fragment or not.

    One that a directive leaves out counts as selected: it is read and not shown.
    """
    fragments, seen = info._raw_info.fragments, set[str]()  # noqa: SLF001 - has no public name

    def names(selections: SelectionSetNode | None) -> Iterator[str]:
        for node in selections.selections if selections else ():
            if isinstance(node, FieldNode):
                yield node.name.value
            elif isinstance(node, InlineFragmentNode):
                yield from names(node.selection_set)
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in seen:
                seen.add(node.name.value)
                yield from names(fragments[node.name.value].selection_set)

    nodes = info._raw_info.field_nodes  # noqa: SLF001 - as above
    return any(name in names(node.selection_set) for node in nodes)
