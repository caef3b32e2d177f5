"""What stands on a host by our doing: files and links, as they shall be."""

import base64
import hashlib
from dataclasses import dataclass


@dataclass(frozen=True)
class ManagedFile:
    """A file as it shall be. `secret` keeps its content out of every diff; mode is octal text."""

    path: str
    content: str | bytes
    mode: str = "0644"
    user: str = "root"
    group: str = "root"
    secret: bool = False

    @property
    def data(self) -> bytes:
        """The content as bytes (text is UTF-8)."""
        return self.content.encode() if isinstance(self.content, str) else self.content

    @property
    def state(self) -> dict[str, str]:
        """What an observation of this file says once it is in place."""
        digest = hashlib.sha256(self.data).hexdigest()
        described = {"mode": self.mode, "user": self.user, "group": self.group}
        return {"kind": "file", "sha256": digest, **described}

    @property
    def wire(self) -> dict[str, str]:
        """What the host needs to write it."""
        content = base64.b64encode(self.data).decode()
        return {"content": content, "mode": self.mode, "user": self.user, "group": self.group}


@dataclass(frozen=True)
class ManagedLink:
    """A symbolic link as it shall be."""

    path: str
    target: str

    @property
    def state(self) -> dict[str, str]:
        """What an observation of this link says once it is in place."""
        return {"kind": "link", "target": self.target}

    @property
    def wire(self) -> dict[str, str]:
        """What the host needs to make it."""
        return {"target": self.target}


Managed = ManagedFile | ManagedLink
