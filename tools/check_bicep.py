"""Checks deploy/azure/bicep without the Bicep compiler, which no package index has.

By a grammar of the language: files parse, names and parameters are there and used, modules get what
they want and have the outputs that are asked for. By the service: each variable is one of its
settings, each `kv:NAME` a secret that is made. What properties resources have is not checked.
Prints every finding; exits 1 if there is one.
"""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import tree_sitter_bicep
from tree_sitter import Language, Node, Parser

from app.core.config import Settings
from app.core.config.vault import PREFIX
from tools.check_manifests import FOREIGN, SETTINGS

_API = re.compile(r"Microsoft(\.\w+)+(/\w+)+@\d{4}-\d\d-\d\d")
_SECRETS = "Microsoft.KeyVault/vaults/secrets@"
_SECRET_NAME = re.compile(r"(password|token|secret|privatekey|connectionstring)$", re.I)
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]+")
_SYMBOLS = ("parameter", "variable", "resource", "module")
_NAMESPACES = {"az", "sys"}


@dataclass(frozen=True)
class Template:
    """A file, parsed."""

    path: Path
    root: Node

    @classmethod
    def of(cls, path: Path) -> "Template":
        parser = Parser(Language(tree_sitter_bicep.language()))
        return cls(path, parser.parse(path.read_bytes()).root_node)

    def declared(self, *kinds: str) -> Iterator[tuple[str, Node]]:
        """Name and node of each declaration of these kinds, nested ones too."""
        for node in _below(self.root):
            if node.type.removesuffix("_declaration") in kinds and node.type.endswith("ation"):
                yield _text(node.named_children[0]), node

    @cached_property
    def parameters(self) -> dict[str, Node]:
        return dict(self.declared("parameter"))

    @cached_property
    def required(self) -> set[str]:
        """Parameters without a default."""
        return {name for name, node in self.parameters.items() if len(node.named_children) < 3}

    @cached_property
    def outputs(self) -> set[str]:
        return {name for name, _ in self.declared("output")}

    @cached_property
    def modules(self) -> dict[str, tuple[str, dict[str, Node]]]:
        """Name -> path and what is given to it."""
        found = {}
        for name, node in self.declared("module"):
            params = _property(node, "params")
            found[name] = (_text(node.named_children[1]).strip("'"), _entries(params))
        return found


def findings(folder: Path) -> Iterator[str]:
    """All that is wrong in the templates of a folder, of which `main.bicep` is the first."""
    templates = {path: Template.of(path) for path in sorted(folder.rglob("*.bicep"))}
    for path, template in templates.items():
        where = path.relative_to(folder)
        problems = list(_unparsed(template.root))
        if not problems:  # what is not understood makes no sense either
            problems += [*_names(template), *_calls(template, templates), *_versions(template)]
            problems += [*_open_secrets(template), *_variables(template, _made(templates))]
        yield from (f"{where}: {problem}" for problem in problems)
    called = {
        path.parent / file for path, one in templates.items() for file, _ in one.modules.values()
    }
    for path in set(templates) - called - {folder / "main.bicep"}:
        yield f"{path.relative_to(folder)}: nothing uses it"
    yield from _given(folder / "main.bicepparam", templates[folder / "main.bicep"])


def _unparsed(root: Node) -> Iterator[str]:
    for node in _below(root):
        if node.is_error or node.is_missing:
            yield f"line {node.start_point.row + 1}: not understood: {_text(node)[:60]!r}"


def _names(template: Template) -> Iterator[str]:
    """What is used is declared; what is declared is used, but for resources."""
    declared = dict(template.declared(*_SYMBOLS))
    loops = {_text(n.named_children[0]) for n in _below(template.root) if n.type == "for_statement"}
    used = {_text(node) for node in _below(template.root) if _is_use(node)}
    for name in sorted(used - set(declared) - loops - _NAMESPACES):
        yield f"there is no {name}"
    for name, node in declared.items():
        if name not in used and node.type in ("parameter_declaration", "variable_declaration"):
            yield f"{name} is not used"


def _is_use(node: Node) -> bool:
    """Whether an identifier stands for a value: it is no key, no function, and declares nothing."""
    parent = node.parent
    if node.type != "identifier" or parent is None:
        return False
    if parent.type.endswith("_declaration") or parent.type == "object_property":
        return node != parent.named_children[0]
    return not (parent.type == "call_expression" and node == parent.child_by_field_name("function"))


