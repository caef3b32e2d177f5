"""Who the exchangers are and every knob of the service: facts in YAML, typed and checked before use."""
