"""Uploads: the photos of a request, from a form or from JSON. They stay in memory: nothing is written to disk."""

import asyncio
import binascii
import sys
from base64 import b64decode
from typing import NamedTuple

from fastapi import Request
from pydantic import ValidationError
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from mien.serve.problem_details import Problem, mistakes
from mien.serve.schemas import Images

FIELD = "file"
"""The form's field that carries photos."""

LABEL = 200
"""Characters of a file's name that are given back."""


class Upload(NamedTuple):
    """A photo as it was sent: the content of its file, and the file's name where it has one."""

    label: str | None
    content: bytes


class _InMemory(MultiPartParser):
    """Starlette's parser, which would put parts of more than a megabyte into temporary files.

    Attributes:
        begun: the parts with a file whose headers were read; of a body that breaks off, the form lacks the last.
    """

    spool_max_size = sys.maxsize

    def __init__(self, request: Request, most: int) -> None:
        # One more than is allowed, so that the refusal is ours.
        super().__init__(request.headers, request.stream(), max_files=most + 1, max_fields=0)
        self.begun: list[UploadFile] = []

    def on_headers_finished(self) -> None:
        """See MultiPartParser."""
        super().on_headers_finished()
        if self._current_part.file is not None:
            self.begun.append(self._current_part.file)


async def read_uploads(request: Request, most: int) -> list[Upload]:
    """The photos of a request, at least one.

    Args:
        request: a form (multipart/form-data) with one or more fields `file`, or JSON: `{"images": [base64, ...]}`.
        most: photos.

    Raises:
        Problem: the body is neither (415), it is broken or has no photos (422), or more than `most` (413).
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        uploads = await _of_form(request, most)
    elif kind == "application/json":
        uploads = await asyncio.to_thread(_of_json, await request.body())
    else:
        raise Problem(415, f"send multipart/form-data with fields {FIELD!r}, or application/json; this is {kind!r}")
    if not uploads:
        raise Problem(422, f"the form has no photo; send each as a field {FIELD!r}")
    if len(uploads) > most:
        raise Problem(413, f"more than {most} photos in one request; send them in several")
    return uploads


async def _of_form(request: Request, most: int) -> list[Upload]:
    parser = _InMemory(request, most)
    try:
        form = await parser.parse()
        return [await _of_part(name, part) for name, part in form.multi_items()]
    except MultiPartException as error:
        raise Problem(*_broken_form(error.message, most)) from None
    finally:
        for part in parser.begun:
            await part.close()


async def _of_part(name: str, part: UploadFile | str) -> Upload:
    if name != FIELD or isinstance(part, str):
        raise Problem(422, f"the form has a field {name!r}; photos are sent as {FIELD!r}, with a file name")
    return Upload((part.filename or "")[:LABEL] or None, await part.read())


def _broken_form(message: str, most: int) -> tuple[int, str]:
    if message.startswith("Too many files"):
        return 413, f"more than {most} photos in one request; send them in several"
    if message.startswith("Too many fields"):
        return 422, f"the form has a field without a file; photos are sent as {FIELD!r}, with a file name"
    return 422, f"a broken form: {message}"


def _of_json(body: bytes) -> list[Upload]:
    try:
        images = Images.model_validate_json(body).images
    except ValidationError as error:
        raise mistakes(error.errors()) from None
    uploads = []
    for place, text in enumerate(images):
        try:
            uploads.append(Upload(None, b64decode(text, validate=True)))
        except (binascii.Error, ValueError) as error:
            raise mistakes([{"loc": ("images", place), "msg": f"not base64: {error}"}]) from None
    return uploads
