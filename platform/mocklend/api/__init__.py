"""The HTTP API: one module a noun. A view parses, calls one function, renders.

request ─▶ who asks (asking) ─▶ what it says (reading, fields) ─▶ a command or a read ─▶ answers
                                        └────────── no ──────────▶ problems
"""
