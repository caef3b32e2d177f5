"""The gate: a milter that decides while the sender is still on the line, so that a refusal is the sender's.

In June 2021 a flood was answered after the queue, and filled it for everybody: what is over a limit is
refused at RCPT here. Nothing depends on the gate: where it is away Postfix accepts, and the forwarder
scans what carries no verdict.
"""
