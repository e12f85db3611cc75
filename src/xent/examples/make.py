"""Make the example files again: python -m xent.examples.make [FOLDER]. Needs scikit-learn and pyarrow.

Each row is predicted by a model that never saw it: ten-fold cross-validation, stratified, shuffled with seed 0.
The last digits depend on the versions of scikit-learn, SciPy and the linear algebra beneath; README.md names them.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np


def models() -> dict[str, tuple[Any, Any]]:
    """Return (data set, model) for each example."""
    from sklearn.datasets import load_breast_cancer, load_digits
    from sklearn.ensemble import ExtraTreesClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.naive_bayes import GaussianNB
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import MinMaxScaler, StandardScaler

    digits, cancer = load_digits(), load_breast_cancer()
    return {
        "digits": (digits, make_pipeline(MinMaxScaler(), LogisticRegression(max_iter=5000))),
        # With the default smoothing of 1e-9 a few hundred probabilities underflow to 0, some of them of the true class.
        "digits-naive-bayes": (digits, GaussianNB(var_smoothing=0.1)),
        "digits-trees": (digits, ExtraTreesClassifier(random_state=0)),
        "cancer": (cancer, make_pipeline(StandardScaler(), LogisticRegression(max_iter=5000))),
        "cancer-naive-bayes": (cancer, GaussianNB()),
    }


def held_out(data: Any, model: Any) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the predicted probabilities of each row by a model fitted to the nine tenths without it."""
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    folds = StratifiedKFold(10, shuffle=True, random_state=0)
    return np.asarray(cross_val_predict(model, data.data, data.target, cv=folds, method="predict_proba"))


def write(file: Path, data: Any, probs: np.ndarray[Any, np.dtype[np.float64]]) -> None:
    """Write id (the row's number in the data set), label, and one probability column a class."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = [str(name) for name in data.target_names]
    columns: dict[str, Any] = {
        "id": pa.array(np.arange(len(probs)), pa.int32()),
        "label": pa.array([names[k] for k in data.target], pa.string()),
    }
    columns |= {f"p_{name}": pa.array(probs[:, k]) for k, name in enumerate(names)}
    pq.write_table(pa.table(columns), file, compression="zstd", use_dictionary=False, store_schema=False)


def main(arguments: Sequence[str]) -> None:
    """Write all examples into a folder, the one of this script by default."""
    folder = Path(arguments[0]) if arguments else Path(__file__).parent
    for name, (data, model) in models().items():
        write(folder / f"{name}.parquet", data, held_out(data, model))


if __name__ == "__main__":
    main(sys.argv[1:])
