"""References: made, taken apart, recognised, and found in paths."""

from __future__ import annotations

import os
import re
from typing import Any

from stageloom.model.references import BadReferenceError
from stageloom.model.references import DRef as ModelDRef
from stageloom.model.references import RRef as ModelRRef
from stageloom.pylightnix.errors import CheckError, WrongFaceError, check
from stageloom.pylightnix.types import Closure, DRef, Hash, HashPart, Name, Path, RefPath, RRef

#: What a name is made of.
PYLIGHTNIX_NAMEPAT = "[a-zA-Z0-9_-]"
#: Stands for the stage's own folder as the first item of a path.
PYLIGHTNIX_SELF_TAG = "__self__"
selfref = PYLIGHTNIX_SELF_TAG

_NAME = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9_-]{0,79}\Z")
_PART = re.compile(r"[0-9a-f]{32}\Z")
_HASH = re.compile(r"[0-9a-f]{64}\Z")


def isdref(ref: Any) -> bool:
    """Return whether ``ref`` is a derivation's reference."""
    return isinstance(ref, str) and ref.startswith("dref:") and _parses(ModelDRef, ref)


def isrref(ref: Any) -> bool:
    """Return whether ``ref`` is a realization's reference."""
    return isinstance(ref, str) and ref.startswith("rref:") and _parses(ModelRRef, ref)


def isrefpath(p: Any) -> bool:
    """Return whether ``p`` is a path into a derivation's realization; a list of several derivations is none."""
    if not isinstance(p, list) or not p or not isdref(p[0]):
        return False
    return all(isinstance(item, str) and not isdref(item) for item in p[1:])


def isselfpath(p: Any) -> bool:
    """Return whether ``p`` is a path into the stage's own folder: a promise."""
    return isinstance(p, list) and len(p) > 0 and all(isinstance(item, str) for item in p) and p[0] == selfref


def trimhash(h: Hash) -> HashPart:
    """Return the part of a hash that stands in references."""
    return HashPart(h[:32])


def mkname(s: str) -> Name:
    """Return ``s`` as a name; raises CheckError where it cannot be one."""
    assert_valid_name(s)
    return Name(s)


def mkdref(dhash: HashPart, refname: Name) -> DRef:
    """Return the reference of a derivation."""
    assert_valid_hashpart(dhash)
    assert_valid_name(refname)
    return DRef(f"dref:{dhash}-{refname}")


def undref(r: DRef) -> tuple[HashPart, Name]:
    """Return hash and name of a derivation's reference."""
    found = model_dref(r)
    return HashPart(found.hash), Name(found.name)


def mkrref(rhash: HashPart, dhash: HashPart, refname: Name) -> RRef:
    """Return the reference of a realization."""
    assert_valid_hashpart(rhash)
    assert_valid_hashpart(dhash)
    assert_valid_name(refname)
    return RRef(f"rref:{rhash}-{dhash}-{refname}")


def unrref(r: RRef) -> tuple[HashPart, HashPart, Name]:
    """Return own hash, derivation's hash and name of a realization's reference."""
    found = model_rref(r)
    return HashPart(found.hash), HashPart(found.derivation), Name(found.name)


def rref2dref(rref: RRef) -> DRef:
    """Return the derivation that ``rref`` realizes."""
    return DRef(str(model_rref(rref).dref))


def mkrefpath(r: DRef, items: list[str] = []) -> RefPath:  # only read
    """Return the path ``items`` in the realization of ``r``."""
    assert_valid_dref(r)
    return [str(r), *items]


def path2dref(p: str) -> DRef | None:
    """Return the derivation whose folder, or a link to whose folder, ``p`` is; only its name is looked at."""
    found = f"dref:{os.path.basename(_target(p))}"
    return DRef(found) if isdref(found) else None


def path2rref(p: str) -> RRef | None:
    """Return the realization whose folder, or a link to whose folder, ``p`` is; only its name is looked at."""
    head, own = os.path.split(_target(p))
    found = f"rref:{own}-{os.path.basename(head)}"
    return RRef(found) if isrref(found) else None


def assert_valid_name(s: str) -> None:
    """Raise CheckError unless ``s`` can be a name."""
    check(
        isinstance(s, str) and _NAME.match(s),
        f"{s!r:.120} cannot be a name: it has to be 1 to 80 of {PYLIGHTNIX_NAMEPAT}, and not to begin with '-'",
    )


def assert_valid_hashpart(hp: str) -> None:
    """Raise CheckError unless ``hp`` is the hash part of a reference."""
    check(isinstance(hp, str) and _PART.match(hp), f"{hp!r:.120} is no hash part: it has to be 32 hex digits")


def assert_valid_hash(h: str) -> None:
    """Raise CheckError unless ``h`` is a hash."""
    check(isinstance(h, str) and _HASH.match(h), f"{h!r:.120} is no hash: it has to be 64 hex digits")


def assert_valid_dref(ref: str) -> None:
    """Raise CheckError unless ``ref`` is a derivation's reference."""
    model_dref(ref)


def assert_valid_rref(ref: str) -> None:
    """Raise CheckError unless ``ref`` is a realization's reference."""
    model_rref(ref)


def assert_valid_refpath(refpath: RefPath) -> None:
    """Raise CheckError unless ``refpath`` is a path into a derivation's realization."""
    check(isrefpath(refpath), f"{refpath!r:.120} is no path into a stage: write [dref, 'folder', 'file']")


def model_dref(ref: str) -> ModelDRef:
    """Return the store's form of a derivation's reference."""
    try:
        return ModelDRef.parse(ref)
    except (BadReferenceError, TypeError):
        raise CheckError(f"{ref!r:.120} is no derivation reference (dref:<32 hex>-<name>)") from None


def model_rref(ref: str) -> ModelRRef:
    """Return the store's form of a realization's reference."""
    try:
        return ModelRRef.parse(ref)
    except (BadReferenceError, TypeError):
        refuse_realized(ref)
        raise CheckError(f"{ref!r:.120} is no realization reference (rref:<32 hex>-<32 hex>-<name>)") from None


def refuse_realized(value: object) -> None:
    """Raise WrongFaceError for what ``realize`` returns, which was an RRef in the 2021 manual."""
    if isinstance(value, tuple) and len(value) == 3 and isinstance(value[1], Closure):
        raise WrongFaceError("realize(…) returning an RRef", "realize1 does that")


def _parses(kind: type[ModelDRef | ModelRRef], text: str) -> bool:
    try:
        kind.parse(text)
    except BadReferenceError:
        return False
    return True


def _target(p: str) -> Path:
    return Path(os.readlink(p) if os.path.islink(p) else p)
