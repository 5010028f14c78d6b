"""The errors a user can cause, and the exit codes they lead to.

Every message says what was wrong, where (file, image, flag) and what to do next.
"""

import unicodedata

EXIT_DONE = 0
EXIT_UNITS_FAILED = 1
EXIT_BAD_INPUT = 2
EXIT_INTERRUPTED = 130


class FusionBenchError(Exception):
    """Base of all errors that a user can cause; the command line prints its message without a traceback."""

    exit_code = EXIT_BAD_INPUT

    def __str__(self) -> str:
        return printable(super().__str__())


class InputError(FusionBenchError):
    """A flag, configuration, file or image that can't be used as it is."""


class UnknownNameError(InputError):
    """A name that no plugin carries; the message suggests the nearest ones."""


class ImageError(InputError):
    """An image file that can't be read, or whose shape or type doesn't fit its role."""


class MissingDataError(InputError):
    """A dataset (or a part of it) that isn't where it was looked for."""


class MissingWeightsError(InputError):
    """Weights or parameters that have to be fetched, or put in place, first."""


class WrongFileError(MissingWeightsError):
    """Files of the right name whose content is another one (checksum or size)."""


class MissingRepositoryError(InputError):
    """An official repository or its environment that the user must name, or that isn't the one described."""


class MissingExtraError(InputError):
    """An optional package that is not installed; the message holds the pip command that brings it."""


class DownloadError(FusionBenchError):
    """A download that failed or whose checksum is wrong."""


class StoreError(FusionBenchError):
    """The run folder can't be read or written (full disk, other schema version, another run's
    configuration)."""


class UnitsFailedError(FusionBenchError):
    """A run that finished with failures; what succeeded is kept."""

    exit_code = EXIT_UNITS_FAILED


_BIDIRECTIONAL = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def printable(text: str, keep: str = "\n\t") -> str:
    r"""Text that does nothing to a terminal: control characters (but those in ``keep``), turns of the writing
    direction and bytes of file names that aren't UTF-8 become escapes.

    >>> printable("a\x1b[31mb")
    'a\\x1b[31mb'
    """
    if text.isprintable():
        return text
    return "".join(c if c in keep or not _acts(c) else _escaped(c) for c in text)


def _acts(character: str) -> bool:
    return unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} or character in _BIDIRECTIONAL


def _escaped(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # how Python holds a byte that is no UTF-8
        return f"\\x{code - 0xDC00:02x}"
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
