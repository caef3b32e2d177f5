"""The programs that run on a twinmx mail exchanger: forwarder, spam chain, alias snapshot."""
