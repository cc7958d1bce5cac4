"""Words that may not come back: in names, and in what is written for people. TERMS of the field stand beside them."""

import ast
import io
import re
import sys
import tokenize
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

WORDS = {
    "told": "config, entries, to_dict(), line",
    "said": "predictions, probabilities, output",
    "asked": "config, request, settings",
    "kept": "saved, cached, selected",
    "found": "what it is: match, path, entry, scores",
    "judge": "evaluate",
    "judges": "evaluates",
    "judged": "evaluated",
    "dice": "generator (torch), rng (numpy)",
    "taught": "distilled",
    "boxed": "bundled",
    "spoils": "degrades",
    "desk": "MessageQueue, ModelRegistry",
    "parcel": "run_archive",
    "draft": "temporary",
    "drafts": "temporary_files",
    "watcher": "StudyCallback",
    "beaten": "outperformed",
    "right": "correct; a side is allowed where its left stands in the name or in the file",
}
"""By word that no name may have as a part, what to say instead."""

PHRASES = [
    r"in the box",
    r"let(s|ting)? go of",
    r"without dice",
    r"be the only one who",
    r"how right",
    r"what it learnt of",
    r"judg(e|es|ed|ing|ement)",
    r"tells?",
    r"told",
    r"said",
    r"asked",
    r"dice",
    r"taught",
    r"spoils?",
    r"parcels?",
    r"desks?",
    r"drafts?",
]
"""Phrases that no docstring, comment or text of the program may have, as regular expressions of whole words."""

BANNED = re.compile(rf"\b({'|'.join(PHRASES)})\b".replace(" ", r"\s+"), re.IGNORECASE)
PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def banned_names(path: Path) -> Iterator[str]:
    """Names in a file that have a banned word as a part, once for each time that they stand there."""
    names = [path.stem, *identifiers(ast.parse(path.read_text(encoding="utf-8"), str(path)))]
    sides = set(names)
    for name in names:
        if name.endswith("NotFoundError"):  # a class of Python's
            continue
        parts = [part.lower() for part in PARTS.findall(name)]
        words = WORDS.keys() & set(parts)
        if "right" in words and ("left" in parts or name.replace("right", "left") in sides):
            words -= {"right"}
        if words:
            yield name


def identifiers(tree: ast.AST) -> Iterator[str]:
    """Every name that a file gives or uses: variables, attributes, arguments, functions, classes, keywords."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.arg | ast.keyword):
            yield node.arg or ""
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.alias):
            yield node.asname or ""


def banned_phrases(path: Path) -> Iterator[tuple[int, str]]:
    """Lines of a file's comments and strings with a banned phrase, and the phrase."""
    text = path.read_text(encoding="utf-8")
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type in (tokenize.COMMENT, tokenize.STRING):
            for match in BANNED.finditer(token.string):
                yield token.start[0] + token.string[: match.start()].count("\n"), match[0]


def part_of(path: Path, root: Path) -> str:
    """The part of the repository that a file is counted under: a package of the source, tests, or benchmarks."""
    parts = path.relative_to(root).with_suffix("").parts
    return parts[2] if parts[0] == "src" else parts[0]


def count(root: Path) -> tuple[Counter[str], Counter[str]]:
    """By part of the repository, how many names have a banned word, and how many times a banned phrase stands.

    Tests are free in their prose, and this file has to name the words.
    """
    names: Counter[str] = Counter()
    phrases: Counter[str] = Counter()
    for folder in ("src", "tests", "benchmarks"):
        for path in sorted((root / folder).rglob("*.py")):
            part = part_of(path, root)
            names[part] += len(list(banned_names(path)))
            if folder != "tests":
                phrases[part] += len(list(banned_phrases(path)))
    return names, phrases


def main() -> None:
    """Print where the words stand, by file: `python -m tests.vocabulary [FOLDER]...`."""
    for folder in sys.argv[1:] or ["src", "tests", "benchmarks"]:
        for path in sorted(Path(folder).rglob("*.py")):
            names = [f"{name} {times}" for name, times in Counter(banned_names(path)).items()]
            lines = [f"line {line} {phrase!r}" for line, phrase in banned_phrases(path)]
            if names or lines:
                print(f"{path}: {'; '.join(names + lines)}")


if __name__ == "__main__":
    main()
