"""Signing in, off loopback: the control token makes a teacher, a sandbox's key a student of that sandbox."""

from __future__ import annotations

import hmac

from flask import Flask, Response, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from mocklend.console.visit import SESSION, console, platform, teachers_cookie
from mocklend.domain.problems import Refused


def register(app: Flask) -> None:
    """Add the pages to sign in and out."""
    app.add_url_rule("/console/sign-in", "sign_in", sign_in, methods=["GET", "POST"])
    app.add_url_rule("/console/sign-out", "sign_out", sign_out, methods=["POST"])


def sign_in_page(refused: Refused | None = None) -> Response:
    """The form, with what was wrong with the last try."""
    status = refused.problem.status if refused else 200 if request.endpoint == "sign_in" else 401
    return make_response(render_template("sign_in.html", refused=refused), status)


def sign_in() -> AnyResponse:
    """Keep who it is in a cookie that no script and no other site can read."""
    if request.method == "GET":
        return sign_in_page()
    secret, settings = request.form.get("secret", "").strip(), console().settings
    if hmac.compare_digest(secret.encode("utf-8", "replace"), settings.control_token.encode()):
        cookie, target = teachers_cookie(settings), url_for("home")
    else:
        known = secret if secret.isascii() and secret.isprintable() and 0 < len(secret) <= 200 else ""
        sandbox_id = platform().sandbox_of_key(known) if known else None
        if sandbox_id is None:
            return sign_in_page(
                Refused("credential_invalid", "nobody has this token or key", expected="the control token or a key")
            )
        platform().uses.note(sandbox_id)  # A group of a class has begun.
        cookie, target = secret, url_for("home")
    response = redirect(target, 303)
    response.set_cookie(SESSION, cookie, httponly=True, samesite="Strict", secure=request.is_secure, path="/")
    return response


def sign_out() -> AnyResponse:
    """Forget who it is."""
    response = redirect(url_for("sign_in"), 303)
    response.delete_cookie(SESSION, path="/", samesite="Strict", httponly=True)
    return response
