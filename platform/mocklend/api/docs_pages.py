"""The documentation pages: /docs (swagger-ui, vendored), /docs/problems, and /openapi.json.

No page loads anything from another origin; the Content-Security-Policy enforces that. Links are relative to the page,
so that they also work behind a proxy with a path prefix.
"""

from __future__ import annotations

import json
from html import escape
from pathlib import Path

import orjson
from apiflask import APIBlueprint, APIFlask
from flask import Response, request, send_file

from mocklend.api.responses import rendered
from mocklend.domain.problems import PROBLEMS, Refused
from mocklend.language import Language, accepted, message, translate

VENDORED = Path(__file__).with_name("vendored")
SWAGGER = VENDORED / "swagger-ui"

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

DOCS = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Mocklend API</title>
<link rel="icon" href="docs/assets/favicon-32x32.png">
<link rel="stylesheet" href="docs/assets/swagger-ui.css">
</head>
<body>
<div id="api"></div>
<noscript>The API is described in <a href="openapi.json">openapi.json</a>.</noscript>
<script src="docs/assets/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
"""

# Without `validatorUrl: null` swagger-ui sends the document to an online validator.
START = """SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#api",
  deepLinking: true,
  validatorUrl: null,
  displayRequestDuration: true,
  presets: [SwaggerUIBundle.presets.apis],
});
"""

STYLE = """body { font: 16px/1.5 system-ui, sans-serif; max-width: 50em; margin: 2em auto; padding: 0 1em; }
h2 { font: bold 1.05em ui-monospace, monospace; margin: 1.5em 0 0; }
p { margin: 0; }
:target { background: #fff3c4; }
"""


def pages(app: APIFlask) -> APIBlueprint:
    """The blueprint of an app's documentation pages."""
    blueprint = APIBlueprint("pages", __name__, enable_openapi=False)
    names = frozenset(json.loads((VENDORED / "swagger-ui.json").read_text(encoding="utf-8"))["sha256"])
    spec: list[bytes] = []

    @blueprint.get("/openapi.json")
    def openapi() -> Response:
        if not spec:
            spec.append(orjson.dumps(app.spec))
        return Response(spec[0], content_type="application/json")

    @blueprint.get("/docs")
    def docs() -> Response:
        return _page(DOCS)

    @blueprint.get("/docs/start.js")
    def start() -> Response:
        return _page(START, "text/javascript; charset=utf-8")

    @blueprint.get("/docs/style.css")
    def style() -> Response:
        return _page(STYLE, "text/css; charset=utf-8")

    @blueprint.get("/docs/assets/<name>")
    def asset(name: str) -> Response:
        if name not in names:
            raise Refused("not_found", "there is no such asset")
        response = send_file(SWAGGER / name, max_age=86_400)
        return _guarded(response)

    @blueprint.get("/docs/problems")
    def problems() -> Response:
        language = accepted(request.headers.get("Accept-Language"))
        return _spoken(_page(problems_page(language)), language)

    @blueprint.get("/docs/problems.json")
    def problems_as_json() -> Response:
        language = accepted(request.headers.get("Accept-Language"))
        return _spoken(rendered({"problems": [{"code": code, **_row(language, code)} for code in PROBLEMS]}), language)

    return blueprint


def _row(language: Language, code: str) -> dict[str, str | int]:
    problem = PROBLEMS[code]
    title, hint = translate(language, problem.title), translate(language, problem.hint)
    return {"status": problem.status, "title": title, "hint": hint}


def _spoken(response: Response, language: Language) -> Response:
    response.headers.update({"Content-Language": language.tag, "Vary": "Accept-Language"})
    return response


TITLE = message("Mocklend: problems")
HEADING = message("All problem codes")
ORDER = message("If several problems apply, the answer names the first of them.")
SEE = message("See also {the_api}.")
THE_API = message("the API")


def problems_page(language: Language = Language.EN) -> str:
    """The HTML page of all problem codes, each with an anchor, in order of precedence."""
    the_api = f'<a href="../docs">{translate(language, THE_API)}</a>'
    see = translate(language, SEE, the_api=the_api)
    entries = "\n".join(
        f'<section id="{code}"><h2>{code} · {problem.status}</h2>'
        f"<p>{escape(translate(language, problem.title))} {escape(translate(language, problem.hint))}</p></section>"
        for code, problem in PROBLEMS.items()
    )
    return f"""<!doctype html>
<html lang="{language.tag}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{translate(language, TITLE)}</title>
<link rel="icon" href="assets/favicon-32x32.png">
<link rel="stylesheet" href="style.css">
</head>
<body>
<h1>{translate(language, HEADING)}</h1>
<p>{translate(language, ORDER)} {see}</p>
{entries}
</body>
</html>
"""


def _page(text: str, content_type: str = "text/html; charset=utf-8") -> Response:
    return _guarded(Response(text, content_type=content_type))


def _guarded(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
