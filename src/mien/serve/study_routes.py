"""Routes of studies: the list, one with its runs, a run, the report, live changes, runs side by side."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from fastapi.responses import FileResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent

from mien.errors import UserError
from mien.runs.study_folder import StudyFolder, StudySummary
from mien.serve.problem_details import Problem, responses
from mien.serve.run_details import Comparison, RunDetail, compare_runs, run_detail
from mien.serve.studies import Studies, StudyDetail, study_detail
from mien.serve.study_events import StudyEvents

COMPARED = 6
"""Runs that can be set side by side."""

REPORT_POLICY = (
    "sandbox allow-scripts allow-popups allow-downloads; default-src 'none'; img-src data:; "
    "style-src 'unsafe-inline'; script-src 'unsafe-inline'; frame-ancestors 'self'"
)
"""The report carries its own styles and scripts; in a sandbox it can reach neither this server nor its token."""

StudyName = Annotated[str, Path(description="A study's folder name.", examples=["quick"])]
RunName = Annotated[str, Path(description="A run's id.", examples=["cnn_small-1f3c9a77b2"])]
Compared = Annotated[
    list[str],
    Query(
        min_length=1,
        max_length=COMPARED,
        description=f"STUDY/RUN; again for each, at most {COMPARED}.",
        examples=[["quick/cnn_small-1f3c9a77b2", "quick/fnn_small-90d2be4a61"]],
    ),
]


@dataclass(frozen=True)
class StudyList:
    """The studies that there are, by name, and the folder they lie in."""

    folder: str
    studies: list[StudySummary]


def study_routes(studies: Studies, events: StudyEvents) -> APIRouter:
    """The routes under /v1.

    Args:
        studies: to be shown.
        events: sends their changes.
    """
    routes = APIRouter(prefix="/v1", tags=["studies"])

    def named(study: StudyName) -> StudyFolder:
        folder = studies.find(study)
        if folder is None:
            raise Problem(404, f"no study is called {study!r}; GET /v1/studies lists them")
        return folder

    Named = Annotated[StudyFolder, Depends(named)]  # noqa: N806 - a type

    @routes.get("/studies", summary="The studies in the runs folder")
    def list_studies() -> StudyList:
        return StudyList(str(studies.folder), [study.summarise() for study in studies.all().values()])

    @routes.get("/studies/{study}", summary="A study with its runs and their curves", responses=responses(404))
    def get_study(study: Named) -> StudyDetail:
        return study_detail(study)

    @routes.get("/studies/{study}/runs/{run}", summary="A run in full", responses=responses(404))
    def get_run(study: Named, run: RunName) -> RunDetail:
        return _detail(study, run)

    @routes.get(
        "/studies/{study}/report",
        summary="A study's report, one HTML page",
        response_class=FileResponse,
        responses={200: {"content": {"text/html": {}}, "description": "The page."}, **responses(404)},
    )
    def get_report(study: Named) -> FileResponse:
        if not study.report.is_file():
            raise Problem(404, f"study {study.name!r} has no report yet; it is written when the study ends")
        return FileResponse(study.report, media_type="text/html", headers={"Content-Security-Policy": REPORT_POLICY})

    def listened(study: Named) -> StudyFolder:
        if events.full:
            raise Problem(429, "too many listen already", {"Retry-After": "10"})
        return study

    @routes.get(
        "/studies/{study}/events",
        summary="A study's changes as server-sent events",
        description="First an event `study`, as GET gives it; then an event `run` whenever a run has changed, "
        "and `study` whenever the study's own files have. Whoever comes again begins with the whole.",
        response_class=EventSourceResponse,
        responses=responses(404, 429),
    )
    async def get_events(study: Annotated[StudyFolder, Depends(listened)]) -> AsyncIterator[ServerSentEvent]:
        async with aclosing(events.listen(study)) as messages:
            async for message in messages:
                yield ServerSentEvent(raw_data=message.data, event=message.kind)

    @routes.get("/compare", summary="Runs side by side", responses=responses(404))
    def get_comparison(run: Compared) -> Comparison:
        runs = {name: one for name in run if (one := studies.find_run(name))}
        if missing := [name for name in run if name not in runs]:
            raise Problem(404, f"no run is called {missing[0]!r}; GET /v1/studies/STUDY lists a study's runs")
        return compare_runs(runs)

    return routes


def _detail(study: StudyFolder, name: str) -> RunDetail:
    run = study.runs.get(name)
    if run is None:
        raise Problem(404, f"run {name!r} is none of study {study.name!r}")
    try:
        return run_detail(run, study.name)
    except UserError as error:
        raise Problem(404, f"run {name!r} is damaged: {error}") from None
