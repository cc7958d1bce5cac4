"""Routes of the page: itself, its files, the emotions' colours, and the documents of the service."""

from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse, Response
from fastapi.staticfiles import StaticFiles

from mien.faces.colours import HUE_OF, HUES

STATIC = Path(__file__).parent / "static"


def static_files() -> StaticFiles:
    """The page's scripts, styles and icons."""
    return StaticFiles(directory=STATIC)


def page_routes() -> APIRouter:
    """The routes `/`, `/docs` and `/colours.css`; not part of the service that OpenAPI describes."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/")
    async def page() -> FileResponse:
        return FileResponse(STATIC / "index.html")

    @routes.get("/docs")
    async def documents() -> FileResponse:
        return FileResponse(STATIC / "docs.html")

    @routes.get("/colours.css")
    async def colours() -> Response:
        return Response(colours_css(), media_type="text/css")

    return routes


def colours_css() -> str:
    """The emotions' colours as variables, `--happy`, each for light and dark by the page's color-scheme."""
    lines = [f"  --{emotion}: light-dark({', '.join(HUES[hue])});" for emotion, hue in HUE_OF.items()]
    lines += [f"  --{hue}: light-dark({light}, {dark});" for hue, (light, dark) in HUES.items()]
    return "\n".join([":root {", *lines, "}", ""])
