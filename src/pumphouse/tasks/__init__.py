"""What a run does: one function per action, and the TaskFlow atoms that wrap them."""
