"""What the controller does with an inventory: show a plan, converge host by host, stop at a failed gate."""
