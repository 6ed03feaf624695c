"""Write docs/configuration.md from the types: `python -m tools.configuration_page`."""

from pathlib import Path

from federation.configuration.page import page

PAGE = Path(__file__).resolve().parent.parent / "docs" / "configuration.md"

if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
