"""Write a first study: its text."""

from collections.abc import Sequence

from mien.errors import UserError, counted
from mien.faces import Faces
from mien.faces.duplicates import leaked
from mien.faces.validation_split import take_validation
from mien.study.starter.names import study_name
from mien.study.starter.recipe import nets, recipe
from mien.study.starter.subject import Subject
from mien.study.starter.toml import comment, plain, toml

VALIDATION, VALIDATION_OF_FEW = 0.1, 0.2
"""The share of train that becomes the validation split, where the source has none; the second of under 500 faces."""

LISTED = 20
"""The most classes that the file's head counts."""


def starter_study(
    faces: Faces,
    source: Sequence[str],
    classes: Sequence[str] = (),
    validation: float = 0.0,
    file: str = "study.toml",
    schema: str = "",
) -> str:
    """The text of a commented study file for faces, which `mien study` can run as it is.

    Args:
        faces: in their own size, as `open_faces` gives them for this source, `classes` and `validation`. Of those that
            have no validation split, a tenth of train is taken for it.
        source: where they are, as the file names it: paths are relative to the file's folder (`source_from`).
        classes: what the source's numbers mean, as `open_faces` takes it.
        validation: the share of train that the faces' validation split was taken from train with; 0: it was not.
        file: the file's name, for the commands that its head shows.
        schema: path of the JSON schema of study files, relative to the file's folder, for editors; "": none.

    Raises:
        UserError: no study can be made of the faces: they have no train split or a single class, or too few faces to
            take validation from.
    """
    if len(faces.classes) < 2:
        raise UserError(f"{faces.name}: all of its faces are {faces.classes[0]}; a study needs two classes or more")
    if "validation" not in faces.counts():
        validation = VALIDATION if len(faces.split("train")) >= 500 else VALIDATION_OF_FEW
        faces = take_validation(faces, validation)
    if "train" not in faces.counts():
        raise UserError(f"{faces.name}: no faces in train; name a source for it too, as train=PATH")
    subject = Subject(faces, source, classes, validation, file, schema)
    sections = (_head, _study, _data, recipe, nets)
    return "\n\n".join(section(subject) for section in sections) + "\n"


def _head(subject: Subject) -> str:
    faces, file = subject.faces, plain(subject.file)
    lines = [
        *([f"#:schema {subject.schema}"] if subject.schema else []),
        comment(
            f"A first study of {faces.name}: faces of {len(faces.classes)} classes and {faces.size}x{faces.size} "
            "pixels. mien init has written it; change what you like."
        ),
        "#",
        *_counts(faces),
        "#",
        f"#   mien plan {file}     # checks this file, and says how long the study takes here",
        f"#   mien study {file}    # trains the nets, compares them, writes a report",
        "#",
        comment(
            "A line that begins with # and no space behind it is a setting that is off: remove the # to use it. Every "
            "key is explained in mien's documents: docs/reference/study-file.md."
        ),
    ]
    return "\n".join(lines)


def _counts(faces: Faces) -> list[str]:
    """How many faces each split has of each class, as lines of comments."""
    counts, listed = faces.counts(), faces.classes[:LISTED]
    table = [
        ("", list(counts)),
        *((name, [f"{numbers[name]:,}" for numbers in counts.values()]) for name in listed),
        ("all", [f"{sum(numbers.values()):,}" for numbers in counts.values()]),
    ]
    width = max(len(name) for name, _ in table)
    lines = [f"# {plain(name):<{width}}{''.join(f'{cell:>12}' for cell in cells)}" for name, cells in table]
    more = len(faces.classes) - len(listed)
    return [*lines[:-1], *([f"# and {counted(more, 'more class', 'more classes')}"] if more else []), lines[-1]]


def _study(subject: Subject) -> str:
    if subject.choices.few:
        why = (
            "With few faces chance decides much: each net is trained with three seeds, and the report has their spread."
        )
    else:
        why = (
            "Each net is trained once with each seed; seeds = [0, 1, 2] shows what is chance, in three times the time."
        )
    name = study_name(subject.faces.name)
    seeds = list(subject.choices.seeds)
    return f'name = "{name}"  # results and report come to out/{name}\n\n{comment(why)}\nseeds = {seeds}'


def _data(subject: Subject) -> str:
    faces, totals = subject.faces, subject.totals
    listed = subject.source[0] if len(subject.source) == 1 else subject.source
    parts = [f"[data]\nsource = {toml(listed)}"]
    if subject.classes:
        given = subject.classes[0] if len(subject.classes) == 1 else subject.classes
        numbers = [f"{note[0].upper()}{note[1:]}." for note in faces.notes if note.startswith("numbers read as")]
        parts.append("\n".join([*map(comment, numbers), f"classes = {toml(given)}"]))
    if subject.size < faces.size:
        parts.append(_scaled_down(subject))
    parts += _splits(subject)
    if faces.votes is not None:
        parts.append(
            comment(
                "FER+'s votes of ten annotators a face are here too. With their majority as the label there are eight "
                "classes and fewer faces, and the labels are better."
            )
            + '\n#labels = "majority"'
        )
    if "test" in totals and (number := int(leaked(faces).sum())):
        parts.append(
            comment(
                f"{number:,} of the {counted(totals['test'], 'test face')} are in train too, pixel for pixel: a net "
                "may know them by heart. The report counts them apart; this takes them out of train:"
            )
            + '\n#clean = ["leaks"]'
        )
    return "\n\n".join(parts)


def _scaled_down(subject: Subject) -> str:
    own, size = subject.faces.size, subject.size
    times = round((own / size) ** 2, 1)
    return (
        comment(
            f"The faces have {own}x{own} pixels. With {size} a net is about {times:g} times as fast, and it can start "
            f"from the bundled model best, which has learnt faces of {size} pixels. To train on all {own}, remove this "
            "line and nets.from_best."
        )
        + f"\nsize = {size}"
    )


def _splits(subject: Subject) -> list[str]:
    """The splits that the source lacks, or that are small, and what follows from that."""
    totals, parts = subject.totals, []
    small = [counted(totals[split], f"{split} face") for split in totals if split != "train" and totals[split] < 1000]
    if small:
        least = min(number for split, number in totals.items() if split != "train")
        known = f"an accuracy is known to about {98 / least**0.5:.0f} points more or less"
        parts.append(comment(f"With {' and '.join(small)} {known}."))
    if subject.validation:
        why = (
            "The source has no validation split, and nets are selected on one: this share of each class's train faces "
            "is taken for it, at random. Where people are in several pictures, some are in both splits then, and the "
            "accuracy is too high: split by person yourself, and give train=PATH and validation=PATH as the source."
        )
        parts.append(f"{comment(why)}\nvalidation = {subject.validation:g}")
    if "test" not in totals:
        parts.append(
            comment(
                "There is no test split, so nothing is tested: the report gives the best net's accuracy on validation, "
                "and a net that was selected by these faces looks a little better on them than on others. For an "
                "honest number keep some faces apart, and add them as test=PATH to the source."
            )
        )
    return parts
