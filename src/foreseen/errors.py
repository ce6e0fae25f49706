"""The exceptions of the package, from the general to the specific."""


class ForeseenError(Exception):
    """Base of all errors raised on purpose; the message names the fault, its place and the fix."""


class InputError(ForeseenError):
    """Invalid input of the caller: a file, an id, an option. The command line exits with 2."""


class DataError(InputError):
    """A data set that cannot be read or has invalid content."""


class ModelFolderError(InputError):
    """A folder without a model, with a damaged one, or with one of an incompatible version."""


class DownloadError(ForeseenError):
    """A failed download; the message names the file to fetch by hand and where to put it."""
