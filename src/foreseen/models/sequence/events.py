"""Histories as inputs of the sequence network: events, windows, batches, buckets of time."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

TIME_BUCKETS: Final = 60
"""Half octaves of seconds; the bucket of this number is that of an unknown duration."""
POSITION_BUCKETS: Final = 40
"""Distances in a history: single up to 16, then quarter octaves."""
COUNT_BUCKETS: Final = 26
"""Half octaves of the number of earlier ratings of the user."""
FUTURE: Final = TIME_BUCKETS * POSITION_BUCKETS
"""The pair of an event and a later one, which attention does not read."""
_SINGLE: Final = 16
_CO_OCCURRENCE_WINDOW: Final = 10
_JITTER: Final = 0.1

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Events:
    """The ratings of several histories in order; E events.

    Attributes:
        starts: Where each history begins, of shape H + 1.
        movie: Rows of the network's movies, of shape E.
        level: Rating levels, of shape E.
        time: Timestamps, of shape E.
        since: Seconds since the event before; -1 for the first of a history, of shape E.
        until: Seconds to the next event; -1 where that is not known, of shape E.
        position: Number of earlier events of the history, of shape E.
        last: Whether the event is the last of its history, of shape E.
    """

    starts: Rows
    movie: Rows
    level: Rows
    time: Rows
    since: Rows
    until: Rows
    position: Rows
    last: NDArray[np.bool_]

    @classmethod
    def of(
        cls, starts: Rows, movie: Rows, level: Rows, time: Rows, moment: Rows | None = None
    ) -> "Events":
        """Return the events of H histories.

        Args:
            starts: Where each history begins, of shape H + 1.
            movie: Rows of the network's movies, of shape E.
            level: Rating levels, of shape E.
            time: Timestamps, ascending within each history, of shape E.
            moment: Second of the event that follows each history, of shape H; -1 where it is not
                known; None where none is.
        """
        sizes = np.diff(starts)
        position = positions(starts)
        since = np.where(position > 0, np.diff(time, prepend=0), -1)
        ends = starts[1:][sizes > 0] - 1
        last = np.zeros(len(time), dtype=np.bool_)
        last[ends] = True
        until = np.where(last, -1, np.roll(since, -1))
        if moment is not None:
            following = moment[sizes > 0]
            until[ends] = np.where(following >= 0, np.maximum(following - time[ends], 0), -1)
        return cls(starts, movie, level, time, since, until, position, last)


@dataclass(frozen=True)
class Batch:
    """B windows of histories, padded at the end to T events; all but `valid` of shape B x T.

    Attributes:
        movie: Rows of the network's movies.
        level: Rating levels.
        since: Bucket of the time since the previous event.
        until: Bucket of the time to the next event.
        count: Bucket of the number of earlier events.
        pair: Bucket of the time between two events times that of their distance, of shape
            B x T x T.
        valid: Places of B x T whose states are wanted, of shape V.
        event: The events at these places, of shape V.
    """

    movie: Tensor
    level: Tensor
    since: Tensor
    until: Tensor
    count: Tensor
    pair: Tensor
    valid: Tensor
    event: Rows

    def to(self, device: torch.device) -> "Batch":
        """Return the batch with its tensors on a device."""
        if device.type == "cpu":
            return self
        names = ("movie", "level", "since", "until", "count", "pair", "valid")
        return replace(self, **{name: to_device(getattr(self, name), device) for name in names})


def to_device(values: Tensor, device: torch.device) -> Tensor:
    """Return a tensor on a device; a copy to a CUDA device overlaps with what that computes."""
    if device.type == "cuda" and torch.cuda.is_available():
        values = values.pin_memory()
    return values.to(device, non_blocking=True)


def positions(starts: Rows) -> Rows:
    """Return the number of earlier events of the same history, of shape E."""
    return np.arange(int(starts[-1])) - np.repeat(starts[:-1], np.diff(starts))


def windows(starts: Rows, length: int, random: np.random.Generator) -> tuple[Rows, Rows]:
    """Cut each history at a random place into windows; return their first events and sizes."""
    sizes = np.diff(starts)
    shift = np.where(sizes > length, random.integers(0, length, len(sizes)), 0)
    cut = (positions(starts) + np.repeat(shift, sizes)) % length == 0
    cut[starts[:-1][sizes > 0]] = True
    first = np.flatnonzero(cut)
    return first, np.diff(np.append(first, starts[-1]))


def batches(
    first: Rows, size: Rows, tokens: int, random: np.random.Generator
) -> Iterator[tuple[Rows, Rows]]:
    """Yield windows of similar sizes together, about `tokens` events each, in random order."""
    kept = size > 1
    if not kept.any():
        return
    first, size = first[kept], size[kept]
    order = np.argsort(size * np.exp(_JITTER * random.standard_normal(len(size))), kind="stable")
    first, size = first[order], size[order]
    group = (np.cumsum(size) - 1) // tokens
    cuts = np.flatnonzero(np.diff(group, prepend=-1, append=-1))
    for number in random.permutation(len(cuts) - 1):
        part = slice(cuts[number], cuts[number + 1])
        yield first[part], size[part]


def make_batch(
    events: Events,
    first: Rows,
    size: Rows,
    hidden: float = 0.0,
    random: np.random.Generator | None = None,
) -> Batch:
    """Pad windows of events to one length.

    Args:
        events: The events.
        first: The first event of each window, of shape B.
        size: Number of events of each window, of shape B.
        hidden: Share of the events whose time to the next one is hidden.
        random: To draw them with; None to want the state of the last event of each window, with
            nothing hidden, instead of the states of all that an event follows.
    """
    length = int(size.max())
    offset = np.arange(length)
    inside = offset < size[:, None]
    row = np.where(inside, first[:, None] + offset, first[:, None])
    until = events.until[row]
    if random is None:
        valid = np.arange(len(size)) * length + size - 1
    else:
        until = np.where(random.random(until.shape) < hidden, -1, until)
        valid = np.flatnonzero((inside & ~events.last[row]).ravel())
    return Batch(
        torch.from_numpy(events.movie[row]),
        torch.from_numpy(events.level[row]),
        _duration_bucket(events.since[row]),
        _duration_bucket(until),
        count_bucket(torch.from_numpy(events.position[row])),
        _pair_bucket(events.time[row] - events.time[row[:, :1]]),
        torch.from_numpy(valid),
        row.ravel()[valid],
    )


def _duration_bucket(seconds: Rows) -> Tensor:
    found = torch.from_numpy(seconds)
    return torch.where(found < 0, TIME_BUCKETS, time_bucket(found.clamp_min(0)))


def time_bucket(seconds: Tensor) -> Tensor:
    """Return half octaves of durations that are not negative."""
    return (torch.log2(seconds.float() + 1) * 2).to(torch.int64).clamp_max_(TIME_BUCKETS - 1)


def count_bucket(count: Tensor) -> Tensor:
    """Return half octaves of numbers of earlier events."""
    return (torch.log2(count.float() + 1) * 2).to(torch.int64).clamp_max_(COUNT_BUCKETS - 1)


def distance_bucket(distance: Tensor) -> Tensor:
    """Return the bucket of distances that are not negative, see `POSITION_BUCKETS`."""
    far = torch.log2(distance.clamp_min(_SINGLE).float() / _SINGLE) * 4
    far = _SINGLE + far.to(torch.int64)
    return torch.where(distance < _SINGLE, distance, far).clamp_max_(POSITION_BUCKETS - 1)


def _pair_bucket(elapsed: Rows) -> Tensor:
    """Return the bucket of each pair of events, of shape B x T x T, from times of shape B x T."""
    time = torch.from_numpy(np.minimum(elapsed, np.iinfo(np.int32).max).astype(np.int32))
    bucket = time_bucket((time[:, :, None] - time[:, None, :]).clamp_min_(0))
    place = torch.arange(elapsed.shape[1])
    distance = place[:, None] - place[None, :]
    bucket.mul_(POSITION_BUCKETS).add_(distance_bucket(distance.clamp_min(0)))
    return bucket.masked_fill_(distance < 0, FUTURE)


def co_occurring_movies(events: Events) -> Iterator[tuple[Rows, Rows, float]]:
    """Yield pairs of movies of one history by their distance, 1 to 10: earlier, later, weight.

    The weight is one over the distance (Levy and Goldberg, 2014).
    """
    for distance in range(1, _CO_OCCURRENCE_WINDOW + 1):
        # An event at this position or later has its earlier partner in the same history.
        later = np.flatnonzero(events.position >= distance)
        yield events.movie[later - distance], events.movie[later], 1 / distance
