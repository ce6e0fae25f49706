"""The exceptions a caller may meet, from the general to the particular."""


class ForeseenError(Exception):
    """Something Foreseen cannot do; the message says what, where and how to mend it."""


class InputError(ForeseenError):
    """The caller's input is at fault: a file, an id, an option. The command line exits with 2."""


class DataError(InputError):
    """A data set that cannot be read or does not hold what it should."""


class ModelFolderError(InputError):
    """A folder that holds no model, or one that is damaged or from another edition."""


class DownloadError(ForeseenError):
    """A download that failed; the message says what to fetch by hand and where to put it."""
