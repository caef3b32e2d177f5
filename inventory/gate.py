"""The gate: the program that decides while the sender is still on the line."""

from inventory.knob import RefusalText, Settings, knob


class Gate(Settings):
    """The milter of the inbound Postfix."""

    consulted: bool = knob(
        True,
        says="Whether Postfix asks it. Without it the forwarder scans, after the queue, and limits where "
        "`rate_limits.answer` is not 550; false exists only to replay the incidents of 2020 and 2021 in a "
        "drill.",
    )
    workers: int = knob(2, ge=1, le=32, says="Worker processes on each host.", unit="processes")
    answer_seconds: int = knob(
        6,
        ge=6,
        le=60,
        says="Postfix's wait for its answer to a command (milter_command_timeout); past it the rest of the "
        "session goes on without it.",
        unit="seconds",
    )
    disabled_text: RefusalText = knob(
        "5.1.1 this alias is disabled",
        says="What a sender to a disabled alias is told behind a 550, with its enhanced status code.",
    )
    mailbox_disabled_text: RefusalText = knob(
        "5.2.1 The mailbox behind this alias is disabled",
        says="What a sender to an alias of which every mailbox is disabled is told behind a 550, with its "
        "enhanced status code.",
    )
