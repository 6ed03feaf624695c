"""Opt-outs as the claim index has them, for tests that make their own index."""

from federation.claimindex.index import IndexedRuling
from federation.consent.deciding import Ruling
from federation.consent.states import State


def an_opt_out(node, use, effective_at, subject, holder_id, ends_at=None):
    """An opt-out of a subject, or of a holder."""
    ruling = Ruling(State.OPT_OUT, use, effective_at, ends_at)
    return IndexedRuling(node, ruling, subject, holder_id)
