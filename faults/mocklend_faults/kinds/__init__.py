"""The kinds of fault, one file each. A new kind needs a file here, an entry point and a test."""
