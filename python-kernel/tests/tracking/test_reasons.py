"""What is said of changed code."""

from __future__ import annotations

from pathlib import Path

from stageloom.rpc.messages import Reason
from stageloom.tracking.fingerprint import Code
from stageloom.tracking.reasons import code_reasons
from stageloom.tracking.snapshot import take

BEFORE = {
    "pipeline.py": """from stageloom import stage
import numpy as np
from helper import smooth

LIMITS = {"a": 1}
LIMITS["b"] = 2

@stage
def params():
    return 1

@stage
def plot(params, title="x"):
    \"\"\"Draw.\"\"\"
    return smooth(np.ones(params)), LIMITS
""",
    "helper.py": """K = 3

def smooth(x):
    return x * K
""",
}


def reasons(changes: dict[str, tuple[str, str]], stage: str = "plot") -> tuple[Reason, ...]:
    after = dict(BEFORE)
    for path, (old, new) in changes.items():
        assert old in after[path]
        after[path] = after[path].replace(old, new)
    where = Path("/nowhere")
    codes = [Code(take(where, "pipeline.py", files)) for files in (BEFORE, after)]
    return code_reasons(codes[0], ("pipeline.py", stage), codes[1], ("pipeline.py", stage))


def test_nothing_changed() -> None:
    assert reasons({"pipeline.py": ("Draw.", "Draws.")}) == ()
    assert reasons({"helper.py": ("* K", "* 2")}, "params") == ()


def test_its_own_body() -> None:
    (reason,) = reasons({"pipeline.py": ("np.ones", "np.zeros")})
    assert (reason.kind, reason.subject, reason.summary) == ("code", "pipeline.py:plot", "plot in pipeline.py changed")
    assert reason.before is not None
    assert reason.before.startswith('@stage\ndef plot(params, title="x"):\n')
    assert reason.after == reason.before.replace("ones", "zeros")


def test_a_helper_and_its_constant() -> None:
    one, two = reasons({"helper.py": ("K = 3", "K = 4"), "pipeline.py": ('["b"] = 2', '["b"] = 5')})
    assert (one.subject, one.before, one.after) == ("helper.py:K", "K = 3\n", "K = 4\n")
    assert two.subject == "pipeline.py:LIMITS"
    assert two.before == 'LIMITS = {"a": 1}\n\nLIMITS["b"] = 2\n'


def test_the_own_function_comes_first() -> None:
    found = reasons({"helper.py": ("* K", "* K + 1"), "pipeline.py": ("np.ones", "np.zeros")})
    assert [one.subject for one in found] == ["pipeline.py:plot", "helper.py:smooth"]


def test_what_is_reached_no_longer() -> None:
    found = reasons({"helper.py": ("x * K", "x * 3")})
    assert [(one.subject, one.summary) for one in found] == [
        ("helper.py:smooth", "smooth in helper.py changed"),
        ("helper.py:K", "K in helper.py is no longer reached"),
    ]
    assert found[1].after == ""


def test_what_a_name_stands_for() -> None:
    (reason,) = reasons({"pipeline.py": ("import numpy as np", "import jax.numpy as np")})
    assert reason.summary == "what names in plot in pipeline.py stand for changed"
    assert reason.before is not None
    assert reason.after is not None
    assert reason.before.startswith("import numpy as np\n")
    assert reason.after.startswith("import jax.numpy as np\n")


def test_what_importing_does() -> None:
    (reason,) = reasons({"helper.py": ("K = 3", "print(1)\nK = 3")}, "params")
    assert reason.summary == "what importing helper.py does is reached now"
    assert (reason.before, reason.after) == ("", "print(1)\n")


def test_a_file_that_counts_whole() -> None:
    found = reasons({"pipeline.py": ("smooth(np.ones(params))", "getattr(__import__('helper'), title)")})
    assert found[0].subject == "pipeline.py:plot"
    assert found[-1].kind == "unresolved"
    assert "helper" in found[-1].summary


def test_a_syntax_error_in_a_helper() -> None:
    found = reasons({"helper.py": ("def smooth(x):", "def smooth(x:")})
    assert found[0].subject == "helper.py:<all>"
    assert "def smooth(x:" in (found[0].after or "")
    assert any(one.kind == "unresolved" and "can't be parsed" in one.summary for one in found)
