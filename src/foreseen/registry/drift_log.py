"""The drift findings and error windows of a folder of models, in drift.json.

`foreseen.registry.update` adds findings and measures their effect; `acknowledge` notes that a
person has seen one.
"""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from foreseen.data.schema import TIMESTAMP_LIMIT
from foreseen.drift.finding import Finding
from foreseen.drift.policies import Action
from foreseen.drift.recovery import UsualError
from foreseen.errors import InputError, ModelFolderError
from foreseen.evaluation.intervals import Estimate
from foreseen.files import write_atomically
from foreseen.integrity import to_json
from foreseen.messages import Message, parts_of, with_parts
from foreseen.registry import audit_log
from foreseen.registry.layout import fault_of, read_current, read_record
from foreseen.registry.versions import write_lock

FILE: Final = "drift.json"
_LARGEST_ID: Final = 999_999_999
_MOST_WINDOWS: Final = 100
"""Windows that are kept, the newest."""

State = Literal["open", "acknowledged", "closed"]


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Effect(_Record):
    """RMSE on the ratings that a change concerns, on the scale of the data.

    Attributes:
        expected: What it would be from the change to the action if nothing had changed.
        found: Realised from the change to the action, by the model before it.
        after: Realised since the action, by the current model.
        ratings: Number of ratings since the action.
        usual: The error before the change, on the ratings that it concerns.
        excess: The error since the action relative to the usual one, with its interval.
    """

    expected: float | None = None
    found: float | None = None
    after: float | None = None
    ratings: int = 0
    usual: UsualError | None = None
    excess: Estimate | None = None


class ChangeRecord(_Record):
    """A change that was found.

    Attributes:
        serious: Whether users rate differently, see `Finding.is_concept_drift`.
        what, which, since, earliest, latest, found, named, sentence: See `Finding.as_json`. Files
            of earlier versions lack `named`, which was the moment `found` then.
        sentence_parts: What the sentence is made of, see `foreseen.messages.parts_of`.
    """

    serious: bool
    what: str
    which: str
    since: int
    earliest: int
    latest: int
    found: int
    named: int | None = None
    sentence: str
    sentence_parts: dict[str, Any] | None = None


def change_fields(finding: Finding) -> dict[str, Any]:
    """Return the fields of `ChangeRecord` of a finding with means on the scale of the data."""
    document = finding.as_json()
    fields = ("what", "which", "since", "earliest", "latest", "found", "named", "sentence")
    return {
        "serious": finding.is_concept_drift,
        **{name: document[name] for name in fields},
        "sentence_parts": parts_of(finding.message),
    }


class DriftFinding(ChangeRecord):
    """A finding of an update, what was done about it, and whether that helped.

    Attributes:
        id: From 1.
        state: "open", "acknowledged" by a person, or "closed" once the error is back.
        explains: See `Finding.as_json`.
        recorded: Second of the update that recorded it.
        action: What the policy prescribes.
        done: What an update decided.
        done_parts: What that is made of.
        done_until: First second after the log when it was done.
        effect: The error before and after.
        acknowledged_by: Name of the person.
        acknowledged_at: Second of the acknowledgement.
        closed_at: Second of the update that closed it.
    """

    id: int = Field(ge=1, le=_LARGEST_ID)
    state: State
    explains: tuple[str, ...]
    recorded: int = Field(ge=0, le=TIMESTAMP_LIMIT)
    action: Action
    done: str
    done_parts: dict[str, Any] | None = None
    done_until: int
    effect: Effect = Effect()
    acknowledged_by: str | None = None
    acknowledged_at: int | None = Field(default=None, ge=0, le=TIMESTAMP_LIMIT)
    closed_at: int | None = Field(default=None, ge=0, le=TIMESTAMP_LIMIT)

    @property
    def needs_attention(self) -> bool:
        """Whether the finding is serious, and neither acknowledged nor closed."""
        return self.serious and self.state == "open"

    def is_of(self, finding: Finding) -> bool:
        """Return whether a finding that has a name is of the same change."""
        named = self.found if self.named is None else self.named
        return (
            finding.is_named_since(self.earliest)
            and (self.what, self.which) == (finding.kind, finding.label)
            and finding.earliest <= named
        )


