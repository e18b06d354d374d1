"""The process that answers for a Python potential."""
