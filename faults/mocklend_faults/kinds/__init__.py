"""One file per fault. A new one is a new file here, one line in the entry points and one test."""
