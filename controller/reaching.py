"""What mends it when a host is not reached, said behind the words of ssh(1) or of pyinfra, which do not."""

import re

LOG_IN = "log in once by ssh, and compare the key it shows with the one on the host's console"
SENTENCE_END = ". \n"
WAYS_OUT = (
    (
        r"No such private key file",
        "ssh_key in the inventory names it; `ssh-keygen -t ed25519` makes one, for `ssh-copy-id`",
    ),
    (
        r"Host key for \S+ does not match|REMOTE HOST IDENTIFICATION HAS CHANGED",
        f"only if it is a new machine: `ssh-keygen -R ADDRESS`, then {LOG_IN}",
    ),
    (r"No host key for|No \S+ host key is known for", LOG_IN),
    (
        r"Authentication error|Permission denied \(",
        "it does not let the inventory's ssh_user in with its ssh_key: `ssh-copy-id -i KEY USER@ADDRESS`",
    ),
    (
        r"Unable to connect to port|Could not connect|ssh: connect to host",
        "is it up, at the inventory's address and ssh_port, and does every firewall let this machine in?",
    ),
)
"""What is said of it (a regular expression), and what to do; the first that is found counts."""


def with_way_out(words: str) -> str:
    """The `words` of a connection that failed, and what to do; others as they are."""
    for said, mend in WAYS_OUT:
        if re.search(said, words):
            return f"{words.rstrip(SENTENCE_END)}; {mend}"
    return words
