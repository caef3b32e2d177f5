"""The outside world: the one host that stands for everybody else's DNS, senders and mailboxes."""
