"""Named stories, as YAML: `mocklend scenario list`."""
