"""Which distribution a missing module comes from, and the command that installs it into this environment."""

from __future__ import annotations

import importlib.util
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig

#: Distributions by the module they are imported as, where the names differ.
_DISTRIBUTIONS = {
    "Bio": "biopython",
    "Crypto": "pycryptodome",
    "IPython": "ipython",
    "MySQLdb": "mysqlclient",
    "OpenSSL": "pyOpenSSL",
    "PIL": "Pillow",
    "attr": "attrs",
    "bs4": "beautifulsoup4",
    "cairo": "pycairo",
    "cv2": "opencv-python",
    "dateutil": "python-dateutil",
    "docx": "python-docx",
    "dotenv": "python-dotenv",
    "faiss": "faiss-cpu",
    "fitz": "PyMuPDF",
    "gi": "PyGObject",
    "git": "GitPython",
    "hydra": "hydra-core",
    "imblearn": "imbalanced-learn",
    "jwt": "PyJWT",
    "magic": "python-magic",
    "mpl_toolkits": "matplotlib",
    "osgeo": "GDAL",
    "pkg_resources": "setuptools",
    "pptx": "python-pptx",
    "psycopg2": "psycopg2-binary",
    "pytorch_lightning": "pytorch-lightning",
    "pywt": "PyWavelets",
    "ruamel": "ruamel.yaml",
    "sentence_transformers": "sentence-transformers",
    "serial": "pyserial",
    "shapefile": "pyshp",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "skopt": "scikit-optimize",
    "slugify": "python-slugify",
    "umap": "umap-learn",
    "usb": "pyusb",
    "win32api": "pywin32",
    "win32con": "pywin32",
    "wx": "wxPython",
    "yaml": "PyYAML",
    "zmq": "pyzmq",
}


def distribution_of(module: str) -> str:
    """Return the name to install for a module that does not import."""
    top = module.partition(".")[0]
    return _DISTRIBUTIONS.get(top, top)


def is_absent(module: str) -> bool:
    """Whether nothing of the name is installed, as opposed to a package that lacks one of its modules."""
    top = module.partition(".")[0]
    try:
        return top not in sys.modules and importlib.util.find_spec(top) is None
    except (ImportError, ValueError):
        return False


def install_command(distribution: str) -> str:
    """Return the command that installs a distribution into the environment of this interpreter."""
    if _is_made_by_uv() or (importlib.util.find_spec("pip") is None and shutil.which("uv") is not None):
        return _shown(["uv", "pip", "install", "--python", sys.executable, distribution])
    return _shown([sys.executable, "-m", "pip", "install", distribution])


def install_advice(distribution: str) -> str:
    """Return what to do about a missing distribution."""
    if sys.prefix == sys.base_prefix and os.path.exists(_externally_managed()):
        return (
            f"{sys.executable} is managed by the system and takes no packages: make a virtual environment, choose it "
            f"as the interpreter, and install {distribution} there."
        )
    return f"Install {distribution} into the environment that the stage runs in."


def _externally_managed() -> str:
    return os.path.join(sysconfig.get_path("stdlib"), "EXTERNALLY-MANAGED")


def _is_made_by_uv() -> bool:
    try:
        with open(os.path.join(sys.prefix, "pyvenv.cfg"), encoding="utf-8") as file:
            return any(line.partition("=")[0].strip() == "uv" for line in file)
    except OSError:
        return False


def _shown(command: list[str]) -> str:
    return subprocess.list2cmdline(command) if os.name == "nt" else shlex.join(command)
