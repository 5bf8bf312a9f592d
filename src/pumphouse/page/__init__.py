"""The page: both clouds as a live picture, and a migration from choosing to commit, in a browser."""