def _calls(template: Template, templates: dict[Path, Template]) -> Iterator[str]:
    """Modules are there, get their parameters, and have the outputs that are asked for."""
    for name, (file, given) in template.modules.items():
        module = templates.get(template.path.parent / file)
        if module is None:
            yield f"{name}: {file} is not there"
            continue
        for missing in sorted(module.required - set(given)):
            yield f"{name}: {missing} is not given"
        for unknown in sorted(set(given) - set(module.parameters)):
            yield f"{name}: {file} has no parameter {unknown}"
        for output in re.findall(rf"\b{name}!?\.outputs\.(\w+)", _text(template.root)):
            if output not in module.outputs:
                yield f"{name}: {file} has no output {output}"


def _versions(template: Template) -> Iterator[str]:
    for name, node in template.declared("resource"):
        kind = _text(node.named_children[1]).strip("'")
        nested = node.parent is not None and node.parent.type == "object_property"
        if not nested and not _API.fullmatch(kind):
            yield f"{name}: {kind} has not the form TYPE@YYYY-MM-DD"


def _open_secrets(template: Template) -> Iterator[str]:
    """Parameters that hold secrets must be marked, or they stand in the log of the deployment."""
    for name, node in template.parameters.items():
        before = node.prev_named_sibling
        marks = _text(before) if before is not None and before.type == "decorators" else ""
        if _SECRET_NAME.search(name) and "@secure()" not in marks:
            yield f"the parameter {name} is not @secure()"


def _made(templates: dict[Path, Template]) -> set[str]:
    """Names of the secrets that the templates put into the vault."""
    made = set()
    for path, template in templates.items():
        for _, node in template.declared("resource"):
            if _SECRETS not in _text(node.named_children[1]):
                continue
            name = _text(_property(node, "name"))
            callers = (call for one in templates.values() for call in one.modules.values())
            given = [
                args[name] for file, args in callers if file.endswith(path.name) and name in args
            ]
            made |= {_text(one).strip("'") for one in given} or {name.strip("'")}
    return made


def _variables(template: Template, made: set[str]) -> Iterator[str]:
    secret = {name.upper() for name in Settings._secret_fields()}
    for node in _below(template.root):
        entries = _entries(node) if node.type == "object" else {}
        if set(entries) != {"name", "value"}:
            continue
        name, value = (_text(entries[key]).strip("'") for key in ("name", "value"))
        if not _VARIABLE.fullmatch(name):
            continue
        if not (name in SETTINGS or FOREIGN.match(name)):
            yield f"there is no setting {name}"
        if value.startswith(PREFIX):
            if value.removeprefix(PREFIX) not in made:
                yield f"{name}: no secret {value.removeprefix(PREFIX)} is put into the vault"
            if name in SETTINGS and name not in secret:
                yield f"{name} cannot name a secret"


def _given(file: Path, main: Template) -> Iterator[str]:
    """The file of parameters; its language is another one, and simple."""
    given = set(re.findall(r"^param (\w+) = ", file.read_text(encoding="utf-8"), re.M))
    for name in sorted(given - set(main.parameters)):
        yield f"{file.name}: there is no parameter {name}"
    for name in sorted(main.required - given):
        yield f"{file.name}: {name} is not given"


def _below(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from _below(child)


def _text(node: Node | None) -> str:
    return (node.text or b"").decode() if node else ""


def _entries(node: Node | None) -> dict[str, Node]:
    """Of an object, those whose keys are plain."""
    pairs = (
        [child.named_children for child in node.named_children if child.type == "object_property"]
        if node
        else []
    )
    return {_text(pair[0]): pair[1] for pair in pairs if len(pair) == 2}


def _property(declaration: Node, key: str) -> Node | None:
    """Of the object that a declaration makes, under its condition or in its loop."""
    for node in _below(declaration):
        if node.type == "object":
            return _entries(node).get(key)
    return None


def main() -> int:
    found = list(findings(Path(__file__).parents[1] / "deploy" / "azure" / "bicep"))
    for finding in found:
        print(finding)
    print(f"check_bicep: {len(found)} findings")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
