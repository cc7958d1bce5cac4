"""Read the house off its source: its packages, their order, who imports whom, circles, and loose signatures.

From the repository root, `python -m tests.house` prints the packages in order, `--modules` their modules too;
`--markdown` prints the map that CONTRIBUTING.md holds, and `--write` puts it there; `--figures` counts; `--loose` lists
the public signatures with `dict[str, Any]`.
"""

import argparse
import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = "mien"
BEGIN, END = "<!-- map of the house: python -m tests.house --write -->", "<!-- end of the map -->"
LOOSE = re.compile(r"\b(dict|Mapping|MutableMapping)\[str, (Any|object)\]")
"""An annotation that leaves open what a value holds."""

Users = dict[str, set[str]]
"""By name, the packages that use it."""


@dataclass(frozen=True)
class Import:
    """One import: the module it leads to, its line, and whether it is for the type checker alone."""

    target: str
    line: int
    typing: bool


@dataclass(frozen=True)
class Module:
    """A file of the source: its dotted name, syntax tree and number of lines, and its imports of other modules."""

    name: str
    path: Path
    tree: ast.Module
    lines: int
    imports: tuple[Import, ...] = field(default=())

    @property
    def package(self) -> str:
        """The part of the house that it belongs to: `faces` for mien.faces.csv, `disk` for mien.disk."""
        return package_of(self.name)

    @property
    def summary(self) -> str:
        """The first sentence of its docstring."""
        paragraph = (ast.get_docstring(self.tree) or "").partition("\n\n")[0]
        return re.split(r"(?<=[.!?])\s", " ".join(paragraph.split()))[0]


class House:
    """The modules and packages of a source folder, and the imports between them."""

    def __init__(self, root: Path = ROOT) -> None:
        """Read every module below `root`/src/mien."""
        self.root = root
        source = root / "src"
        paths = {module_name(path.relative_to(source)): path for path in sorted(source.rglob("*.py"))}
        self.modules = {name: read_module(name, path, paths) for name, path in paths.items()}

    @cached_property
    def packages(self) -> dict[str, set[str]]:
        """By package, the packages that it imports."""
        graph: dict[str, set[str]] = {module.package: set() for module in self.modules.values()}
        for module in self.modules.values():
            graph[module.package] |= {package_of(one.target) for one in module.imports} - {module.package}
        return graph

    @cached_property
    def layers(self) -> list[list[str]]:
        """The packages from the bottom up: each stands above all that it imports.

        Raises:
            CycleError: packages import each other in a circle.
        """
        sorter = TopologicalSorter(self.packages)
        sorter.prepare()
        layers = []
        while sorter.is_active():
            layers.append(sorted(sorter.get_ready()))
            sorter.done(*layers[-1])
        return layers

    @property
    def order(self) -> list[str]:
        """The packages from the bottom up, in one list."""
        return [package for layer in self.layers for package in layer]

    def circles(self) -> list[list[str]]:
        """Circles of modules, each sorted; imports for the type checker alone are none."""
        modules = self.modules.items()
        return circles({name: {one.target for one in module.imports if not one.typing} for name, module in modules})

    def package_circles(self) -> list[list[str]]:
        """Circles of packages, each sorted."""
        return circles(self.packages)

    def upward(self, order: Iterable[str]) -> list[str]:
        """Imports that lead from a package to one that stands later in `order`, as `path:line imports module`."""
        place = {package: number for number, package in enumerate(order)}
        return [
            f"{module.path.relative_to(self.root)}:{one.line} imports {one.target}"
            for module in self.modules.values()
            for one in module.imports
            if place[package_of(one.target)] > place[module.package]
        ]

    def summary(self, package: str) -> str:
        """The first sentence of a package's docstring."""
        name = PACKAGE if package == PACKAGE else f"{PACKAGE}.{package}"
        return self.modules[name].summary

    def loose_signatures(self) -> list[str]:
        """Public functions, methods and fields with a `dict[str, Any]` that another package uses, as dotted names.

        A function or class counts as used where another package imports it by name; a method, property or field where
        another package reads an attribute of its name.
        """
        imports, attributes = self._uses
        loose = []
        for module in self.modules.values():
            others = self.packages.keys() - {module.package}
            for name, is_member, annotations in signatures(module.tree):
                used = attributes if is_member else imports[module.package]
                if any(LOOSE.search(text) for text in annotations) and used[name.split(".")[-1]] & others:
                    loose.append(f"{module.name.removeprefix(f'{PACKAGE}.')}.{name}")
        return loose

    @cached_property
    def _uses(self) -> tuple[dict[str, Users], Users]:
        """By package and name, the packages that import the name; by attribute, those that read it."""
        imports: dict[str, Users] = defaultdict(lambda: defaultdict(set))
        attributes: Users = defaultdict(set)
        for module in self.modules.values():
            for node in ast.walk(module.tree):
                if isinstance(node, ast.ImportFrom) and node.module:
                    for name in node.names:
                        imports[package_of(node.module)][name.name].add(module.package)
                elif isinstance(node, ast.Attribute):
                    attributes[node.attr].add(module.package)
        return imports, attributes


def package_of(module: str) -> str:
    """`faces` of mien.faces.csv; the Python face of the whole, mien, is a part of its own."""
    return module.split(".")[1] if "." in module else module


def module_name(path: Path) -> str:
    """The dotted name of a file, relative to the source folder."""
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def read_module(name: str, path: Path, known: Mapping[str, Path]) -> Module:
    """Parse a file and resolve its imports to the modules of the house."""
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text, str(path))
    return Module(name, path, tree, len(text.splitlines()), tuple(imports_of(name, tree, known)))


