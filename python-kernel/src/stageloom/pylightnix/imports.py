"""Names of the standard library that Pylightnix hands on: its programs import them from it."""

from __future__ import annotations

from calendar import (
    timegm,
)
from collections import (
    OrderedDict,
    defaultdict,
)
from contextlib import (
    contextmanager,
)
from copy import (
    deepcopy,
)
from dataclasses import (
    dataclass,
)
from datetime import (
    datetime,
)
from errno import (
    EEXIST,
    ENOTEMPTY,
)
from fnmatch import (
    fnmatch,
)
from functools import (
    partial,
)
from hashlib import (
    sha1,
    sha256,
)
from itertools import (
    chain,
)
from json import (
    dump as json_dump,
)
from json import (
    dumps as json_dumps,
)
from json import (
    load as json_load,
)
from json import (
    loads as json_loads,
)
from logging import (
    getLogger,
)
from os import (
    chmod,
    environ,
    listdir,
    lstat,
    makedirs,
    mkdir,
    readlink,
    remove,
    rename,
    replace,
    rmdir,
    scandir,
    stat,
    symlink,
    walk,
)
from os.path import (
    abspath,
    basename,
    dirname,
    getsize,
    isabs,
    isdir,
    isfile,
    islink,
    join,
    normpath,
    realpath,
    relpath,
    split,
    splitext,
)
from queue import (
    PriorityQueue,
)
from re import (
    match as re_match,
)
from re import (
    sub as re_sub,
)
from shutil import (
    copy as shutil_copy,
)
from shutil import (
    copyfile,
    copytree,
    rmtree,
)
from shutil import (
    which as find_executable,
)
from stat import (
    S_IREAD,
    S_IRGRP,
    S_IROTH,
    S_IWGRP,
    S_IWOTH,
    S_IWRITE,
    S_IXGRP,
    S_IXOTH,
    S_IXUSR,
    ST_MODE,
)
from subprocess import (
    Popen,
)
from sys import (
    maxsize,
)
from tempfile import (
    mkdtemp,
)
from threading import (
    get_ident,
)
from threading import (
    local as threading_local,
)
from time import (
    gmtime,
    strftime,
    strptime,
)
from traceback import (
    format_exc,
)
from typing import (
    IO,
    Any,
    Callable,
    Dict,
    Generator,
    Generic,
    Iterable,
    Iterator,
    List,
    NamedTuple,
    NewType,
    Optional,
    Set,
    SupportsAbs,
    Tuple,
    TypeVar,
    Union,
)
from unicodedata import (
    normalize,
)
from urllib.parse import (
    urlparse,
)

__all__ = [
    "EEXIST",
    "ENOTEMPTY",
    "IO",
    "ST_MODE",
    "S_IREAD",
    "S_IRGRP",
    "S_IROTH",
    "S_IWGRP",
    "S_IWOTH",
    "S_IWRITE",
    "S_IXGRP",
    "S_IXOTH",
    "S_IXUSR",
    "Any",
    "Callable",
    "Dict",
    "Generator",
    "Generic",
    "Iterable",
    "Iterator",
    "List",
    "NamedTuple",
    "NewType",
    "Optional",
    "OrderedDict",
    "Popen",
    "PriorityQueue",
    "Set",
    "SupportsAbs",
    "Tuple",
    "TypeVar",
    "Union",
    "abspath",
    "basename",
    "chain",
    "chmod",
    "contextmanager",
    "copyfile",
    "copytree",
    "dataclass",
    "datetime",
    "deepcopy",
    "defaultdict",
    "dirname",
    "environ",
    "find_executable",
    "fnmatch",
    "format_exc",
    "getLogger",
    "get_ident",
    "getsize",
    "gmtime",
    "isabs",
    "isdir",
    "isfile",
    "islink",
    "join",
    "json_dump",
    "json_dumps",
    "json_load",
    "json_loads",
    "listdir",
    "lstat",
    "makedirs",
    "maxsize",
    "mkdir",
    "mkdtemp",
    "normalize",
    "normpath",
    "partial",
    "re_match",
    "re_sub",
    "readlink",
    "realpath",
    "relpath",
    "remove",
    "rename",
    "replace",
    "rmdir",
    "rmtree",
    "scandir",
    "sha1",
    "sha256",
    "shutil_copy",
    "split",
    "splitext",
    "stat",
    "strftime",
    "strptime",
    "symlink",
    "threading_local",
    "timegm",
    "urlparse",
    "walk",
]
