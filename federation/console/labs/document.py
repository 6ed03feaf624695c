"""An invoice or a credit note: who it is of, and each form that it has, to download."""

from collections.abc import Mapping
from typing import Any, Final

from federation.console.page import N_, Asked, Data, Document, Page

# How the address of a form ends, by its media type without parameters.
ENDINGS: Final = {
    "application/pdf": "pdf",
    "application/json": "json",
    "text/csv": "csv",
    "application/xml": "xml",
}


def view(data: Data, asked: Asked) -> Mapping[str, Any]:
    """Show the forms that have an address of their own."""
    del asked
    found = data["document"]
    kinds = [form.partition(";")[0].strip() for form in found["forms"]]
    endings = [ending for kind, ending in ENDINGS.items() if kind in kinds]
    return {"paper": found, "endings": endings}


DOCUMENT_PAGE = Page(
    path="/labs/documents/{number:str}",
    title=N_("Document"),
    template="labs/document.html",
    document=Document("labs/document.graphql"),
    view=view,
)
