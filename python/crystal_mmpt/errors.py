"""Exceptions of the package."""

from __future__ import annotations


class MmptError(Exception):
    """Something has gone wrong that no input explains, such as a disk that is full.

    Attributes say where, as far as it is known, and are ``None`` otherwise.

    Attributes:
        file: File or folder.
        id: Identifier of the crystal.
        line: Line in the file, counted from 1.
        value: Text of the value.
    """

    def __init__(
        self,
        message: str,
        *,
        file: str | None = None,
        id: str | None = None,
        line: int | None = None,
        value: str | None = None,
    ) -> None:
        super().__init__(message)
        self.file = file
        self.id = id
        self.line = line
        self.value = value


class InputError(MmptError, ValueError):
    """What was given is at fault: a file, a structure, weights, a column or an option."""
