"""IFCNN as data: one method a fusion rule."""

from fusionbench.contracts.method import MethodSpec

from ..porting.sources import FACTORY, NO_LICENCE, official_file

_REPOSITORY = "uzeful/IFCNN"
_COMMIT = "8fe59c2b1553e52acc793986208ca479d134a8da"
_RULES = {
    "max": (
        337_094,
        "93c6324ba2c63ffc01561d7311aef52578b1e3ef",
        "6022b44c88a2f0367ba9b08fcdf0d663745d9a966fca0ee1f41867797b6ff53f",
        "6821bfa605ece8c3741e4867b24ecae6049e66f1ebed4008cee57e685eb8b465",
    ),
    "sum": (
        337_107,
        "5030034a0b656abba7b030b24b2c5f82e6c15f50",
        "a8c1d293f1bf16a93e6244a4bf8f7a7bd300dc10555c8597ad7ef3320b0410cb",
        "2bdfc9878072c45346a08c1a052b28be846d04b47e2971ad21519501070441fd",
    ),
    "mean": (
        337_079,
        "7ccaeab58a13c483b881a7a54f68951a3fb89542",
        "fd2ee9361f1d428fc9749e28e8a2c5c5ef6ce6528ab6f5ad8ef5def42e7ffa4b",
        "24557e38357b90f63f34fefc629fa367fd71654c9a4242fd1105a672d82bef4b",
    ),
}


def _spec(rule: str) -> MethodSpec:
    size, git_blob, sha256, converted = _RULES[rule]
    return MethodSpec(
        name="ifcnn" if rule == "max" else f"ifcnn-{rule}",
        title="IFCNN" if rule == "max" else f"IFCNN ({rule})",
        summary=f"ImageNet features, merged by their {rule}, decoded to colour.",
        paper="Zhang, Liu, Sun, Yan, Zhao, Zhang: IFCNN: A general image fusion framework based on CNN",
        year=2020,
        venue="Information Fusion 54",
        code_url=f"https://github.com/{_REPOSITORY}",
        commit=_COMMIT,
        licence=NO_LICENCE,
        artifacts=(
            official_file(
                f"ifcnn-{rule}",
                _REPOSITORY,
                _COMMIT,
                f"Code/snapshots/IFCNN-{rule.upper()}.pth",
                sha256=sha256,
                git_blob=git_blob,
                size=size,
                converted={f"weights_{rule}.safetensors": converted},
            ),
        ),
        trained_on=("ifcnn-multifocus",),
        input="rgb",
        output="rgb",
        rounding="truncate",
        status="verified",
        note=(
            "With ImageNet's normalisation, which alone reproduces the published images; the main script has"
            " 0 and 1."
        ),
        options={"network": "fusionbench.methods.ifcnn.network:IFCNN", "arguments": {"merge": rule}},
        factory=FACTORY,
    )


SPECS = [_spec(rule) for rule in _RULES]
