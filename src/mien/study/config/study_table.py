"""The whole study file as a table of tables, and its groups."""

from typing import Annotated, Any

from pydantic import Field, model_validator

from mien.study.config.data_table import DataTable
from mien.study.config.ensembles import Members
from mien.study.config.net_table import NetTable
from mien.study.config.resources import Resources
from mien.study.config.track import TrackTable
from mien.study.config.validation import NAME, NAME_RULE, RecipeEntries, Table


class GroupTable(Table):
    """Nets that are compared with each other, and of which one is selected."""

    nets: list[str] = Field(min_length=1, description="the names of its nets; every net is in one group")
    title: str = Field(default="", description="heading of its section in the report; its name unless given")
    note: str = Field(default="", description="a paragraph below that heading")

    @model_validator(mode="before")
    @classmethod
    def _list_of_nets(cls, entry: Any) -> Any:
        if not isinstance(entry, dict | list):
            raise ValueError(f"found {entry!r}; a group is a list of nets, or a table with nets in it")
        return {"nets": entry} if isinstance(entry, list) else entry


class StudyTable(Table):
    """A study file of mien: nets, how they are trained, and how they are compared."""

    name: str = Field(default="", pattern=NAME, description=f"of the study and its folder, out/NAME: {NAME_RULE}")
    seeds: list[Annotated[int, Field(ge=0)]] = Field(
        default=[0], min_length=1, description="each net is trained once with each of these whole numbers"
    )
    data: DataTable = Field(default=DataTable(), description="which faces, and what is done with them")
    recipe: RecipeEntries = Field(default={}, description="how nets are trained; a net's own recipe goes over it")
    nets: dict[str, NetTable] = Field(default={}, min_length=1, description="the nets to compare, by their names")
    groups: dict[str, GroupTable] = Field(
        default={}, description="nets that are compared with each other, by the group's name; all together unless given"
    )
    ensembles: dict[str, Members] = Field(
        default={}, description="nets whose predictions are averaged, by the ensemble's name"
    )
    previews: dict[str, RecipeEntries] = Field(
        default={}, description="recipes whose effect on nine faces the report shows, by name"
    )
    resources: Resources = Field(default=Resources(), description="what one run takes of the machines")
    track: TrackTable = Field(default=TrackTable(), description="trackers that follow the study, beside its folder")
