"""One physical quantity a file: its jobs, and its evaluation."""
