"""State files: tensors and a document, whole, checked, and nothing that could run code."""

import shutil

import pytest
import torch
from safetensors.torch import save, save_file

from esper_tui.leyline.errors import CannotWrite, Incompatible
from esper_tui.runtime.artefacts import load_network
from esper_tui.runtime.statefile import load_state, save_state

TENSORS = {"a": torch.arange(6.0).view(2, 3), "b": torch.tensor([1, 2], dtype=torch.int64), "none": torch.zeros(0, 4)}
DOCUMENT = {"kind": "x", "list": [1, None, "ü"], "deep": {"a": {"b": 1.5}}}


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "x.safetensors"
    save_state(path, "network", TENSORS, DOCUMENT)
    return path


def test_what_is_saved_is_loaded(path):
    tensors, document = load_state(path, "network")
    assert document == DOCUMENT
    assert tensors.keys() == TENSORS.keys()
    assert all(torch.equal(tensors[k], TENSORS[k]) and tensors[k].dtype == TENSORS[k].dtype for k in TENSORS)
    assert list(path.parent.iterdir()) == [path]


def test_views_and_gradients_are_saved_by_value(tmp_path):
    weight = torch.randn(4, 4, requires_grad=True)
    save_state(tmp_path / "y", "network", {"t": weight.t(), "row": weight[1]}, {})
    tensors, _ = load_state(tmp_path / "y", "network")
    assert torch.equal(tensors["t"], weight.detach().t())
    assert torch.equal(tensors["row"], weight.detach()[1])


def test_one_flipped_bit_is_noticed(path):
    data = bytearray(path.read_bytes())
    data[-3] ^= 1
    path.write_bytes(data)
    with pytest.raises(Incompatible, match="is damaged: its checksum does not fit"):
        load_state(path, "network")


def test_a_changed_document_is_noticed(path):
    data = path.read_bytes()
    path.write_bytes(data.replace(rb"1.5", rb"2.5"))
    with pytest.raises(Incompatible, match="is damaged: its checksum does not fit"):
        load_state(path, "network")


@pytest.mark.parametrize("keep", [0, 4, 9, 100, -1])
def test_a_file_that_was_cut_off(path, keep):
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(Incompatible, match="is not a readable state file"):
        load_state(path, "network")


def test_another_kind_of_file(path, tmp_path):
    with pytest.raises(Incompatible, match="is not a policy file of esper"):
        load_state(path, "policy")
    save_file(TENSORS, tmp_path / "plain")
    with pytest.raises(Incompatible, match="is not a network file of esper"):
        load_state(tmp_path / "plain", "network")
    (tmp_path / "text").write_text("hello, this is a text of some length, and no tensors at all")
    with pytest.raises(Incompatible, match="is not a readable state file"):
        load_state(tmp_path / "text", "network")
    with pytest.raises(Incompatible, match="is not a readable state file"):
        load_state(tmp_path / "nosuch", "network")


@pytest.mark.parametrize("version", ["2", "999999999999", "²", "", "-1", "9" * 5000])
def test_a_file_of_another_version(tmp_path, version):
    meta = {"format": "esper", "version": version, "kind": "network", "document": "{}"}
    (tmp_path / "x").write_bytes(save(TENSORS, metadata=meta))
    with pytest.raises(Incompatible, match="this program reads 1; update esper"):
        load_state(tmp_path / "x", "network")


@pytest.mark.parametrize("document", ["[", "[" * 50_000, "9" * 10_000, "[]", "null"])
def test_a_document_that_is_none(tmp_path, document):
    meta = {"format": "esper", "version": "1", "kind": "network", "document": document}
    (tmp_path / "x").write_bytes(save(TENSORS, metadata=meta))
    with pytest.raises(Incompatible):
        load_state(tmp_path / "x", "network")


def test_a_state_file_that_cannot_be_written_leaves_nothing(tmp_path):
    with pytest.raises(CannotWrite, match=r"cannot write .*No such file or directory"):
        save_state(tmp_path / "nosuch" / "x", "network", TENSORS, {})
    assert list(tmp_path.iterdir()) == []


def test_the_best_network_of_a_run_can_be_loaded_and_used(finished_run):
    path = next(finished_run.folder.glob("artefacts/*best*"))
    network = load_network(path)
    assert network(torch.randn(3, 3, 8, 8)).shape == (3, 10)
    rows = next(e for e in finished_run.events if e["type"] == "RoundEnded")
    assert network.parameter_count() == rows["rows"][rows["best"]]["params"]


@pytest.mark.parametrize(
    "change",
    [{"spec": None}, {"spec": {"blocks": "x"}}, {"seeds": [{}]}, {"seeds": 3}, {"spec": {"channels": 4}}, {"spec": {}}],
)
def test_a_network_that_cannot_be_built_is_one_sentence(finished_run, tmp_path, change):
    path = shutil.copy(next(finished_run.folder.glob("artefacts/*best*")), tmp_path / "x.safetensors")
    tensors, document = load_state(path, "network")
    save_state(path, "network", tensors, document | change)
    with pytest.raises(Incompatible, match="describes a network that this program cannot build"):
        load_network(path)
