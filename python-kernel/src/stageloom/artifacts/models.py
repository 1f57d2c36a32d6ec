"""Tensors and models of PyTorch and Keras."""

from __future__ import annotations

import importlib
import json
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from stageloom.artifacts.errors import UnloadableError

KERAS_SUFFIX = ".keras"
_EPOCH = (1980, 1, 1, 0, 0, 0)

#: What NumPy has no type for is kept as integers of its width.
_BITS = {"bfloat16": "int16", "float8_e4m3fn": "uint8", "float8_e5m2": "uint8"}


def is_tensor(value: object) -> bool:
    """Whether ``value`` is one of PyTorch's tensors or parameters, strided: all there is to it is its numbers."""
    kind = type(value)
    if kind.__module__.partition(".")[0] != "torch" or kind.__name__ not in ("Tensor", "Parameter"):
        return False
    tensor: Any = value
    return (
        str(tensor.layout) == "torch.strided"
        and not tensor.is_quantized
        and not tensor.is_complex()
        and tensor.device.type != "meta"
        and (tensor.is_leaf or not tensor.requires_grad)
        and not getattr(tensor, "__dict__", None)
    )


def is_module(value: object) -> bool:
    """Whether ``value`` is a model of PyTorch, told without importing it."""
    return any(
        base.__name__ == "Module" and base.__module__ == "torch.nn.modules.module" for base in type(value).__mro__
    )


def named_tensors(module: Any) -> Iterator[tuple[str, Any]]:
    """Yield a module's parameters and buffers, by the names that its state has them under."""
    yield from module.named_parameters()
    yield from module.named_buffers()


def tensor_array(value: Any) -> tuple[dict[str, Any], Any]:
    """Return what a tensor is beside its numbers, and these as a NumPy array."""
    torch: Any = importlib.import_module("torch")
    dtype = str(value.dtype).removeprefix("torch.")
    plain = value.detach().cpu().contiguous()
    if dtype in _BITS:
        plain = plain.view(getattr(torch, _BITS[dtype]))
    about = {"dtype": dtype, "kind": type(value).__name__, "grad": bool(value.requires_grad)}
    return about, plain.numpy()


def tensor_of(about: dict[str, Any], array: Any) -> Any:
    """Return the tensor that :func:`tensor_array` took apart, on the CPU; raises UnloadableError."""
    torch = _package("torch", "a PyTorch tensor")
    tensor = torch.from_numpy(array)
    if about["dtype"] in _BITS:
        tensor = tensor.view(getattr(torch, about["dtype"]))
    if about["kind"] == "Parameter":
        return torch.nn.Parameter(tensor, requires_grad=about["grad"])
    return tensor.requires_grad_() if about["grad"] else tensor


def is_keras(value: object) -> bool:
    """Whether ``value`` is a model of Keras 3, or of the one in TensorFlow."""
    return any(
        base.__name__ == "Model" and base.__module__.partition(".")[0] in ("keras", "tf_keras")
        for base in type(value).__mro__
    )


def write_keras(path: Path, model: Any) -> None:
    """Write a model in Keras' own format, without the time that it was saved."""
    with tempfile.TemporaryDirectory() as folder:
        saved = Path(folder, f"model{KERAS_SUFFIX}")
        model.save(saved)
        with zipfile.ZipFile(saved) as source, zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as target:
            for name in sorted(source.namelist()):
                data = source.read(name)
                if name == "metadata.json":
                    about = json.loads(data)
                    about.pop("date_saved", None)
                    data = json.dumps(about, sort_keys=True).encode("ascii")
                member = zipfile.ZipInfo(name, _EPOCH)
                member.create_system = 3
                member.external_attr = 0o644 << 16
                target.writestr(member, data)


def read_keras(path: Path) -> Any:
    """Return the model that :func:`write_keras` wrote; raises UnloadableError where Keras is missing."""
    _package("keras", "a Keras model")
    models: Any = importlib.import_module("keras.models")
    return models.load_model(path)


def _package(name: str, what: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise UnloadableError(
            f"a stored value is {what}, and {name} does not import here: {error}",
            f"Install {name} into this environment.",
        ) from error
