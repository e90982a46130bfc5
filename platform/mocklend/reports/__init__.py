"""Reports: a self-contained HTML file about a load, a scenario or a sandbox, which can be sent to anybody.

        what a server counted, a judge said, a scenario claimed ─▶ ReportDoc ─▶ HTML with plots, in either language

documents   the report as JSON, and what is left of it without the truth
collecting  makes it from a sandbox that a client can reach, and from a run
plots       figures over time as SVG, and the same figures as a table
page        the HTML file
storing     reports that are kept in their sandbox
api         /-/reports
pages       the console's page Reports
"""
