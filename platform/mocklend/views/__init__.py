"""The VIEWS: what clients are shown. The status page is a versioned projection; it may lag, and has its version."""
