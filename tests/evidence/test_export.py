"""An exported network is the delivered one, as ordinary PyTorch that needs nothing of this program."""

import subprocess
import sys
from itertools import product

import pytest
import torch

from esper_tui.evidence.export import PROGRAM, plain_network, write_export
from esper_tui.evidence.grown import Residual, load
from esper_tui.kasmina.blueprints import REGISTRY
from esper_tui.kasmina.host import CnnSpec
from esper_tui.kasmina.network import Network, Planted
from esper_tui.leyline.choices import Form
from esper_tui.leyline.errors import CannotWrite

MEAN, STD = [120.0, 118.0, 110.0], [60.0, 61.0, 65.0]
HOSTS = [CnnSpec(2, 8, 3, 2, 8), CnnSpec(3, 4, 1, 1, 8), CnnSpec(2, 16, 5, 0, 8)]


def grown_network(spec: CnnSpec, seeds: list[Planted]) -> Network:
    """Every weight and statistic random, so that nothing is equal by being zero."""
    g = torch.Generator().manual_seed(3)
    network = Network(spec, seeds).double()
    with torch.no_grad():
        for p in network.parameters():
            p.copy_(0.5 * torch.randn(p.shape, generator=g, dtype=torch.float64))
    network.measure_statistics([normalised(pixels(spec, 16))])
    return network


def pixels(spec: CnnSpec, count: int) -> torch.Tensor:
    g = torch.Generator().manual_seed(count)
    return torch.rand(count, 3, spec.image_size, spec.image_size, generator=g, dtype=torch.float64)


def normalised(x: torch.Tensor) -> torch.Tensor:
    mean, std = (torch.tensor(v, dtype=torch.float64).view(1, 3, 1, 1) for v in (MEAN, STD))
    return (255 * x - mean) / std


@pytest.mark.parametrize(("blueprint", "form"), list(product(REGISTRY, Form)), ids=lambda v: str(v))
@pytest.mark.parametrize("spec", HOSTS, ids=["pooled", "blind", "wide"])
def test_equal_in_float64(spec, blueprint, form):
    surfaces = spec.surfaces()
    seeds = [Planted(s.slot, blueprint, form) for s in (surfaces[0], surfaces[-1])]
    network = grown_network(spec, seeds)
    plain, _ = plain_network(network, MEAN, STD)
    x = pixels(spec, 8)
    torch.testing.assert_close(plain(x), network(normalised(x)), rtol=1e-9, atol=1e-9)


def test_batch_norms_are_folded_away():
    plain, document = plain_network(grown_network(HOSTS[0], []), MEAN, STD)
    assert not any("Norm" in type(m).__name__ for m in plain.modules())
    assert [e["kind"] for e in document["layers"]] == [
        "pixels", "conv", "pool", "relu", "conv", "pool", "relu", "mean", "linear",
    ]  # fmt: skip


@pytest.mark.parametrize(("blueprint", "form"), list(product(REGISTRY, Form)), ids=lambda v: str(v))
def test_no_seed_is_affine_so_none_can_be_folded(blueprint, form):
    """An affine f has f(a) + f(b) = f(a + b) + f(0); what misses that cannot become part of a convolution."""
    g = torch.Generator().manual_seed(5)
    seed = Residual(blueprint, str(form), 8).double()
    with torch.no_grad():
        for p in seed.parameters():
            p.copy_(torch.randn(p.shape, generator=g, dtype=torch.float64))
    a, b = torch.randn(2, 4, 8, 6, 6, generator=g, dtype=torch.float64)
    assert (seed(a) + seed(b) - seed(a + b) - seed(0 * a)).abs().max() > 1e-3


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    folder = tmp_path_factory.mktemp("export") / "net"
    network = grown_network(
        HOSTS[0], [Planted("r0c0", "CONV_LIGHT", Form.GATED), Planted("r0c1", "NORM", Form.MULTIPLY)]
    )
    return write_export(network, MEAN, STD, folder), network


def test_the_folder_stands_alone(exported):
    folder, network = exported
    x = pixels(HOSTS[0], 5).float()
    torch.save(x, folder.parent / "x.pt")
    code = (
        "import sys, torch\n"
        "from grown import load\n"
        "y = load('.')(torch.load('../x.pt'))\n"
        "assert not any(name.startswith('esper') for name in sys.modules)\n"
        "torch.save(y, '../y.pt')\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=folder, check=True, timeout=60)
    found = torch.load(folder.parent / "y.pt")
    torch.testing.assert_close(found, network.float()(normalised(x.double()).float()), rtol=1e-3, atol=1e-4)


def test_the_exported_program_takes_any_batch(exported):
    folder, _ = exported
    program = torch.export.load(folder / PROGRAM).module()
    network = load(folder)
    for count in (1, 3):
        x = pixels(HOSTS[0], count).float()
        torch.testing.assert_close(program(x), network(x))


def test_the_readme_says_what_it_is(exported):
    text = (exported[0] / "README.txt").read_text()
    assert "r0c0 CONV_LIGHT, r0c1 NORM" in text


def test_a_folder_that_is_not_empty_is_refused(exported):
    folder, network = exported
    with pytest.raises(CannotWrite, match="not an empty folder"):
        write_export(network, MEAN, STD, folder)


def test_files_that_do_not_fit_are_one_sentence(exported, tmp_path):
    folder, _ = exported
    for name in ("architecture.json", "weights.safetensors"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    text = (tmp_path / "architecture.json").read_text()
    (tmp_path / "architecture.json").write_text(text.replace('"linear"', '"liner"'))
    with pytest.raises(ValueError, match="cannot be built"):
        load(tmp_path)
    (tmp_path / "architecture.json").write_text(text.replace('"channels": 8', '"channels": 16', 1))
    with pytest.raises(ValueError, match="does not fit"):
        load(tmp_path)
