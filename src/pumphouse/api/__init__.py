"""The HTTP API: the same use cases as the command line's, for programs and for a page."""
