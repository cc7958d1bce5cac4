"""What stands in for timm and huggingface_hub in most tests: the functions of theirs that mien calls, on a tiny model.

timm needs torchvision, which does not load beside every build of torch. Tests of the real timm are skipped where it
cannot be imported.
"""

from hashlib import sha256
from pathlib import Path
from types import ModuleType, SimpleNamespace

import torch
from torch import Tensor, nn

SIZE = 32
NAMES = ("tiny.a_in1k", "tiny.b_in1k", "fixed.a_in1k", "offline.a_in1k")


class Tiny(nn.Module):
    """A stem, two stages and a classifier; one number it computes by itself and leaves out of its weights."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.fixed = name.startswith("fixed")
        self.conv1, self.bn1, self.act1 = nn.Conv2d(3, 4, 3, 2, padding=1, bias=False), nn.BatchNorm2d(4), nn.ReLU()
        self.stages = nn.Sequential(
            nn.Sequential(nn.Conv2d(4, 6, 3, padding=1), nn.ReLU()), nn.Sequential(nn.Conv2d(6, 8, 3, 2), nn.ReLU())
        )
        self.norm = nn.BatchNorm2d(8)
        self.fc: nn.Module = nn.Linear(8, 1000)
        self.register_buffer("computed", torch.tensor(3.0), persistent=False)
        self.pretrained_cfg = vars(config(name))
        self.feature_info = [{"module": place} for place in ("act1", "stages.0", "stages.1.1")]

    def forward(self, x: Tensor) -> Tensor:
        assert not self.fixed or x.shape[-1] == SIZE, f"Input height ({x.shape[-1]}) doesn't match model ({SIZE})."
        y: Tensor = self.fc(self.norm(self.stages(self.act1(self.bn1(self.conv1(x))))).mean((2, 3)) * self.computed)
        return y

    def reset_classifier(self, classes: int) -> None:
        assert classes == 0
        self.fc = nn.Identity()


def config(name: str) -> SimpleNamespace:
    """timm's PretrainedCfg, as far as it is asked."""
    return SimpleNamespace(
        architecture=name.split(".")[0],
        mean=(0.5, 0.4, 0.3),
        std=(0.2, 0.2, 0.1),
        input_size=(3, SIZE, SIZE),
        classifier="fc",
        license="apache-2.0",
        paper_name=None,
        paper_ids="arXiv:2110.00476",
        origin_url="https://example.org/offline",
        hf_hub_id=None if name.startswith("offline") else f"timm/{name}",
        hf_hub_filename=None,
    )


def published(name: str, seed: int = 1) -> dict[str, Tensor]:
    """Weights as they are published, the classifier's among them."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Tiny(name).state_dict()


class Hub:
    """A hub without a network, and the models that timm names.

    What is `online` can be downloaded into `cache`, where a file is called by its hash.
    """

    def __init__(self, cache: Path) -> None:
        self.cache = cache
        self.names = list(NAMES)
        self.online: dict[str, bytes] = {}
        self.downloads: list[str] = []

    def hf_hub_download(self, repo_id: str, filename: str, revision: str | None = None) -> str:
        self.downloads.append(f"{repo_id}/{filename}")
        if repo_id not in self.online:
            raise OSError(f"cannot reach {repo_id}")
        blob = self.cache / repo_id / "blobs" / sha256(self.online[repo_id]).hexdigest()
        blob.parent.mkdir(parents=True, exist_ok=True)
        blob.write_bytes(self.online[repo_id])
        link = self.cache / repo_id / "snapshots" / filename
        link.parent.mkdir(exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(blob)
        return str(link)

    def try_to_load_from_cache(self, repo_id: str, filename: str, revision: str | None = None) -> str | None:
        link = self.cache / repo_id / "snapshots" / filename
        return str(link) if link.exists() else None


def modules(hub: Hub) -> dict[str, ModuleType]:
    """The modules that stand in, to be put into `sys.modules`."""
    timm, huggingface_hub = ModuleType("timm"), ModuleType("huggingface_hub")
    vars(timm).update(
        __version__="1.0.stand-in",
        create_model=lambda name, pretrained: Tiny(name),
        list_pretrained=lambda: hub.names,
        get_pretrained_cfg=config,
    )
    vars(huggingface_hub).update(hf_hub_download=hub.hf_hub_download, try_to_load_from_cache=hub.try_to_load_from_cache)
    return {"timm": timm, "huggingface_hub": huggingface_hub}


def forget() -> None:
    """Forget what was learnt of one timm, before another one takes its place."""
    from mien.nets.backbones import timm_models, timm_network

    for known in (timm_models.obstacle, timm_models.pretrained_names, timm_network.skeleton, timm_network.features_of):
        known.cache_clear()
