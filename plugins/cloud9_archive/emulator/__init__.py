"""A stateful Cloud9 to run against; it never imports the client it tests."""
