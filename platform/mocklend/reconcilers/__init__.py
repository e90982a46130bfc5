"""Reference reconcilers: what a user of the platform would write to find the breaks, over the public API alone.

        channels: order query, statements ─┐
        books: journal, operator's view   ─┼─▶ naive, thorough ─▶ findings ─▶ POST /-/scores
        views: pages, reports, scores     ─┘

`naive` compares balances and believes every answer. `thorough` compares three ways, row by row, and can repair. Neither
uses the control plane: no answer key, no audit. Writing a better one is an exercise for a class.
"""
