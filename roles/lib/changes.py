"""What a converge does to a host, as data: a plan shows and serialises it, a converge says the same lines.

The names and fields are the shape of `twinmx plan --json` (docs/plan.schema.json): add to them, and never
change what one of them means.
"""

from collections.abc import Iterable
from typing import Literal

from pydantic import BaseModel, ConfigDict

SHOWN_REASONS = 3
MARKS = {"create": "+", "install": "+", "change": "~", "upgrade": "~", "remove": "-"}


class Told(BaseModel):
    """One thing that an operation found out; `headline` is its line in a plan and in a converge."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @property
    def headline(self) -> str:
        """What happens, in one line."""
        raise NotImplementedError

    @property
    def details(self) -> Iterable[str]:
        """Further lines, such as a difference."""
        return ()


class FileChange(Told):
    """A file or link that is put in place or removed.

    attributes: mode and owner where they differ, as "mode 0644 → 0400". diff: a unified one; empty where the
    content is a secret, is no text, or does not change.
    """

    kind: Literal["file"] = "file"
    path: str
    action: Literal["create", "change", "remove"]
    attributes: tuple[str, ...] = ()
    note: str = ""
    diff: tuple[str, ...] = ()

    @property
    def headline(self) -> str:
        """Mark, path, and what is not seen in the difference."""
        rest = ", ".join([*self.attributes, *([self.note] if self.note else [])])
        return f"{MARKS[self.action]} {self.path}{f': {rest}' if rest else ''}"

    @property
    def details(self) -> Iterable[str]:
        """The difference."""
        return self.diff


class PackageChange(Told):
    """A Debian package. installed: the version now; at_least: the lowest upstream version that is needed."""

    kind: Literal["package"] = "package"
    name: str
    action: Literal["install", "upgrade"]
    installed: str | None = None
    at_least: str | None = None

    @property
    def headline(self) -> str:
        """Mark, name, and versions where they matter."""
        versions = f": {self.installed} → {self.at_least} or newer" if self.installed else ""
        return f"{MARKS[self.action]} package {self.name}{versions}"


class ReleaseChange(Told):
    """The programs of this checkout become the current release; `path` is the link that says which one is."""

    kind: Literal["release"] = "release"
    path: str
    version: str
    previous: str | None

    @property
    def headline(self) -> str:
        """The version before, if there is one, and this."""
        return f"{'~' if self.previous else '+'} release {self.previous or 'none'} → {self.version}"


class ServiceChange(Told):
    """A service that is started, restarted or reloaded, or something without a unit that is applied."""

    kind: Literal["service"] = "service"
    name: str
    action: Literal["start", "restart", "reload", "apply"]
    units: tuple[str, ...]
    reasons: tuple[str, ...]

    @property
    def headline(self) -> str:
        """What is done to it, and the first reasons."""
        more = len(self.reasons) - SHOWN_REASONS
        rest = f" and {more} more" if more > 0 else ""
        return f"{self.action} {self.name}: {', '.join(self.reasons[:SHOWN_REASONS])}{rest}"


class RecordSet(BaseModel):
    """What a name server answers for a name and type; ttl in seconds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ttl: int
    values: tuple[str, ...]


class RecordChange(Told):
    """A DNS record set, as it is and as it shall be."""

    kind: Literal["record"] = "record"
    zone: str
    name: str
    type: str
    action: Literal["create", "change", "remove"]
    before: RecordSet | None
    after: RecordSet | None

    @property
    def headline(self) -> str:
        """Mark, name and type; a TTL of its own where nothing else differs."""
        ttl = ""
        if self.before and self.after and self.before.ttl != self.after.ttl:
            ttl = f": TTL {self.before.ttl} → {self.after.ttl} s"
        return f"{MARKS[self.action]} {self.name} {self.type}{ttl}"

    @property
    def details(self) -> Iterable[str]:
        """The values that go and those that come."""
        before = self.before.values if self.before else ()
        after = self.after.values if self.after else ()
        gone = [f"- {value}" for value in before if value not in after]
        return [*gone, *(f"+ {value}" for value in after if value not in before)]


class StepChange(Told):
    """Anything else that is done."""

    kind: Literal["step"] = "step"
    text: str

    @property
    def headline(self) -> str:
        """Its text."""
        return self.text


class Kept(Told):
    """What is left as it is: a failover or an order is under way, or it belongs to others.

    end: what ends it, a flag or a command; empty where nothing has to be done.
    """

    kind: Literal["kept"] = "kept"
    what: str
    why: str
    end: str = ""

    @property
    def headline(self) -> str:
        """What, why, and the way out."""
        return f"{self.what}, {self.why}{f'; to end it: {self.end}' if self.end else ''}"


class ByHand(Told):
    """A record that the operator has to set: the inventory names no server to set it on."""

    kind: Literal["by_hand"] = "by_hand"
    name: str
    ttl: int
    type: str
    value: str

    @property
    def headline(self) -> str:
        """The record as a zone file has it."""
        return f"to be set by you: {self.name} {self.ttl} {self.type} {self.value}"


class Obstacle(Told):
    """Why the converge would stop here."""

    kind: Literal["obstacle"] = "obstacle"
    text: str

    @property
    def headline(self) -> str:
        """Its text."""
        return self.text


Change = FileChange | PackageChange | ReleaseChange | ServiceChange | RecordChange | StepChange
Anything = Change | Kept | ByHand | Obstacle
