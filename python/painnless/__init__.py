"""PaiNN force fields: model files, the wire to the engine, and a reference in plain PyTorch. Importing this loads neither torch nor ase."""

__all__: list[str] = []
