"""The pages /docs and /redoc. Their scripts come from a public server of npm packages, in one
version and by hash: it learns that somebody reads the page, and cannot change what runs in it.
"""

import re
from base64 import b64encode
from hashlib import sha256
from typing import Final

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse
from starlette.routing import Route

_PACKAGES: Final = "https://cdn.jsdelivr.net/npm"
_SWAGGER: Final = f"{_PACKAGES}/swagger-ui-dist@5.35.0"
_REDOC: Final = f"{_PACKAGES}/redoc@2.5.2"

_HEAD: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Voice Cloning API</title>
<link rel="icon" href="data:,">
"""
# The document's address is relative: it holds behind a proxy that adds a prefix.
_SWAGGER_PAGE: Final = f"""{_HEAD}\
<link rel="stylesheet" href="{_SWAGGER}/swagger-ui.css" crossorigin="anonymous"
 integrity="sha384-WlYgdmXYOOBWL5apwjDEZwN+U3HmXSSu5R6V5aGxEcf7z+KuRNwBhoxKVN1i3D5I">
</head>
<body>
<div id="swagger-ui"></div>
<script src="{_SWAGGER}/swagger-ui-bundle.js" crossorigin="anonymous"
 integrity="sha384-gjRm0bEPMeTmMh5jT2cHccIwCUZSTd8YC+j0d0sXw0MdGEfScduGpSyF3ZSSLkX9"></script>
<script>
SwaggerUIBundle({{url: "openapi.json", dom_id: "#swagger-ui", deepLinking: true}});
</script>
</body>
</html>
"""
_REDOC_PAGE: Final = f"""{_HEAD}\
</head>
<body>
<redoc spec-url="openapi.json"></redoc>
<script src="{_REDOC}/bundles/redoc.standalone.js" crossorigin="anonymous"
 integrity="sha384-70P5pmIdaQdVbxvjhrcTDv1uKcKqalZ3OHi7S2J+uzDl0PW8dO6L+pHOpm9EEjGJ"></script>
</body>
</html>
"""
# Both write styles into the page; Redoc searches in a worker; Swagger plays audio it was sent.
_POLICY: Final = (
    "default-src 'none'; script-src {package}/ {inline}; style-src {package}/ 'unsafe-inline'; "
    "img-src 'self' data:; media-src blob:; connect-src 'self'; worker-src blob:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def add_pages(app: FastAPI) -> None:
    """Serve them in the place of the framework's own pages."""
    app.router.routes += [
        _page("/docs", _SWAGGER_PAGE, _SWAGGER),
        _page("/redoc", _REDOC_PAGE, _REDOC),
    ]


def _page(path: str, html: str, package: str) -> Route:
    inline = " ".join(_hash(script) for script in re.findall(r"<script>(.*?)</script>", html, re.S))
    headers = {"Content-Security-Policy": _POLICY.format(package=package, inline=inline)}

    async def show(_: Request) -> HTMLResponse:
        return HTMLResponse(html, headers=headers)

    return Route(path, show)


def _hash(script: str) -> str:
    return f"'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'"
