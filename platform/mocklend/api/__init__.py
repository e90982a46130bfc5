"""The HTTP API: one module per noun. A view parses the request, calls one function and renders the result.

request ─▶ credentials (request_context) ─▶ body and query (json_body, fields) ─▶ command or read ─▶ responses
                     └────────────────────── refused ──────────────────────────────▶ problems
"""
