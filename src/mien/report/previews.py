"""Previews: the same nine faces before and after what recipes do to them."""

from mien.faces import Faces
from mien.report.figures import draw_before_after
from mien.report.recipe_summary import changes
from mien.report.svg import Drawing
from mien.runs.recipe import Recipe

KEYS = {"augment", "scaling", "whitening"}
"""The entries of a recipe that change the images that a net is given."""


class Previews:
    """Draws previews; what two recipes do alike is drawn once, as fitting a whitening takes seconds."""

    def __init__(self, faces: Faces) -> None:
        self._faces = faces
        self._drawn: dict[str, str] = {}

    def draw(self, file: str, title: str, recipe: Recipe) -> Drawing | None:
        """The preview of a recipe.

        Args:
            file: the name of its figure.
            title: what its caption begins with; what the recipe changes follows.
            recipe: its `augment`, `scaling` and `whitening` count.

        Returns:
            The figure; None where the recipe shows faces as they are.
        """
        from mien.training.preview import preview

        entries = recipe.model_dump(include=KEYS, exclude_defaults=True)
        if not entries:
            return None
        key = str(entries)
        if key not in self._drawn:
            self._drawn[key] = draw_before_after(*preview(entries, self._faces))
        return Drawing(file, f"{title}: {changes(Recipe(**entries))}.", self._drawn[key])
