"""Stages written as functions: the decorator, what its parameters stand for, and how one is run."""
