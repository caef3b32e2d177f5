"""SMTP between our own programs: a server and a client on bare `asyncio.Protocol`.

ADR 0005 has the measurement behind it: a relay of 4 KB messages on general SMTP libraries costs
0.85 ms of CPU a message, on bytes and protocols 0.1 ms. They speak to Postfix on the same host or
the peer, never to the Internet: no TLS, no AUTH, no CHUNKING.

`envelope` holds what a transaction is, `server` and `client`/`pool` the two ends.
"""
