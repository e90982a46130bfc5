"""What happens when time passes: what is due, in which order, and what makes the clocks run.

a row's `due_ms` ──▶ due ──▶ a command ──▶ the writer                       ▲                       └── an advance of a
manual clock, or a tick of those that run by themselves
"""
