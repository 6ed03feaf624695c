"""The keys of node and hub as a site knows them: pinned at its installation, followed from there.

Each says in its entity configuration which keys it has now; a site believes one that is signed with
a key it knows, and knows from then on those that it names. What it learned by is kept as it was
signed, so that nothing on the disk is believed without the pins. A site that was away while its
node or the hub changed its keys is told them anew, as at its installation.
"""

import logging
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from federation.gate.whole_files import replace_whole
from federation.signing.entity_statements import STATEMENT_BYTES_MAX, Statement, read_named
from federation.signing.jose import InvalidTokenError
from federation.signing.keys import Keys

LEARNED_MAX: Final = 200  # changes of one party; its keys are pinned anew long before
_log = logging.getLogger(__name__)


class _Learned(msgspec.Struct, frozen=True):
    """The file: the statements by which the keys of each were learned, the oldest first."""

    node: Annotated[list[str], Meta(max_length=LEARNED_MAX)] = []
    hub: Annotated[list[str], Meta(max_length=LEARNED_MAX)] = []


class KnownKeys:
    """The keys of one party, from its pins on."""

    def __init__(self, pinned: Keys, learned: Sequence[str] = ()) -> None:
        self._pinned, self.keys = pinned, pinned
        self.learned: list[str] = []
        self._last: Statement | None = None
        for signed in learned:
            if (says := self.read(signed)) is not None:
                self.learn(signed, says)

    def read(self, signed: str) -> Statement | None:
        """Return what the party says of itself, None where it says nothing or is not believed."""
        if not signed:
            return None
        try:
            says = read_named(signed, self.keys)
            says.keys()
        except InvalidTokenError as refusal:
            _log.warning("a statement about keys is left aside: %s", refusal)
            return None
        is_older = self._last is not None and says.iat < self._last.iat
        is_others = self._last is not None and says.sub != self._last.sub
        return None if is_older or is_others else says

    def learn(self, signed: str, says: Statement) -> bool:
        """Know the keys that a statement names from now on; tell whether they are others."""
        keys = says.keys()
        is_news = keys.keys() != self.keys.keys()
        self._last = says
        if is_news:
            self.keys = keys
            self.learned = [*self.learned, signed]
            if len(self.learned) > LEARNED_MAX:
                self._shorten()
        return is_news

    def _shorten(self) -> None:
        """Leave out the oldest statement without which the others still follow from the pins.

        A change makes two: the next key beside the present one, then the next alone; the first is
        enough. Where each is needed the last is not kept: what came before is known after a
        restart.
        """
        before = self._pinned
        for place, (signed, following) in enumerate(pairwise(self.learned)):
            if _is_signed(following, before):
                del self.learned[place]
                return
            before = read_named(signed, before).keys()
        del self.learned[-1]
        _log.error("more changes of keys than are kept: pin the present ones anew")


class KeyFile:
    """The keys of a site's node and of its hub, with the file by which they outlive a restart."""

    def __init__(self, path: Path, node: Keys, hub: Keys) -> None:
        self._path = path
        self._is_saved = True
        found = _read(path)
        self.node, self.hub = KnownKeys(node, found.node), KnownKeys(hub, found.hub)

    def learn(self, node: str, hub: str) -> None:
        """Learn from what each said of itself in a policy that was accepted."""
        for known, signed in ((self.node, node), (self.hub, hub)):
            says = known.read(signed)
            if says is not None and known.learn(signed, says):
                self._is_saved = False
        if not self._is_saved:  # as well where the disk was full the last time
            self._save()
            self._is_saved = True

    def _save(self) -> None:
        body = msgspec.json.encode(_Learned(self.node.learned, self.hub.learned))
        replace_whole(self._path, body)


def _is_signed(signed: str, keys: Keys) -> bool:
    try:
        read_named(signed, keys)
    except InvalidTokenError:
        return False
    return True


def _read(path: Path) -> _Learned:
    try:
        if path.stat().st_size > 2 * LEARNED_MAX * STATEMENT_BYTES_MAX:
            return _Learned()
        return msgspec.json.decode(path.read_bytes(), type=_Learned)
    except FileNotFoundError:
        return _Learned()
    except (OSError, msgspec.MsgspecError) as error:
        _log.warning("the keys learned before are set aside: %s", error)
        return _Learned()
