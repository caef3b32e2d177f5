"""E-mail addresses as configuration holds them: what is accepted, and how two are compared.

Aliases and mailboxes are plain ASCII (a dot-atom and a domain in its A-label form): such an address
can be written into any envelope, whether or not the message came with SMTPUTF8 (RFC 6531), so a
forward never depends on what the next hop announces. Senders are not restricted by this module.
"""

import re

MAX_ADDRESS = 254
MAX_LOCAL_PART = 64

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LOCAL_PART = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})+")

_UNQUOTED_ATOM = r"[^\s\x00-\x1f\x7f()<>\[\]:;@\\,.\"]+"
_DOT_STRING = re.compile(rf"{_UNQUOTED_ATOM}(?:\.{_UNQUOTED_ATOM})*")
_QUOTING = re.compile(r'"((?:[^"\\]|\\.)*)"?|\\(.?)|\s+', re.DOTALL)
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)
_FINAL_DOT = re.compile(r"(?<=[^.@])\.\Z")


def fold(address: str) -> str:
    """Return the form in which addresses are compared: Postfix folds the case of a lookup key too."""
    return address.casefold()


def split(address: str) -> tuple[str, str]:
    """Return local part and domain of `address`; the domain is empty where there is no `@`."""
    local, at, domain = address.rpartition("@")
    return (local, domain) if at else (address, "")


def unquote(local: str) -> str:
    """Return a local part without the quotes of RFC 5321's quoted-string, if it has them."""
    if len(local) >= 2 and local[0] == local[-1] == '"':  # noqa: PLR2004 - both quotes
        return _QUOTED_PAIR.sub(r"\1", local[1:-1])
    return local


def quote(local: str) -> str:
    """Return a local part as an SMTP command carries it, quoted where it is no dot-string."""
    if _DOT_STRING.fullmatch(local):
        return local
    escaped = re.sub(r'(["\\])', r"\\\1", local)
    return f'"{escaped}"'


def canonical(path: str) -> str:
    """Return the one spelling of the address in `path`, the argument of MAIL or RCPT; in its case.

    Brackets, a source route, blanks, quoting that is not needed and the dot after a domain go, so that
    no two spellings which Postfix takes for one recipient look like two (RFC 5321, 4.1.2; what Postfix
    does with them: extract_addr of smtpd.c, tok822_parse.c, rewrite.c). Any text is taken.
    """
    path = path.strip()
    while path.startswith("<") and path.endswith(">"):
        path = path[1:-1].strip()
    while path.startswith("@") and ":" in path:
        path = path.partition(":")[2]
    local, domain = split(_FINAL_DOT.sub("", _QUOTING.sub(_bare, path)))
    if domain:
        return f"{quote(local)}@{domain}"
    return quote(local) if local else ""


def _bare(quoting: re.Match[str]) -> str:
    quoted, escaped = quoting.groups(default="")
    return _QUOTED_PAIR.sub(r"\1", quoted) or escaped


def domain_fault(domain: str) -> str | None:
    """Say what is wrong with a domain name, or return None (RFC 1123 names of two labels or more)."""
    if not domain.isascii():
        return "the domain is not ASCII: write it in its xn-- form"
    if not _DOMAIN.fullmatch(domain):
        return "the domain is not a host name of two or more labels, such as alias.example"
    return None


def address_fault(address: str) -> str | None:
    """Say what is wrong with an address, or return None.

    Source: RFC 5321 section 4.1.2 (dot-string local parts only) and the limits of 4.5.3.1.
    """
    local, domain = split(address)
    if not domain or not local:
        return "an address has the form local-part@domain"
    if not local.isascii() or not _LOCAL_PART.fullmatch(local):
        return "the local part may hold ASCII letters, digits, !#$%&'*+/=?^_`{|}~- and single dots"
    if len(local) > MAX_LOCAL_PART:
        return f"the local part has {len(local)} characters, allowed are {MAX_LOCAL_PART}"
    if len(address) > MAX_ADDRESS:
        return f"the address has {len(address)} characters, allowed are {MAX_ADDRESS}"
    return domain_fault(domain)
