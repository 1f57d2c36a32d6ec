"""The immutable set of project files, by content, that a plan or a run works on."""

from __future__ import annotations

import os
import posixpath
import re
import time
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path, PurePosixPath

from stageloom.model.classes import dataclass, field
from stageloom.model.values import Json, digest
from stageloom.tracking.blobs import Blobs, MemoryBlobs
from stageloom.tracking.evidence import Evidence, list_folder
from stageloom.tracking.modules import Modules, join, parent
from stageloom.tracking.sources import readable

__all__ = ["Blobs", "MemoryBlobs", "Snapshot", "StatCache", "take"]

_FORMAT = 1
#: How many files a project that imports by computed names is read for.
_MOST_FILES = 5_000

# These find more than there is (in strings, say), which only makes a snapshot hold a file too many.
_FROM = re.compile(r"\bfrom\b((?:[\w. \t\f]|\\\n)+)\Z")
_NAMES = re.compile(r"\s*\([^)]*\)|(?:[^\n;\\]|\\\n)*")
_LITERAL = re.compile(r"\w*\s*\(\s*[rRuU]?(['\"]{1,3})([\w.]+)\1")
_DYNAMIC = re.compile(
    r"\b(?:import_module|__import__)\s*\((?!\s*[rRuU]?(['\"]{1,3})[\w.]+\1)"
    r"|\b(?:run_path|run_module|spec_from_file_location|walk_packages|iter_modules|__subclasses__)\b"
)
_DYNAMIC_WORDS = (
    "import_module",
    "__import__",
    "run_path",
    "run_module",
    "spec_from_file_location",
    "walk_packages",
    "iter_modules",
    "__subclasses__",
)
#: Lines on which a folder may be put together that goes on the path, and the texts on them.
_PATH_LINE = re.compile(r"^.*(?:sys\.path|addsitedir|Path\(|path\.join|dirname).*$", re.MULTILINE)
_TEXT = re.compile(r"['\"]([\w./ -]+)['\"]")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Project files by content: ``files`` maps a path below ``root``, with ``/``, to the SHA-256 of its content.

    ``folders`` are where modules are looked for, in order: the entry's own folder first, as when Python runs it, then
    the root. ``id`` (32 hex digits) is the same wherever the project lies. ``whole`` says that the code imports by
    computed names, and therefore every file of the project is here.
    """

    id: str
    root: Path
    entry: str
    folders: tuple[str, ...]
    files: Mapping[str, str]
    whole: bool = False
    blobs: Blobs = field(default_factory=MemoryBlobs, compare=False, repr=False)

    @classmethod
    def make(
        cls, root: Path, entry: str, folders: tuple[str, ...], files: Mapping[str, str], blobs: Blobs, *, whole: bool
    ) -> Snapshot:
        """Return a snapshot of contents that ``blobs`` holds."""
        files = dict(sorted(files.items()))
        identity = digest("snapshot/1", {"entry": entry, "folders": list(folders), "files": dict(files)})
        return cls(identity, root, entry, folders, files, whole, blobs)

    def read(self, path: str) -> bytes:
        """Return a file's content; raises KeyError for a path that isn't in it, LookupError for a lost content."""
        return self.blobs.source(self.files[path])

    def text(self, path: str) -> str:
        """Return a file's text, as it can be shown."""
        return readable(self.read(path))

    @property
    def modules(self) -> Modules:
        """Finds modules among the files of this snapshot. Made anew each time: keep it."""
        folders = {""}
        for path in self.files:
            folder = parent(path)
            while folder not in folders:
                folders.add(folder)
                folder = parent(folder)
        return Modules(self.folders, self.files.__contains__, folders.__contains__)

    def to_json(self) -> dict[str, Json]:
        """Return the snapshot without the contents, for another process."""
        return {
            "format": _FORMAT,
            "id": self.id,
            "root": str(self.root),
            "entry": self.entry,
            "folders": list(self.folders),
            "files": dict(self.files),
            "whole": self.whole,
        }

    @classmethod
    def from_json(cls, value: Json, blobs: Blobs, root: Path | None = None) -> Snapshot:
        """Return what :meth:`to_json` was given, at ``root`` if the project has moved; raises ValueError."""
        if not isinstance(value, dict) or value.get("format") != _FORMAT:
            raise ValueError("not a snapshot of a format that this version reads")
        entry, folders, files = value.get("entry"), value.get("folders"), value.get("files")
        if not isinstance(entry, str) or not isinstance(folders, list) or not isinstance(files, dict):
            raise ValueError("not a snapshot: entry, folders or files are missing")
        place = root if root is not None else Path(str(value.get("root")))
        made = cls.make(
            place,
            entry,
            tuple(str(folder) for folder in folders),
            {path: str(sha256) for path, sha256 in files.items()},
            blobs,
            whole=value.get("whole") is True,
        )
        if made.id != value.get("id"):
            raise ValueError("the snapshot is damaged: its files don't give its identity")
        return made


