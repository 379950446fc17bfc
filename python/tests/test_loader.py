"""Batches of graphs for PyTorch."""

from __future__ import annotations

import pytest

from crystal_mmpt import open_store

torch = pytest.importorskip("torch")


def test_a_batch_is_its_crystals(store):
    opened = open_store(store)
    rows = opened.table().to_pydict()
    batches = list(opened.to_torch(batch=50, properties="band_gap_ev"))
    assert sum(len(batch["material_ids"]) for batch in batches) == len(opened)
    assert [name for batch in batches for name in batch["material_ids"]] == rows["material_id"]
    batch = batches[0]
    sites, edges = sum(rows["nsites"][:50]), [len(edge) for edge in rows["edge_source"][:50]]
    assert batch["atomic_numbers"].tolist() == [z for atoms in rows["atomic_numbers"][:50] for z in atoms]
    assert batch["crystal_of_atom"].tolist() == [n for n in range(50) for _ in range(rows["nsites"][n])]
    assert batch["edge_index"].shape == (2, sum(edges)) and batch["edge_index"].dtype == torch.int64
    assert batch["fractional"].shape == (sites, 3) and batch["lattice_vectors"].shape == (50, 3, 3)
    first = sum(edges[:1])
    assert batch["distances"][:first].tolist() == pytest.approx(rows["edge_distance"][0], rel=1e-6)
    gaps = [float("nan") if gap is None else gap for gap in rows["band_gap_ev"][:50]]
    assert torch.equal(torch.isnan(batch["properties"]["band_gap_ev"]), torch.isnan(torch.tensor(gaps)))


def test_vectors_follow_from_positions_and_images(store):
    batch = next(iter(open_store(store).to_torch(batch=20)))
    lattice = batch["lattice_vectors"][batch["crystal_of_atom"]]
    positions = torch.einsum("ni,nij->nj", batch["fractional"], lattice)
    source, target = batch["edge_index"]
    shifts = torch.einsum("ei,eij->ej", batch["images"].double(), lattice[target])
    vectors = positions[source] + shifts - positions[target]
    assert torch.allclose(vectors.float(), batch["vectors"], atol=1e-5)
    assert torch.allclose(vectors.norm(dim=1).float(), batch["distances"], atol=1e-5)


def test_triplets_and_their_angles(store):
    batch = next(iter(open_store(store).to_torch(batch=10, triplets=True)))
    incoming, outgoing = batch["triplets"]
    source, target = batch["edge_index"]
    # kj ends at the neighbour of ji, where that edge starts.
    assert torch.equal(target[incoming], source[outgoing])
    # r_j - r_i and r_k - r_j: vectors lead from the centre to the neighbour.
    ji, kj = batch["vectors"][outgoing], batch["vectors"][incoming]
    cosines = torch.nn.functional.cosine_similarity(ji, kj, dim=1)
    assert torch.allclose(cosines, batch["cosines"], atol=1e-4)
    back = (source[incoming] == target[outgoing]) & torch.isclose(cosines, torch.tensor(-1.0), atol=1e-5)
    same = torch.isclose(batch["distances"][incoming], batch["distances"][outgoing])
    assert not bool((back & same).any()), "an edge and its reverse are no triplet"
    assert "triplets" not in next(iter(open_store(store).to_torch(batch=10)))
    most = 20_000
    for limited in open_store(store).to_torch(batch=64, triplets=most):
        assert limited["triplets"].shape[1] <= most or len(limited["material_ids"]) == 1


def test_epochs_are_shuffled_by_their_seed(store):
    opened = open_store(store)

    def order(batches):
        return [name for batch in batches for name in batch["material_ids"]]

    batches = opened.to_torch(batch=32, shuffle=True, seed=3)
    first, second = order(batches), order(batches)
    assert first != second and sorted(first) == sorted(second)
    assert order(opened.to_torch(batch=32, shuffle=True, seed=3)) == first
    loader = torch.utils.data.DataLoader(opened.to_torch(batch=32), batch_size=None)
    assert sorted(order(loader)) == sorted(first)
    # Their processes would repeat the first epoch for ever.
    workers = torch.utils.data.DataLoader(opened.to_torch(batch=32), batch_size=None, num_workers=1)
    with pytest.raises(Exception, match="num_workers must be 0"):
        order(workers)


def test_tensors_take_over_the_memory(store):
    from crystal_mmpt import _native

    native = _native.Store(store)
    options = opened_options()
    arrays = next(native.batches(options))
    tensor = torch.from_numpy(arrays["distances"])
    assert tensor.data_ptr() == arrays["distances"].ctypes.data


def opened_options():
    """Settings of an epoch as the package gives them."""
    return {
        "batch": 4,
        "has_triplets": False,
        "most_triplets": None,
        "properties": [],
        "split": None,
        "shuffle_buffer": None,
        "seed": 0,
        "epoch": 0,
        "drop_last": False,
        "workers": 1,
    }
