"""Plan in, TaskFlow flow out; assembly only. Building a flow touches no cloud, file or database."""
