"""The schema of what banks are sent."""

from pathlib import Path

import sepaxml
from lxml import etree

SCHEMA = etree.XMLSchema(
    etree.parse(Path(sepaxml.__file__).parent / "schemas" / "pain.001.001.09.xsd")
)
