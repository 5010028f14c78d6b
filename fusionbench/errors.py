"""The errors a user can cause, and the exit codes they lead to.

Every message says what was wrong, where (file, image, flag) and what to do next.
"""

EXIT_DONE = 0
EXIT_UNITS_FAILED = 1
EXIT_BAD_INPUT = 2
EXIT_INTERRUPTED = 130


class FusionBenchError(Exception):
    """Base of all errors that a user can cause; the command line prints its message without a traceback."""

    exit_code = EXIT_BAD_INPUT


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


class MissingRepositoryError(InputError):
    """An official repository or its environment that the user must name, or that isn't the one described."""


class MissingExtraError(InputError):
    """An optional package that is not installed; the message holds the pip command that brings it."""


class DownloadError(FusionBenchError):
    """A download that failed or whose checksum is wrong."""


class StoreError(FusionBenchError):
    """The run folder can't be read or written (full disk, other schema version, another run's configuration)."""


class UnitsFailedError(FusionBenchError):
    """A run that finished with failures; what succeeded is kept."""

    exit_code = EXIT_UNITS_FAILED
