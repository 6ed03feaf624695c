"""What lets the suite do in half the time what it does: nothing here changes what a test sees."""

import gc


def look_for_garbage_less() -> None:
    """Look for garbage after fifty times as many objects: what is imported and collected stays."""
    gc.set_threshold(50_000, 20, 100)


def keep_what_is_there() -> None:
    """Look for garbage once, and leave what is no garbage out of every later search.

    When the first test begins, that is a million objects of modules, tables and schemas.
    """
    gc.collect()
    gc.freeze()
