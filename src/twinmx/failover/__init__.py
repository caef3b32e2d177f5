"""The failover agent: takes a sick host out of service while its peer can carry the mail, and brings it back.

`machine` decides and does nothing else (docs/adr/0015); everything around it asks, acts and remembers.
"""