class StatCache:
    """Remembers a file's SHA-256 by what ``stat`` says of it, where that can't be fooled.

    A file changed within the last two seconds is always read: its time stamp may be as coarse as that.
    """

    def __init__(self) -> None:
        self._known: dict[str, tuple[tuple[int, int, int, int], str]] = {}

    def get(self, path: str, status: os.stat_result) -> str | None:
        """Return the content's SHA-256, None if the file must be read."""
        known = self._known.get(path)
        return known[1] if known is not None and known[0] == self.mark(status) else None

    def put(self, path: str, status: os.stat_result, sha256: str) -> None:
        """Remember ``sha256`` for a file whose ``status`` was the same before and after it was read."""
        if time.time() - max(status.st_mtime, status.st_ctime) > 2:
            self._known[path] = (self.mark(status), sha256)
        else:
            self._known.pop(path, None)

    @staticmethod
    def mark(status: os.stat_result) -> tuple[int, int, int, int]:
        """Return what changes when a file does."""
        return (status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino)


def take(
    root: Path,
    entry: str,
    overlays: Mapping[str, str] | None = None,
    blobs: Blobs | None = None,
    *,
    stats: StatCache | None = None,
    evidence: Evidence | None = None,
) -> Snapshot:
    """Return a snapshot of the file ``entry`` below ``root`` and of every project file that its imports reach.

    ``overlays`` hold the text of files by path in place of what is on disk. ``evidence`` hears what was read.

    Raises:
        FileNotFoundError: where there is no such file.
        ValueError: where ``entry`` leaves the root.
    """
    place = Path(os.path.abspath(root))
    entry = PurePosixPath(entry.replace("\\", "/") if os.name == "nt" else entry).as_posix()
    if entry.startswith("/") or ".." in entry.split("/"):
        raise ValueError(f"{entry!r} is not a path below {place}")
    return _Taking(
        place, entry, overlays or {}, blobs if blobs is not None else MemoryBlobs(), stats, evidence
    ).result()


