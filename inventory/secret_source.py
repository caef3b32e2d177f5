"""Where the secrets are kept, as the inventory names it; reading them is `secret_reading`."""

from typing import Annotated, Literal, Self

from pydantic import StringConstraints, model_validator

from inventory.knob import FilePath, Form, Mistake, Settings, knob, refuse

Kind = Literal["file", "sops", "age", "environment", "command"]
Prefix = Annotated[
    str,
    Form("the beginning of names of variables: capital letters, digits and _, as in TWINMX_SECRET_"),
    StringConstraints(pattern=r"^[A-Z][A-Z0-9_]*$"),
]
Word = Annotated[str, Form("a word of a command line, not empty"), StringConstraints(min_length=1)]

NEEDED: dict[Kind, tuple[str, ...]] = {
    "file": ("path",),
    "sops": ("path",),
    "age": ("path", "identity"),
    "environment": ("prefix",),
    "command": ("command",),
}
OPTIONAL: dict[Kind, tuple[str, ...]] = {"age": ("recipients",)}
WORDS = {"path": "the file", "identity": "age's identity file", "prefix": "a prefix", "command": "a command"}


class SecretSource(Settings):
    """Where the secrets are: never in the repository. What each kind needs, and examples: docs/secrets.md."""

    kind: Kind = knob(
        says="A YAML file in plain text; one encrypted with SOPS or with age; variables of the environment; "
        "or a command that prints the YAML, such as pass or Vault's."
    )
    path: FilePath | None = knob(None, says="file, sops, age: the file. A plain one has mode 0600.")
    identity: FilePath | None = knob(None, says="age: the file with the key that decrypts, of mode 0600.")
    recipients: FilePath | None = knob(
        None,
        says="age: the file with the public keys of all who may decrypt, a line each: what is changed is "
        "encrypted for them. The identity's own alone where it is left out.",
    )
    prefix: Prefix | None = knob(
        None, says="environment: what the names of the variables begin with: docs/secrets.md."
    )
    command: tuple[Word, ...] = knob(
        (), says="command: its words, run without a shell and with nothing to read; it prints the YAML."
    )
    seconds: int = knob(30, ge=1, le=600, says="How long sops, age or the command may take.", unit="seconds")

    @model_validator(mode="after")
    def _has_what_its_kind_needs(self) -> Self:
        needed, optional = NEEDED[self.kind], OPTIONAL.get(self.kind, ())
        known = {name for names in (*NEEDED.values(), *OPTIONAL.values()) for name in names}
        missing = [
            Mistake((name,), getattr(self, name), f"missing; allowed: {WORDS[name]} (kind is {self.kind})")
            for name in needed
            if not getattr(self, name)
        ]
        foreign = [
            Mistake((name,), getattr(self, name), f"{self.kind} has none; allowed: {', '.join(needed)}")
            for name in sorted(known - {*needed, *optional})
            if getattr(self, name)
        ]
        refuse([*missing, *foreign])
        return self

    @property
    def name(self) -> str:
        """What messages call it."""
        if self.kind == "environment":
            return f"${self.prefix}*"
        return f"`{' '.join(self.command)}`" if self.kind == "command" else str(self.path)
