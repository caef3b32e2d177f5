"""One module per role of an exchanger; templates/<role>/ and tests/hosts/test_<role>.py bear its name."""
