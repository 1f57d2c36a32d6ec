"""The pool's side: a process that runs jobs or the operations of an entry module, one at a time."""

from stageloom.worker.tools import ToolError as ToolError
from stageloom.worker.tools import call_host as call_host
