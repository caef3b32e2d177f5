"""The queues and the delivery log of Postfix: what waits, how long and why, and how long mail took."""
