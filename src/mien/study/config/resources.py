"""Resources: what one run takes of the machines it runs on."""

from pydantic import ConfigDict, Field, field_validator

from mien.study.config.validation import Table


class Resources(Table):
    """The table [resources] of a study file, or of one of its nets.

    Cores and the share of a GPU are what Ray reserves for a run; the local engine gives each run the whole machine.
    """

    model_config = ConfigDict(frozen=True)

    cores: int = Field(default=1, ge=1, description="processor cores of each worker")
    gpu: float | None = Field(
        default=None, ge=0, description="share of a GPU of each worker; one where there are any, unless device is cpu"
    )
    workers: int = Field(default=1, ge=1, description="that train a run together, each with its share of every batch")

    @field_validator("gpu")
    @classmethod
    def _whole_above_one(cls, gpu: float | None) -> float | None:
        if gpu is not None and gpu > 1 and gpu != int(gpu):
            raise ValueError(f"found {gpu:g}; a share of one GPU, or a whole number of them")
        return gpu

    def with_gpu(self, share: float) -> "Resources":
        """These, with this share of a GPU where they leave it open."""
        return self if self.gpu is not None else self.model_copy(update={"gpu": share})

    def overridden_by(self, own: "Resources") -> "Resources":
        """These, with the entries that `own` sets over them."""
        return self.model_copy(update=own.model_dump(include=own.model_fields_set))
