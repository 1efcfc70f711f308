"""What the end-to-end tests share: a platform under test, clients, packages and functions."""