def imports_of(name: str, tree: ast.Module, known: Mapping[str, Path]) -> Iterator[Import]:
    """The imports of modules of the house, those in functions too.

    `from mien import __version__` is none: whoever imports mien.faces has imported mien already.
    """
    for_typing = {id(node) for guard in ast.walk(tree) if is_typing_guard(guard) for node in ast.walk(guard)}
    for line, dotted, node in imported(tree):
        target = dotted
        while target not in known and "." in target:
            target = target.rpartition(".")[0]
        if target in known and target != name and not dotted.startswith(f"{PACKAGE}.__"):
            yield Import(target, line, id(node) in for_typing)


def imported(tree: ast.AST) -> Iterator[tuple[int, str, ast.AST]]:
    """Every import in a file: line, dotted name with the name that `from` takes, and node."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, name.name, node) for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: a relative import hides where it leads"
            yield from ((node.lineno, f"{node.module}.{name.name}", node) for name in node.names)


def is_typing_guard(node: ast.AST) -> bool:
    """Whether a statement is `if TYPE_CHECKING:`."""
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def signatures(tree: ast.Module) -> Iterator[tuple[str, bool, list[str]]]:
    """Public names of a module: dotted name within it, whether it belongs to a class, and its annotations."""

    def of(body: list[ast.stmt], prefix: str) -> Iterator[tuple[str, bool, list[str]]]:
        for node in body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
                arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
                annotations = [argument.annotation for argument in arguments] + [node.returns]
                yield f"{prefix}{node.name}", bool(prefix), [ast.unparse(one) for one in annotations if one]
            elif isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                yield from of(node.body, f"{prefix}{node.name}.")
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and prefix:
                yield f"{prefix}{node.target.id}", True, [ast.unparse(node.annotation)]

    return of(tree.body, "")


def circles(graph: Mapping[str, set[str]]) -> list[list[str]]:
    """Groups of nodes of which each leads to each other, each sorted."""
    reach = {node: reachable(graph, node) for node in graph}
    groups = {frozenset(one for one in reach[node] if node in reach[one]) for node in graph if node in reach[node]}
    return sorted(sorted(group) for group in groups)


def reachable(graph: Mapping[str, set[str]], start: str) -> set[str]:
    """The nodes that a node leads to; itself, where there is a way back."""
    seen: set[str] = set()
    ahead = [*graph[start]]
    while ahead:
        if (node := ahead.pop()) not in seen:
            seen.add(node)
            ahead += graph[node]
    return seen


def as_text(house: House, with_modules: bool) -> str:
    """The map for a terminal: packages from the bottom up, with their first sentence and imports."""
    lines = []
    for package in house.order:
        importers = sorted(other for other, targets in house.packages.items() if package in targets)
        lines.append(f"{package}: {house.summary(package)}")
        lines.append(f"    imports {', '.join(sorted(house.packages[package])) or 'nothing'}")
        lines.append(f"    imported by {', '.join(importers) or 'nothing'}")
        if with_modules:
            inner = [module for module in house.modules.values() if module.package == package]
            lines += [f"    {module.name} ({module.lines}): {module.summary}" for module in inner]
    return "\n".join(lines)


def as_markdown(house: House) -> str:
    """The map of CONTRIBUTING.md, between its markers."""
    rows = [
        f"| `{package}` | {house.summary(package)} | {', '.join(sorted(house.packages[package]))} |"
        for package in house.order
    ]
    return "\n".join([BEGIN, "| part | holds | imports |", "| - | - | - |", *rows, END])


def with_map(text: str, house: House) -> str:
    """The text of CONTRIBUTING.md with the map as it is now."""
    before, rest = text.split(BEGIN)
    return before + as_markdown(house) + rest.split(END)[1]


def figures(house: House) -> list[str]:
    """What a house is measured by, a line each."""
    sizes = {module.path: module.lines for module in house.modules.values()}
    longest = max(sizes, key=lambda path: sizes[path])
    loose = house.loose_signatures()
    return [
        f"lines {sum(sizes.values()):,}",
        f"files {len(sizes)}",
        f"files under 60 lines {sum(size < 60 for size in sizes.values())}",
        f"longest file {sizes[longest]} {longest.name}",
        f"dict[str, Any] that cross a package {len(loose)}",
        f"circles of modules {house.circles()}",
        f"circles of packages {house.package_circles()}",
    ]


def main() -> None:
    """Print the house as the options say."""
    parser = argparse.ArgumentParser(prog="python -m tests.house", description="Print the house as a map.")
    parser.add_argument("--modules", action="store_true", help="list each package's modules too")
    parser.add_argument("--markdown", action="store_true", help="print the map that CONTRIBUTING.md holds")
    parser.add_argument("--write", action="store_true", help="write that map into CONTRIBUTING.md")
    parser.add_argument("--figures", action="store_true", help="count lines, files, circles and loose signatures")
    parser.add_argument("--loose", action="store_true", help="list public signatures with dict[str, Any]")
    parser.add_argument("--root", type=Path, default=ROOT, help="the repository to read; this one if not given")
    options = parser.parse_args()
    house = House(options.root)
    guide = options.root / "CONTRIBUTING.md"
    if options.figures or options.loose:
        print("\n".join(figures(house) if options.figures else house.loose_signatures()))
        return
    try:
        if options.write:
            guide.write_text(with_map(guide.read_text(encoding="utf-8"), house), encoding="utf-8")
        else:
            print(as_markdown(house) if options.markdown else as_text(house, options.modules))
    except CycleError as error:
        raise SystemExit(f"the packages have no order, they import in a circle: {' -> '.join(error.args[1])}") from None


if __name__ == "__main__":
    main()
