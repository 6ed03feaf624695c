"""References and texts in bank files: in which elements they stand, and which are none. Pure."""

from federation.bankfiles.xml import Element, children, find, text

REFERENCES_MAX = 40
REFERENCE_LENGTH_MAX = 140  # the longest that ISO 20022 allows in any of these fields

# What banks and payers write where a field must not stay empty, without blanks and punctuation.
# NOTPROVIDED is ISO 20022's own word, NONREF that of SWIFT MT; the others are common practice.
_PLACEHOLDERS = frozenset(
    {"NA", "NIL", "NONE", "NONREF", "NOREF", "NOREFERENCE", "NOTAVAILABLE", "NOTGIVEN"}
    | {"NOTPROVIDED", "NULL", "UNDEFINED", "UNKNOWN"}
)

# Ids that name one movement of money; the others of `Refs` name an order, a mandate or a message,
# which may have several movements on one day.
_OF_ONE_MOVEMENT = ("AcctSvcrRef", "InstrId", "TxId", "UETR")
_IN_REFS = (
    "MsgId",
    "AcctSvcrRef",
    "PmtInfId",
    "InstrId",
    "TxId",
    "UETR",
    "MndtId",
    "ChqNb",
    "ClrSysRef",
)
_ALSO_IN_REFS = ("AcctOwnrTxId", "AcctSvcrTxId", "MktInfrstrctrTxId", "PrcgId")


def reference(written: str | None) -> str | None:
    """Return a reference, or None for nothing and for a placeholder such as `0`, `-` or `N/A`."""
    if written is None:
        return None
    word = "".join(c for c in written.upper() if c.isalnum())
    if not word.strip("0") or word in _PLACEHOLDERS:
        return None
    return written[:REFERENCE_LENGTH_MAX]


def transaction_references(element: Element, refs: Element | None) -> tuple[str, ...]:
    """Return the ids of a transaction besides EndToEndId: of banks, creditors and documents."""
    found = [text(refs, name) for name in _IN_REFS]
    if refs is not None:
        found += [text(item, "Ref") for item in children(refs, "Prtry")]
    for structured in _structured(element):
        found.append(text(structured, "CdtrRefInf", "Ref"))
        found += [text(item, "Nb") for item in children(structured, "RfrdDocInf")]
    return _kept(found)


def further_references(element: Element, refs: Element | None) -> tuple[str, ...]:
    """Return ids of a transaction from places that only some banks fill."""
    found = [text(refs, name) for name in _ALSO_IN_REFS]
    found += [text(item, "RmtId") for item in children(element, "RltdRmtInf")]
    for structured in _structured(element):
        found += [
            text(item, "Nb")
            for document in children(structured, "RfrdDocInf")
            for line in children(document, "LineDtls")
            for item in children(line, "Id")
        ]
    return _kept(found)


def movement_ids(refs: Element | None) -> tuple[str, ...]:
    """Return the ids that name this one movement and no other."""
    return _kept([text(refs, name) for name in _OF_ONE_MOVEMENT])


def free_text(element: Element) -> str:
    """Return the unstructured remittance text (`RmtInf/Ustrd`) of a transaction."""
    remittance = find(element, "RmtInf")
    parts = [] if remittance is None else [text(item) for item in children(remittance, "Ustrd")]
    return " ".join(part for part in parts if part)


def further_text(element: Element) -> str:
    """Return what is said in other words: AddtlRmtInf of structured remittance, and AddtlTxInf."""
    parts = [
        text(item)
        for structured in _structured(element)
        for item in children(structured, "AddtlRmtInf")
    ]
    parts.append(text(element, "AddtlTxInf"))
    return " ".join(dict.fromkeys(part for part in parts if part))


def _structured(element: Element) -> list[Element]:
    remittance = find(element, "RmtInf")
    return [] if remittance is None else list(children(remittance, "Strd"))


def _kept(found: list[str | None]) -> tuple[str, ...]:
    kept = [item for item in map(reference, found) if item is not None]
    return tuple(dict.fromkeys(kept))[:REFERENCES_MAX]
