"""Dask collections give the document that arrays give, whatever the partitions and wherever they are computed."""

import numpy as np
import pandas as pd
import pytest

import xent

da = pytest.importorskip("dask.array")
dd = pytest.importorskip("dask.dataframe")
distributed = pytest.importorskip("distributed")


@pytest.fixture(scope="module", name="client")
def _client():
    """A cluster of two processes on this machine."""
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


def document(found):
    return found.to_json()


@pytest.mark.filterwarnings("ignore")  # the cluster's own, of which versions differ
@pytest.mark.usefixtures("client")
class TestWithProcesses:
    def test_several_classes(self, several):
        y, z, q = several(1000)
        local = xent.evaluate(y, q)
        assert document(xent.evaluate(da.from_array(y, 300), da.from_array(q, (300, 2)))) == document(local)
        logits = xent.evaluate(da.from_array(y, 1000), xent.Logits(da.from_array(z, (170, 5))), unit="bits", seed=3)
        assert document(logits) == document(xent.evaluate(y, xent.Logits(z), unit="bits", seed=3))

    def test_two_classes_weights_clusters_and_slices(self, binary):
        y, _, q = binary(600)
        rng = np.random.default_rng(0)
        weight, cluster, region = rng.gamma(2.0, size=600), np.arange(600) // 4, rng.choice(["north", "south"], 600)
        local = xent.evaluate(y, q, weight=weight, cluster=cluster, slices={"region": region})
        cut = [da.from_array(values, 130) for values in (y, q, weight, cluster)]
        found = xent.evaluate(cut[0], cut[1], weight=cut[2], cluster=cut[3], slices={"region": region})
        assert document(found) == document(local)

    def test_a_frame_whose_lengths_are_not_known(self, binary):
        y, _, q = binary(500)
        frame = dd.from_pandas(pd.DataFrame({"y": y, "p": q, "keep": np.arange(500) % 3 > 0}), npartitions=4)
        kept = frame[frame.keep]
        keep = np.arange(500) % 3 > 0
        assert document(xent.evaluate(kept.y, kept.p)) == document(xent.evaluate(y[keep], q[keep]))

    def test_more_rows_than_are_held(self, several):
        y, _, q = several(150_000)
        q = np.round(q, 2) / np.round(q, 2).sum(axis=1, keepdims=True)
        whole = xent.Evaluator().update(y, q, id=np.arange(len(y))).result()
        assert document(xent.evaluate(da.from_array(y, 40_000), da.from_array(q, 40_000))) == document(whole)


def test_on_threads(several):
    y, _, q = several(400)
    assert document(xent.evaluate(da.from_array(y, 90), da.from_array(q, 90))) == document(xent.evaluate(y, q))


def test_an_empty_partition(binary):
    y, _, q = binary(90)
    cut = da.from_array(q, ((50, 0, 40),))
    assert document(xent.evaluate(da.from_array(y, 90), cut)) == document(xent.evaluate(y, q))


def test_errors_name_the_partition(binary):
    y, _, q = binary(90)
    q[70] = np.nan
    with pytest.raises(ValueError, match="partition 2: `q` row 10 is nan"):
        xent.evaluate(da.from_array(y, 30), da.from_array(q, 30))


def test_lengths_that_differ(binary):
    y, _, q = binary(90)
    with pytest.raises(ValueError, match="`y` has 80 rows and `q` has 90"):
        xent.evaluate(y[:80], da.from_array(q, 30))
    with pytest.raises(ValueError, match="`y` comes in 3 partitions of other lengths than the 3 of `q`"):
        xent.evaluate(da.from_array(y[:80], 30), da.from_array(q, 30))
