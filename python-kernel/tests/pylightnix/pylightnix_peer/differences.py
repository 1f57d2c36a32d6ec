# ruff: noqa: E501  # the lines of a table
"""What this face does otherwise than Pylightnix's release, on purpose; ``docs/pylightnix.md`` has it as tables.

``python tests/pylightnix/pylightnix_peer/differences.py`` writes the tables; a test fails where they, or what the programs in
``cases.py`` observe, have drifted.
"""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[4]
PAGE = ROOT / "docs" / "pylightnix.md"
CASES = Path(__file__).with_name("cases.py")

#: By program: what the release does, what this face does.
DIFFERENT: dict[str, tuple[str, str]] = {
    "storage_folder": (
        "`fsstorage(S)` is the store's folder, `store-v0` below the root",
        "it is `faces/pylightnix` in the store, where `dref2path` and `rref2path` lead; the store is `store` below the root",
    ),
    "meant_in_a_thread": (
        "a thread started within `current_storage(S)` uses another storage",
        "it uses `S`; where threads mean different ones, a thread without its own is told to name one",
    ),
    "long_names": (
        "names of any length, that begin with `-`, or end in a line break",
        "at most 80 characters, not beginning with `-`",
    ),
    "made_up_by_hand": (
        "any text of some length behind `dref:` or `rref:` is a reference",
        "hash and name have to have their form",
    ),
    "write_protected": ("files in a realization's folder stay writable", "they are read-only"),
    "configuration_hashed": (
        "another order of keys makes another derivation",
        "it makes the same one, whose configuration keeps the first order",
    ),
    "configuration_of_nan": ("NaN and infinity are written as JSON that is none", "they are refused"),
    "configuration_that_leaves": (
        "a promise may lead out of the stage's folder",
        "it is refused",
    ),
    "realizations_as": ("`drefrrefs` returns a list", "a set, as in git master"),
    "names_of_files_count": (
        "the same content under another file's name is the same realization: the new name is lost",
        "names count",
    ),
    "bare_realizer_breaks_promise": (
        "a realizer without `build_wrapper` may break its promises",
        "promises are checked for every realizer; one that isn't kept stores nothing",
    ),
    "repl_results": (
        "`repl_continue` returns a realization, `repl_result` a context",
        "as in git master: `repl_continue` returns result and context, `repl_continue1` a realization, `repl_result` what the stage returned with realizations in it",
    ),
    "shell_like_listing": (
        "`lsref` of a derivation lists `config.json` too",
        "it lists the realizations' hashes",
    ),
    "shell_like_newer": ("`find` does not look at `newer`", "it does"),
    "hashes_of_names": ("`dirhash` does not see files' names", "it does"),
    "permissions_of_files": ("`dirro` leaves files writable", "it does not"),
    "reading_damaged": (
        "`readjson` of a damaged file raises the decoder's error",
        "it raises one that names the file",
    ),
    "cycles": ("`kahntsort` of a cycle returns an empty list", "it returns None, as its documentation says"),
    "packed": ("`spack` and `sunpack` need the programs of atool", "Python alone; archives are zip files"),
    "fetched": (
        "`fetchurl`, `fetchurl2`, `fetchlocal` and `unpack` need wget, curl and atool",
        "Python alone: tar, zip, gz, bz2 and xz",
    ),
}

#: Programs about names that the release does not have yet, or that it only has by mistake.
NEWER = ("meant_from_now_on", "context_paths", "decorated", "hash_of_code")

#: Names that the release has and this face has not, with the reason.
LEFT_OUT: dict[str, str] = {
    "APACK, AUNPACK, CURL, WGET": "paths of programs that nothing needs",
    "TL": "the thread's own state: use `current_registry`, `current_storage`, `setregistry`, `setstorage`",
    "C, D": "type variables",
    "fetch, fetch2, trivial, tz, version": "submodules that are elsewhere, or not there",
}

#: What no program here compares.
FURTHER: tuple[tuple[str, str], ...] = (
    ("references have Pylightnix's hashes", "their form is the same, the hashes are Stageloom's"),
    (
        "the storage is `~/_pylightnix` by default",
        "`.stageloom/store` of the workspace; `PYLIGHTNIX_ROOT`, `PYLIGHTNIX_STORAGE` and `PYLIGHTNIX_TMP` are heard",
    ),
    (
        "`autostage` counts its source by a hash that each process salts",
        "by one that is the same everywhere, helpers included",
    ),
    ("`match_latest` goes by the time that realizers wrote down", "by the order in which the store took them in"),
    ("a changed artifact is served", "it is an error, and the stage is made again"),
    ("a damaged `config.json` or `context.json` is a decoder's error", "it is written anew"),
    ("two processes may run one stage at once, or crash", "one runs it, the other waits and takes what it made"),
    ("scratch folders stay for ever", "those of failed builds stay for three days"),
    ("1,000 cached stages take 25 ms each", "some 0.3 ms each, however many there are"),
    ("a link among artifacts is stored", "what it points at is stored"),
    ("`rmref` frees space", "it hides and removes the folders; `stageloom gc` frees the space"),
    ("`dry_run` is not there", "`realize(…, dry_run=True)` says in the log what would be made, and makes nothing"),
)


def uses() -> dict[str, tuple[str, ...]]:
    """Return the public names that each program tests."""
    found = {}
    for node in ast.parse(CASES.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef):
            for one in node.decorator_list:
                if isinstance(one, ast.Call) and isinstance(one.func, ast.Name) and one.func.id == "case":
                    found[node.name] = tuple(arg.value for arg in one.args if isinstance(arg, ast.Constant))
    return found


def tables() -> str:
    """Return the tables as Markdown."""
    by = uses()
    lines = ["| names | Pylightnix 0.3.0 | stageloom.pylightnix |", "| --- | --- | --- |"]
    for program, (there, here) in DIFFERENT.items():
        lines.append(f"| {', '.join(f'`{name}`' for name in by[program])} | {there} | {here} |")
    lines += [f"| | {there} | {here} |" for there, here in FURTHER]
    lines += ["", "Not there:", "", "| names | why |", "| --- | --- |"]
    lines += [f"| {', '.join(f'`{name}`' for name in names.split(', '))} | {why} |" for names, why in LEFT_OUT.items()]
    return "\n".join(lines) + "\n"


BEGIN, END = "<!-- differences: generated -->", "<!-- end -->"


def page(text: str) -> str:
    """Return the page with its tables as they should be."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{tables()}\n{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
