"""What every role is made of: a host observed once, files checked before use, services that converge."""
