"""Data sets, loaders and transforms. Needs numpy only.

    train, test = MNIST(train=True), MNIST(train=False)     # or load("auto"), SyntheticDigits(), ...
    for images, labels in DataLoader(train, batch_size=64, shuffle=True, seed=0): ...

``FASTNANO_DATA`` names a folder of data sets, ``FASTNANO_CACHE`` the one for downloads and unpacked copies;
``FASTNANO_OFFLINE=1`` never touches the network.
"""

from .cache import cache_folder
from .catalog import DATASETS, Check, fetch, find, import_files, load, verify, where
from .dataset import Dataset, Subset, TensorDataset, random_split
from .distortions import Cutout, ElasticTransform, GaussianNoise, RandomErasing
from .idx import map_idx, read_idx, write_idx
from .images import DatasetNotFoundError, ImageDataset, Place
from .loader import DataLoader
from .mixing import CutMix, MixUp
from .mnist import KMNIST, MNIST, FashionMNIST
from .synthetic import SyntheticDigits
from .transforms import (
    Compose,
    Normalize,
    RandomHorizontalFlip,
    RandomRotation,
    RandomShift,
    ToFloat,
    Transform,
)

__all__ = [
    "DATASETS",
    "KMNIST",
    "MNIST",
    "Check",
    "Compose",
    "CutMix",
    "Cutout",
    "DataLoader",
    "Dataset",
    "DatasetNotFoundError",
    "ElasticTransform",
    "FashionMNIST",
    "GaussianNoise",
    "ImageDataset",
    "MixUp",
    "Normalize",
    "Place",
    "RandomErasing",
    "RandomHorizontalFlip",
    "RandomRotation",
    "RandomShift",
    "Subset",
    "SyntheticDigits",
    "TensorDataset",
    "ToFloat",
    "Transform",
    "cache_folder",
    "fetch",
    "find",
    "import_files",
    "load",
    "map_idx",
    "random_split",
    "read_idx",
    "verify",
    "where",
    "write_idx",
]
