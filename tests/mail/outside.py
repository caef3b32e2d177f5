"""Mail that no test has written, such as a bounce: it has no token, so it is found by its recipient."""

from pathlib import Path

from lab.hosts import MAILBOXES
from lab.waiting import until


def addressed_to(recipient: str, directory: Path = MAILBOXES) -> list[bytes]:
    """All messages in the mailbox of `recipient`."""
    domain = recipient.rpartition("@")[2]
    mark = f"\nDelivered-To: {recipient}\n".encode()
    contents = (path.read_bytes() for path in directory.glob(f"{domain}/new/*"))
    return [content for content in contents if mark in content.partition(b"\n\n")[0] + b"\n"]


def wait_for_mail_to(recipient: str, seconds: float = 30) -> bytes:
    """The one message for `recipient`; raises LabError when none comes within `seconds`."""
    (content,) = until(lambda: addressed_to(recipient), seconds, f"mail for {recipient}")
    return content
