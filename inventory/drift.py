"""How each host is compared with what the last converge made of it, and what may differ."""

from typing import Annotated

from pydantic import StringConstraints

from inventory.knob import Form, Settings, knob

AllowedFinding = Annotated[
    str,
    Form("a kind and a name as `twinmx drift` prints them, * for any text, as in cron:/etc/cron.d/backup"),
    StringConstraints(pattern=r"^[a-z]+:.+$", max_length=300),
]
KeyFingerprint = Annotated[
    str,
    Form("the fingerprint of a public key as ssh-keygen -l prints it, SHA256: and 43 characters"),
    StringConstraints(pattern=r"^SHA256:[A-Za-z0-9+/]{43}$"),
]


class Drift(Settings):
    """What somebody changed on a host by hand is found and told."""

    minutes: int = knob(
        15, ge=1, le=1440, says="How often each host compares itself with the last converge.", unit="minutes"
    )
    allowed: tuple[AllowedFinding, ...] = knob(
        (), says="What may differ, such as a backup's cron entry: shown, and no drift."
    )
    ssh_keys: tuple[KeyFingerprint, ...] = knob(
        (), says="Keys that may stand in an authorized_keys; any other is drift. None given: not looked at."
    )
