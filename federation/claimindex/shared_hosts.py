"""On which hosts both a node's members and members of others claim pages, kept in memory.

Nodes ask every few seconds, and all claims would be read for each answer. So it is read whole once
for a node, and from then on again for those hosts only of which a change of some registry told.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from federation.claimindex import delta_store, near_store
from federation.claimindex.messages import Slice
from federation.store.sessions import ReadSession

TOUCHED_MAX: Final = 2_000
"""Of more hosts that changes tell of, all is read anew."""


@dataclass(frozen=True, slots=True)
class _Known:
    """The hosts, None for more than are told, as registries were at these versions."""

    versions: Mapping[str, int]
    hosts: frozenset[str] | None


class SharedHosts:
    """What is known of each node that asked; its database decides what is true."""

    def __init__(self) -> None:
        self._known: dict[str, _Known] = {}

    async def of(self, session: ReadSession, node: str) -> Slice:
        """At the hub: return the hosts that a node's members share with members of others."""
        versions = await delta_store.every_version(session)
        known = self._known.get(node)
        if known is None or known.versions != versions:
            hosts = await _hosts(session, node, known, versions)
            known = self._known[node] = _Known(versions, hosts)
        is_cut = known.hosts is None
        return Slice([], [], is_cut=is_cut, hosts=sorted(known.hosts or ()))


async def _hosts(
    session: ReadSession, node: str, known: _Known | None, versions: Mapping[str, int]
) -> frozenset[str] | None:
    touched = None if known is None else await _touched(session, known.versions, versions)
    if known is None or known.hosts is None or touched is None:
        return await near_store.shared_hosts(session, node)
    found = (known.hosts - touched) | await near_store.shared_among(session, node, touched)
    return found if len(found) <= near_store.HOSTS_MAX else None


async def _touched(
    session: ReadSession, before: Mapping[str, int], after: Mapping[str, int]
) -> frozenset[str] | None:
    """Return of which hosts claims came or went between two versions of registries.

    None where that cannot be told, or where they are many.
    """
    if any(after.get(node, -1) < version for node, version in before.items()):
        return None  # another database: it was restored
    found: set[str] = set()
    for node, version in after.items():
        since = before.get(node, 0)
        if version > since:
            found |= await delta_store.hosts_changed(session, node, since, TOUCHED_MAX + 1)
        if len(found) > TOUCHED_MAX:
            return None
    return frozenset(found)
