"""Scenarios: stories in YAML, run with real requests to the platform; every claim in them is checked.

text        reads and validates a scenario file ─▶ Scenario
schema      the format of the file as JSON Schema, for editors
steps       the step of a scenario as a call of the client
play        a run that stops after each step, and goes on later
telling     runs a Scenario in a new sandbox of a platform of its own ─▶ passed or failed
narrator    prints a run, and collects it as JSON
checks      runs the reconcilers during a scenario, and scores their findings at the end
words       what an answer shows, in a sentence of either language
in_process  carries a client's requests to the app in the same process
playing     plays a scenario on a server from outside
runs        scenarios that are played on a server, a step per request, each in a sandbox of its own
documents   a run as its readers see it
chain       who believes what, compared with the world
api         /-/scenarios
pages       the console's pages Scenarios
skeleton    the text of a new scenario file
saving      the request log of a sandbox ─▶ a scenario file that repeats the requests
"""
