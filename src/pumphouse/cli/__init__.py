"""The command line: every command parses, calls the service once and renders."""
