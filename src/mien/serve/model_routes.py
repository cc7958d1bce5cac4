"""Routes of the model in use: which it is, and choosing another: a bundled one, or a finished run."""

import asyncio
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Response
from pydantic import BaseModel, ConfigDict, Field, model_validator

from mien.errors import UserError
from mien.runs.run import Run
from mien.runs.summary import summarise
from mien.serve.exporting import Exports
from mien.serve.models import Models
from mien.serve.problem_details import Problem, responses
from mien.serve.studies import Studies


class Choice(BaseModel):
    """What to predict with: a finished run as STUDY/RUN, or a model by its name."""

    model_config = ConfigDict(extra="forbid")

    run: str | None = Field(None, examples=["quick/cnn_small-1f3c9a77b2"])
    model: str | None = Field(None, examples=["fast"])

    @model_validator(mode="after")
    def _one(self) -> "Choice":
        if (self.run is None) == (self.model is None):
            raise ValueError("give either run or model")
        return self


@dataclass(frozen=True)
class InUse:
    """The model in use, and how the last change of it went.

    Attributes:
        in_use: the name of the model that predicts now.
        run: the run that is being put to use, or was last, as STUDY/RUN; "" for none.
        state: settled; exporting, while the run becomes a model file; or failed.
        reason: why it failed; "" otherwise.
    """

    in_use: str
    run: str = ""
    state: Literal["settled", "exporting", "failed"] = "settled"
    reason: str = ""


BEGUN: dict[int | str, dict[str, Any]] = {
    202: {"description": "The run is being exported; GET says when it is in use.", "model": InUse}
}


class ModelRegistry:
    """Changes the model in use, one change at a time.

    Args:
        models: what predicts.
        exports: makes model files of runs.
    """

    def __init__(self, models: Models, exports: Exports) -> None:
        self._models = models
        self._exports = exports
        self._last = InUse("")
        self._task: asyncio.Task[None] | None = None

    @property
    def current(self) -> InUse:
        """The model in use, and how the last change went."""
        return replace(self._last, in_use=self._models.in_use)

    @property
    def busy(self) -> bool:
        """Whether a run is being put to use."""
        return self._task is not None and not self._task.done()

    async def use_model(self, name: str) -> None:
        """Put one of the models at hand to use."""
        await asyncio.to_thread(self._models.use, name)
        self._last = InUse("")

    def use_run(self, name: str, run: Run) -> None:
        """Begin to put a finished run to use; its name is STUDY/RUN."""
        self._last = InUse("", name, "exporting")
        self._task = asyncio.create_task(self._export(run))

    def close(self) -> None:
        """Stop an export that has not finished."""
        if self._task:
            self._task.cancel()
        self._exports.close()

    async def _export(self, run: Run) -> None:
        try:
            await asyncio.to_thread(self._models.use, await self._exports.export(run))
            self._last = replace(self._last, state="settled")
        except UserError as error:
            self._last = replace(self._last, state="failed", reason=str(error))
        except Exception as error:
            self._last = replace(self._last, state="failed", reason=f"{type(error).__name__}: {error}")
            raise


def model_routes(studies: Studies, models: Models, registry: ModelRegistry) -> APIRouter:
    """The routes under /v1/models/in-use.

    Args:
        studies: whose finished runs may be put to use.
        models: what predicts.
        registry: changes it.
    """
    routes = APIRouter(prefix="/v1/models", tags=["models"])

    @routes.get("/in-use", summary="The model in use, and how the last change of it went")
    async def get_in_use() -> InUse:
        return registry.current

    @routes.put(
        "/in-use", summary="Predict with another model, or with a finished run", responses=BEGUN | responses(404, 409)
    )
    async def put_in_use(choice: Annotated[Choice, Body()], response: Response) -> InUse:
        if registry.busy:
            raise Problem(409, "a run is being exported; wait until it is in use")
        if choice.model is not None:
            if choice.model not in models.choices:
                raise Problem(404, f"no model is called {choice.model!r}; GET /v1/models lists them")
            await registry.use_model(choice.model)
            return registry.current
        name = choice.run or ""
        run = await asyncio.to_thread(studies.find_run, name)
        if run is None:
            raise Problem(404, f"no run is called {name!r}; GET /v1/studies/STUDY lists a study's runs")
        state = (await asyncio.to_thread(summarise, run)).state
        if state != "finished":
            raise Problem(409, f"run {name!r} is {state}; only a finished one can predict")
        registry.use_run(name, run)
        response.status_code = 202
        return registry.current

    return routes
