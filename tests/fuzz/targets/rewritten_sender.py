"""SRS: any recipient is refused in words or taken back; any sender is rewritten and comes back."""

from contextlib import suppress

from tests.fuzz.envelope_text import text_of
from twinmx.addresses import quote, split, unquote
from twinmx.srs import Srs, SrsError, is_srs

SRS = Srs([b"k" * 32], 30, clock=lambda: 20_000 * 86_400)
SEEDS = (
    SRS.rewrite("a=b@sender.example", "alias.example").encode(),
    SRS.rewrite("SRS0+abcd=ef=sender.example=a@there.example", "alias.example").encode(),
    b'"a b\\"c"@sender.example',
    b"srs0=aaaaaaaa=aa=b=c@alias.example",
)
TOKENS = (b"SRS0=", b"SRS1=", b"=", b"@", b'"', b"\\", b"==")


def one_input(data: bytes) -> None:
    """As an address of an envelope."""
    text = text_of(data)
    if text is None:
        return
    with suppress(SrsError):
        SRS.reverse(text)
    assert unquote(quote(unquote(text))) == unquote(text)
    try:
        rewritten = SRS.rewrite(text, "alias.example")
    except SrsError:
        return
    if not rewritten:
        assert not text
        return
    assert split(rewritten)[1] == "alias.example"
    local, domain = split(SRS.reverse(rewritten))
    before, host = split(text)
    if is_srs(before):  # it goes back to the site that rewrote it first
        assert is_srs(local)
        return
    assert unquote(local).lower() == unquote(before).lower(), local
    assert domain.lower() == host.lower()
