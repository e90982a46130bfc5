"""The HTTP API: one module per noun. A view parses, calls one function, renders.

request ─▶ who asks (asking) ─▶ what it says (reading, fields) ─▶ a command or a read ─▶ answers
                                        └────────── no ──────────▶ problems
"""
