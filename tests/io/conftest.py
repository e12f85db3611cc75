import numpy as np
import pytest


@pytest.fixture
def table() -> dict[str, list[object]]:
    """Five rows of three classes; the labels never name `dog`."""
    q = [[0.5, 0.25, 0.25], [0.1, 0.7, 0.2], [0.2, 0.2, 0.6], [0.3, 0.3, 0.4], [0.125, 0.125, 0.75]]
    columns: dict[str, list[object]] = {"id": ["r0", "r1", "r2", "r3", "r4"]}
    columns["label"] = ["ant", "bee", "ant", "bee", "ant"]
    for name, column in zip(("ant", "bee", "dog"), np.array(q).T.tolist(), strict=True):
        columns[f"p_{name}"] = column
    return columns
