"""Packaging of recbole_showcase.

``properties`` and ``dataset_atomic`` stand beside the package in the checkout, where RecBole's
users look for them, and are installed inside it as package data.
"""

from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).parent

# RecBole 1.2 pins ray <= 2.6.3, which needs pkg_resources (gone in setuptools 81) and whose wheels
# end at Python 3.11. So RecBole is a requirement up to there. On a newer Python it is installed by
# a command of its own, `pip install --no-deps recbole`, and here stands what it needs beside ray.
PINNED_BY_RECBOLE = ["recbole>=1.2.1,<1.3", "setuptools>=71,<81"]
NEEDED_BY_RECBOLE = [
    "setuptools>=71",  # thop imports distutils
    "colorama>=0.4.4",
    "colorlog>=4.7.2",
    "plotly>=4.0",
    "psutil>=5.9",
    "tabulate>=0.8.10",
    "tensorboard>=2.5",
    "texttable>=0.9",
    "thop>=0.1.1.post2207130030",
]

# RecBole is made to run on pandas 3, which is not among what the whole suite has run with.
# The floors are the lowest versions that install together; docs/versions.md tells the reasons.
REQUIREMENTS = [
    *(f"{line}; python_version < '3.12'" for line in PINNED_BY_RECBOLE),
    *(f"{line}; python_version >= '3.12'" for line in NEEDED_BY_RECBOLE),
    "numpy>=2.0",
    "scipy>=1.13.1",
    "pandas>=2.2.2,<3",
    "torch>=2.6",
    "torchvision>=0.21",
    "transformers>=5.16",
    "tokenizers>=0.23.1",
    "open_clip_torch>=3.3",
    "safetensors>=0.8",
    "scikit-learn>=1.4.2",
    "pydantic>=2.7",
    "pyyaml>=6.0",
    "wrapt>=1.16",
    "duckdb>=2.0",
    "isal>=1.7",
    "filelock>=3.20.1",  # older ones follow a link to a file that they then empty
    "pyarrow>=16.0",
    "pillow>=10.1",
    "simplejpeg>=1.8",
    "jinja2>=3.1",
    "typer>=0.24",
    "rich>=13.0",
    "tqdm>=4.66",
    "regex>=2025.10.22",
    "sacrebleu>=2.4",
    "rouge-score>=0.1.2",
    "nltk>=3.9.1",
    "rapidfuzz>=3.0",
    "vaderSentiment>=3.3.2",
    "textblob>=0.18",
]


# Each for what its error message names.
EXTRAS = {
    "peft": ["peft>=0.21"],  # LoRA adapters of language models
    "spacy": ["spacy>=3.7"],  # noun chunks as entities, with a pipeline of one's own choice
    "plot": ["matplotlib>=3.8"],  # the trade-off plot of a benchmark
    "ncl": ["faiss-cpu>=1.15"],  # what RecBole's NCL clusters with
    "tune": ["hyperopt>=0.2.7"],  # what RecBole's HyperTuning imports
    # Searches by ray, and clusters; on Python 3.11 RecBole requires it anyway.
    "ray": ["ray[tune]>=2.60; python_version >= '3.12'", "ray<=2.6.3; python_version < '3.12'"],
    "wandb": ["wandb>=0.31"],  # RecBole's `log_wandb`
    "gguf": ["gguf>=0.10"],  # language models in a .gguf file, to write or to judge with
    "judge": ["httpx2>=2.0", "gguf>=0.10"],  # language models, by HTTP or in a .gguf file
    # The site of docs/, in which notebooks stand as they were executed.
    "docs": [
        "mkdocs>=1.6.1,<2",
        "mkdocs-material>=9.8",
        "mkdocstrings[python]>=1.0",
        "nbconvert>=7.17",
    ],
    "energy": ["codecarbon>=3.0.4"],  # the energy of a benchmark's runs
    "tutorials": ["nbclient>=0.11", "ipykernel>=7.4", "pytest>=8.0"],  # what executes them
    "serve": ["fastapi>=0.165", "uvicorn>=0.54", "prometheus-client>=0.26"],  # models behind HTTP
    "photos": ["httpx2>=2.0"],  # photos that a data set knows by URL
}
TEST_REQUIREMENTS = [
    *EXTRAS["serve"],
    *EXTRAS["peft"],
    *EXTRAS["plot"],
    *EXTRAS["tune"],
    *EXTRAS["ray"],
    *EXTRAS["photos"],  # starlette's test client sends by it as well
    *EXTRAS["judge"],
    "pytest>=8.0",
    "pytest-xdist>=3.5",
    "hypothesis>=6.100",
    "selenium>=4.20",  # the page in a browser, where there is a Chromium
    # A copy of axe-core 4.12, which looks for what keeps people out; Playwright is not used.
    "axe-playwright-python>=0.1.8",
    "ruff>=0.6",
    "mypy>=1.11",
    "types-PyYAML>=6.0.12",
    "pandas-stubs>=2.2",
]


# Folders of package data that stand beside the package in the checkout, and their place inside.
DATA_PACKAGES = {
    "recbole_showcase.properties": "properties",
    "recbole_showcase.dataset_atomic": "dataset_atomic",
}

setup(
    name="recbole_showcase",
    version="0.1.0",
    description="Personalized showcases for RecBole: selected photos and a text that say why",
    long_description=(ROOT / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="MIT",
    python_requires=">=3.11,<3.15",
    classifiers=[
        "Programming Language :: Python :: 3 :: Only",
        *(f"Programming Language :: Python :: 3.{minor}" for minor in range(11, 15)),
    ],
    packages=[*find_packages(include=["recbole_showcase*"]), *DATA_PACKAGES],
    package_dir=DATA_PACKAGES,
    package_data={
        "recbole_showcase": [
            "py.typed",
            "encoders/weights/**/*",
            "gallery/templates/*",
            "judging/prompts/*",
            "judging/templates/*",
            "serving/templates/*",
            "serving/static/*",
        ],
        **{key: ["**/*"] for key in DATA_PACKAGES},
    },
    install_requires=REQUIREMENTS,
    extras_require={**EXTRAS, "test": TEST_REQUIREMENTS},
    entry_points={"console_scripts": ["recbole-showcase=recbole_showcase.cli:main"]},
)
