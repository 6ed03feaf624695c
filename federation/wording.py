"""How what is counted is written: for a person who reads it, not for a program."""


def counted(number: int, name: str) -> str:
    """Write how many: `1 line`, `2 lines`, `2 entries`."""
    if number == 1:
        return f"1 {name}"
    return f"{number} {name[:-1]}ies" if name.endswith("ry") else f"{number} {name}s"
