"""The canary: a message of our own through each exchanger every few seconds, timed until it is back.

Both post-mortems were long because nobody saw: processes ran, ports answered, and mail stood in a queue.
Only a message that has gone the whole way, from port 25 to a mailbox, shows that mail moves. Each host
sends through every exchanger and receives what it has sent itself, so both times are of one clock.
"""
