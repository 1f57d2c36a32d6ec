"""Stages written as functions."""
