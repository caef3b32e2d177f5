"""What DNS shall say: one small module a kind of record, with its RFC, and octoDNS to compare and apply it.

The modules of the kinds are pure: an exchange and public keys go in, record sets come out. `zones` and
`target` know octoDNS. Nothing here knows pyinfra: the role and the controller's check share all of it.
"""
