"""An iterator that counts what is taken from it."""

from collections.abc import Iterator


class CountedTasks(Iterator[int]):
    """The numbers from 1 to `size`.

    Attributes:
        taken: How many were taken.
    """

    def __init__(self, size: int) -> None:
        self.taken = 0
        self._size = size

    def __next__(self) -> int:
        if self.taken == self._size:
            raise StopIteration
        self.taken += 1
        return self.taken
