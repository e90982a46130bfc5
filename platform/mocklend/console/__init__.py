"""The console: pages that show the truth, the lie and the place between them, in English and Chinese.

        GET /console/{sandbox}/loans ─▶ visit: who, language, sandbox ─▶ a view: one reading function ─▶ one template

It is a Flask app of its own beside the API's, built at its first request. No hook of the API runs for a page, so no
outage or latency fault may hit one, and looking changes nothing: pages read below the seams. A fault layer brings pages
of its own by the entry point `mocklend.console`; the platform's console works without it.
"""
