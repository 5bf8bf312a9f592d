"""Ways to ask whether a server does its work."""
