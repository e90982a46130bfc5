"""Views: what clients are shown. The status page is a versioned projection of the books, and may lag behind them."""
