"""Resources: what one run takes of the machines it runs on."""

from collections.abc import Mapping
from typing import Any

from pydantic import ConfigDict, Field, field_validator

from mien.study.config.validation import Table, checked, section


class Resources(Table):
    """The table [resources] of a study file, or of one of its nets.

    Cores and the share of a GPU are what Ray keeps free for a run; the local engine gives each run the whole machine.
    """

    model_config = ConfigDict(frozen=True)

    cores: int = Field(default=1, ge=1, description="processor cores of each worker")
    gpu: float = Field(default=0.0, ge=0, description="share of a GPU of each worker")
    workers: int = Field(default=1, ge=1, description="that train a run together, each with its share of every batch")

    @field_validator("gpu")
    @classmethod
    def _whole_above_one(cls, gpu: float) -> float:
        if gpu > 1 and gpu != int(gpu):
            raise ValueError(f"found {gpu:g}; a share of one GPU, or a whole number of them")
        return gpu


def read_resources(
    table: Mapping[str, Any], nets: Mapping[str, dict[str, Any]], problems: list[str]
) -> dict[str, Resources]:
    """What the runs of each net take: the study's [resources], and over them the net's own."""
    common = checked(Resources, section(table, "resources"), "resources", problems)
    found = {}
    for name, net in nets.items():
        own = checked(Resources, section(net, "resources"), f"nets.{name}.resources", problems)
        found[name] = common.model_copy(update=own.model_dump(include=own.model_fields_set))
    return found
