"""Rights that a consent record, or a share told to the hub, may be about."""

from enum import StrEnum


class Right(StrEnum):
    """Which right a record is about; ALL where it names none."""

    ALL = "ALL"
    REPRODUCTION = "REPRODUCTION"
    MAKING_AVAILABLE = "MAKING_AVAILABLE"
    ADAPTATION = "ADAPTATION"
    TEXT_AND_DATA_MINING = "TEXT_AND_DATA_MINING"
    DATABASE = "DATABASE"