class MeasuredWindow(_Record):
    """Error of the current version on the ratings between two updates, on the scale of the data.

    Attributes:
        version: Number of the version.
        begins, ends: Second of the first rating, and first second after the last.
        ratings, users: Numbers of ratings and users.
        rmse: The realised error.
        expected: The error that the predictions expect, not corrected.
        estimated: The same, corrected by earlier windows: the estimate before the ratings.
    """

    version: int
    begins: int
    ends: int
    ratings: int = Field(ge=1)
    users: int
    rmse: float
    expected: float
    estimated: float


class DriftLog(_Record):
    """Contents of the file.

    Attributes:
        findings: In the order of their ids.
        unnamed: Changes that are found but not named, as of the last update.
        windows: In order of time.
    """

    findings: tuple[DriftFinding, ...] = ()
    unnamed: tuple[ChangeRecord, ...] = ()
    windows: tuple[MeasuredWindow, ...] = ()

    @property
    def needs_attention(self) -> bool:
        """Whether any finding needs attention, or users rate differently in an unnamed change."""
        return any(finding.needs_attention for finding in self.findings) or any(
            change.serious for change in self.unnamed
        )

    def with_unnamed(self, findings: Sequence[Finding]) -> "DriftLog":
        """Return the log with those of the findings that have no name, in place of those before.

        Args:
            findings: Of an update, with means on the scale of the data.
        """
        unnamed = [finding for finding in findings if finding.named is None]
        records = tuple(ChangeRecord(**change_fields(finding)) for finding in unnamed)
        return self.model_copy(update={"unnamed": records})

    def with_window(self, window: MeasuredWindow) -> "DriftLog":
        """Return the log with a further window."""
        windows = (*self.windows, window)[-_MOST_WINDOWS:]
        return self.model_copy(update={"windows": windows})


def read(folder: Path) -> DriftLog:
    """Return the findings and windows of a folder of models; none if there was no update.

    Raises:
        ModelFolderError: If the folder holds no models, or the file is damaged.
    """
    read_current(folder)
    file = folder / FILE
    try:
        log, has_checksum = read_record(file, DriftLog)
    except FileNotFoundError:
        return DriftLog()
    except (OSError, ValueError) as error:
        reason = fault_of(error)
    else:
        if has_checksum:
            return log
        reason = Message("it has no checksum")
    message = Message(
        "%(file)s is damaged (%(reason)s); restore a backup, or delete it: the next update detects "
        "drift since the last training again",
        file=str(file),
        reason=reason,
    )
    raise ModelFolderError(message)


def write(folder: Path, log: DriftLog) -> None:
    """Replace the file atomically; call it while holding `write_lock`."""
    content = to_json(log.model_dump(mode="json"))
    write_atomically(folder / FILE, lambda file: file.write_bytes(content))


def acknowledge(folder: Path, number: int, by: str) -> DriftLog:
    """Note that a person has seen a finding, and return the changed log.

    Args:
        folder: A folder of models.
        number: Id of the finding.
        by: Name of the person.

    Raises:
        InputError: If there is no open finding with the id.
        ModelFolderError: If the folder holds no models, or the file is damaged.
    """
    with write_lock(folder):
        log = read(folder)
        found = next((finding for finding in log.findings if finding.id == number), None)
        if found is None or found.state != "open":
            state = "there is none" if found is None else f"it is {found.state}"
            open_ids = ", ".join(str(other.id) for other in log.findings if other.state == "open")
            raise InputError(
                f"finding {number} of {folder} cannot be acknowledged: {state}; open are: "
                f"{open_ids or 'none'}"
            )
        now = int(time.time())
        changed = found.model_copy(
            update={"state": "acknowledged", "acknowledged_by": by, "acknowledged_at": now}
        )
        findings = tuple(changed if other.id == number else other for other in log.findings)
        log = log.model_copy(update={"findings": findings})
        write(folder, log)
        facts = {"finding": number, "by": by}
        sentence = with_parts(found.sentence, found.sentence_parts)
        audit_log.append(folder, "acknowledge", sentence, facts)
    return log
