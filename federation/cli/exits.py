"""With which code a command ends, so that whoever started it knows whether to start it again."""

import sys
from typing import Final

import rich_click as click

from federation.errors import LaterError, RefusalError

EXIT_REFUSED: Final = 2  # the request itself: another one is needed
# sysexits.h: what may be otherwise in a moment, with nothing changed here.
EXIT_UNAVAILABLE: Final = 69
EXIT_NO_INPUT_OUTPUT: Final = 74  # a file or folder that this user may not use, a full disk
EXIT_CONFIG: Final = 78  # somebody has to change the configuration, the keys or the database first

BY_CODE: Final = {
    "ADDRESS_UNUSABLE": EXIT_UNAVAILABLE,
    "DATA_DIR_IN_USE": EXIT_UNAVAILABLE,
    "DATABASE_UNUSABLE": EXIT_UNAVAILABLE,
    "WORKERS_ENDED": EXIT_UNAVAILABLE,
    "DATA_DIR_UNUSABLE": EXIT_NO_INPUT_OUTPUT,
    "BAD_CONFIG": EXIT_CONFIG,
    "BAD_DATABASE_URL": EXIT_CONFIG,
    "BAD_TRUSTED_DOCUMENTS": EXIT_CONFIG,
    "DATA_DIR_OF_ANOTHER": EXIT_CONFIG,
    "DATABASE_NEWER": EXIT_CONFIG,
    "KEY_LOST": EXIT_CONFIG,
    "KEY_SECRET_MISSING": EXIT_CONFIG,
    "KEY_SECRET_WRONG": EXIT_CONFIG,
    "NOT_MIGRATED": EXIT_CONFIG,
    "OPEN_FILE": EXIT_CONFIG,
    "PEPPER_LOST": EXIT_CONFIG,
}


def end_refused(refusal: RefusalError) -> None:
    """Say a refusal in one line and end with its code."""
    _say(f"{refusal.code}: {refusal.message}")
    later = EXIT_UNAVAILABLE if isinstance(refusal, LaterError) else EXIT_REFUSED
    sys.exit(BY_CODE.get(refusal.code, later))


def end_without_file(error: OSError) -> None:
    """Say in one line which file could not be used, and end; what is about no file is a defect."""
    if error.filename is None:
        raise error
    _say(f"FILE: {error.filename}: {error.strerror}")
    sys.exit(EXIT_NO_INPUT_OUTPUT)


def _say(text: str) -> None:
    click.echo(f"federation: {' '.join(text.split())}", err=True)
