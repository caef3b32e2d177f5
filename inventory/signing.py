"""The signer on each exchanger: DKIM for our own mail, ARC seals for what is forwarded."""

from inventory.knob import Settings, knob


class Signing(Settings):
    """The Rspamd that signs, apart from the one that judges spam. Its keys: `dkim_keys` in the secrets."""

    workers: int = knob(1, ge=1, le=16, says="Processes that seal.", unit="processes")
    cpu_percent: int = knob(
        100, ge=10, le=1600, says="CPU that it may use; 100 is one core.", unit="% of a core"
    )
    memory_megabytes: int = knob(512, ge=128, le=16_384, says="Memory that it may use.", unit="MiB")