class _Taking:
    def __init__(
        self,
        root: Path,
        entry: str,
        overlays: Mapping[str, str],
        blobs: Blobs,
        stats: StatCache | None,
        evidence: Evidence | None,
    ) -> None:
        self._root = root
        self._entry = entry
        self._overlays = overlays
        self._blobs = blobs
        self._stats = stats
        self._evidence = evidence
        self._listings: dict[str, Mapping[str, bool]] = {}
        self._overlay_folders = {folder for path in overlays for folder in _above(path)}
        self._files: dict[str, str] = {}
        self._modules = Modules(self._folders(), self._is_file, self._is_folder)

    def result(self) -> Snapshot:
        while True:
            before = self._modules.folders
            snapshot = self._result()
            if self._modules.folders == before:
                return snapshot
            self._files.clear()  # a file puts folders on the path: look again, with them

    def _result(self) -> Snapshot:
        pending = [self._entry]
        whole = False
        while pending:
            path = pending.pop()
            if path in self._files:
                continue
            content = self._content(path)
            if content is None:
                if path == self._entry:
                    raise FileNotFoundError(2, "no such file", str(self._root / path))
                continue  # deleted since its folder was listed
            imports, dynamic, changes_path = _imports(content)
            if changes_path:
                self._extend(path, content)
            for level, name in imports:
                module = name
                found = self._modules.relative(path, level, module)
                while found is None and "." in module:  # the last name may be no module but something in it
                    module = module.rpartition(".")[0]
                    found = self._modules.relative(path, level, module)
                if found is not None:
                    pending.extend(found.files)
            if dynamic and not whole:
                whole = True
                pending.extend(self._all_files())
        return Snapshot.make(self._root, self._entry, self._modules.folders, self._files, self._blobs, whole=whole)

    def _folders(self) -> tuple[str, ...]:
        folders = dict.fromkeys((parent(self._entry), ""))
        is_project = any(self._is_file(name) for name in ("pyproject.toml", "setup.py", "setup.cfg"))
        if is_project and self._is_folder("src") and not self._is_file("src/__init__.py"):
            folders["src"] = None
        return tuple(folders)

    def _extend(self, path: str, content: bytes) -> None:
        """Look for modules also in the folders that the file at ``path`` may put on ``sys.path``."""
        text = readable(content)
        above = [parent(path), *_above(path)]
        found = dict.fromkeys(self._modules.folders)
        for line in _PATH_LINE.finditer(text):
            for literal in _TEXT.finditer(line[0]):
                for base in (*above, ""):
                    place = posixpath.normpath(posixpath.join(base, literal[1]))
                    if place not in (".", "..") and not place.startswith(("../", "/")) and self._is_folder(place):
                        found[place] = None
        found.update(dict.fromkeys(above))
        if tuple(found) != self._modules.folders:
            self._modules = Modules(tuple(found), self._is_file, self._is_folder)

    def _content(self, path: str) -> bytes | None:
        overlay = self._overlays.get(path)
        if overlay is not None:
            content = overlay.encode("utf-8", "surrogatepass")
            self._files[path] = self._blobs.put_source(content)
            return content
        full = os.path.join(self._root, path)
        try:
            now = time.time()
            before = os.stat(full)
            known = self._known(full, before)
            if known is not None:
                self._files[path], content = known
                return content
            with open(full, "rb") as file:
                content = file.read()
            after = os.stat(full)
        except (FileNotFoundError, NotADirectoryError):
            if self._evidence is not None:
                self._evidence.doubt(f"{path} went away while it was read")
            return None
        self._files[path] = sha256 = self._blobs.put_source(content)
        if self._stats is not None and StatCache.mark(before) == StatCache.mark(after):
            self._stats.put(full, before, sha256)
        if self._evidence is not None:
            self._evidence.file(full, sha256, before, after, now)
        return content

    def _known(self, full: str, status: os.stat_result) -> tuple[str, bytes] | None:
        """Return what a file holds that is as it was when it was last read."""
        sha256 = self._stats.get(full, status) if self._stats is not None else None
        if sha256 is None:
            return None
        try:
            content = self._blobs.source(sha256)
        except (LookupError, OSError):
            return None
        if self._evidence is not None:
            self._evidence.file(full, sha256, status, status, time.time())
        return sha256, content

    # --- what is in the project --------------------------------------------------------------------------------------

    def _listing(self, folder: str) -> Mapping[str, bool]:
        """Return the names in ``folder`` that belong to the project, with whether each is a folder."""
        known = self._listings.get(folder)
        if known is None:
            path = os.path.join(self._root, folder)
            known, names, _ = list_folder(path)
            self._listings[folder] = known
            if self._evidence is not None:
                self._evidence.folder(path, names)
        return known

    def _is_file(self, path: str) -> bool:
        folder, _, name = path.rpartition("/")
        if path in self._overlays:
            return True
        return self._listing(folder).get(name) is False and self._is_folder(folder)

    def _is_folder(self, path: str) -> bool:
        if not path or path in self._overlay_folders:
            return True
        folder, _, name = path.rpartition("/")
        if self._listing(folder).get(name) is not True:
            return False
        return "pyvenv.cfg" not in self._listing(path) and self._is_folder(folder)

    def _all_files(self) -> Iterator[str]:
        pending = [""]
        count = 0
        while pending:
            folder = pending.pop()
            for name, is_folder in sorted(self._listing(folder).items(), reverse=True):
                path = join(folder, name)
                if is_folder and self._is_folder(path) and not os.path.islink(os.path.join(self._root, path)):
                    pending.append(path)
                elif not is_folder and name.endswith(".py"):
                    count += 1
                    if count > _MOST_FILES:
                        return
                    yield path
        yield from (path for path in self._overlays if path.endswith(".py"))


def _above(path: str) -> Iterator[str]:
    folder = parent(path)
    while folder:
        yield folder
        folder = parent(folder)


@lru_cache(maxsize=512)
def _imports(content: bytes) -> tuple[tuple[tuple[int, str], ...], bool, bool]:
    """Return (dots, module) for what ``content`` may import, whether by computed names too, and by another path."""
    text = readable(content)
    found: dict[tuple[int, str], None] = {}
    at = text.find("import")
    while at >= 0:
        found.update(dict.fromkeys(_imported(text, at)))
        at = text.find("import", at + 6)
    dynamic = any(word in text for word in _DYNAMIC_WORDS) and _DYNAMIC.search(text) is not None
    return tuple(found), dynamic, "sys.path" in text or "addsitedir" in text


def _imported(text: str, at: int) -> Iterator[tuple[int, str]]:
    """Yield what the word ``import`` at position ``at`` may import."""
    start = text.rfind("\n", 0, at) + 1
    while text.endswith("\\\n", 0, start):
        start = text.rfind("\n", 0, start - 1) + 1
    before = text[start:at]
    if before.lstrip().startswith("#"):
        return
    literal = _LITERAL.match(text, at + 6)
    if literal is not None:
        yield _level(literal[2])
        return
    names = _NAMES.match(text, at + 6)
    listed = names[0] if names is not None else ""
    package = _FROM.search(before)
    if package is None:
        yield from map(_level, re.findall(r"[\w.]+", listed))
        return
    module = re.sub(r"[\s\\]", "", package[1])
    yield _level(module)
    for name in re.findall(r"\w+", listed):
        yield _level(f"{module}.{name}" if module.strip(".") else module + name)


def _level(name: str) -> tuple[int, str]:
    bare = name.lstrip(".")
    return len(name) - len(bare), bare
