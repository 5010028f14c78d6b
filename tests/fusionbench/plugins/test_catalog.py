"""Names, globs, comma lists, user code and folders as methods."""

from __future__ import annotations

from pathlib import Path

import pytest

from fusionbench.contracts.method import MethodSpec
from fusionbench.errors import FusionBenchError, InputError, UnknownNameError
from fusionbench.planning.config import RunConfig
from fusionbench.planning.plan import make_plan
from fusionbench.planning.selection import resolve_methods
from fusionbench.plugins import catalog

ADAPTER = """
class Mean:
    def __init__(self, spec, context):
        self.context = context
    def load(self, device, precision):
        pass
    def fuse(self, infrared, visible):
        return (infrared + visible) / 2
"""


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [("sgdfus", "sgdfuse"), ("laplacain", "laplacian"), ("Guided_Filter", "guided-filter"), ("MAX", "max")],
)
def test_misspelt_methods_get_a_suggestion(wrong: str, meant: str) -> None:
    with pytest.raises(UnknownNameError, match=f"called '{wrong}'.*'{meant}'.*fusionbench list methods"):
        catalog.methods.get(wrong)


def test_far_off_names_get_no_suggestion() -> None:
    with pytest.raises(UnknownNameError) as raised:
        catalog.datasets.get("zzzzzzzz")
    assert "did you mean" not in str(raised.value)
    assert "fusionbench list datasets" in str(raised.value)


def test_globs_and_all() -> None:
    assert [m.name for m in catalog.methods.match("la*")] == ["laplacian"]
    assert len(catalog.methods.match("all")) == len(catalog.methods.all())
    with pytest.raises(UnknownNameError, match=r"no method matches 'zz\*'"):
        catalog.methods.match("zz*")


def test_comma_lists_keep_order_and_drop_doubles() -> None:
    assert catalog.split_names(["b,a", "a, c,,", "b"]) == ["b", "a", "c"]


def test_every_factory_resolves() -> None:
    for table in (catalog.methods, catalog.datasets, catalog.evaluators, catalog.reports):
        for spec in table.all().values():
            if getattr(spec, "external", None) is None:  # those run a command instead
                assert callable(catalog.build(spec.factory)), spec.name


def test_build_names_what_is_missing() -> None:
    with pytest.raises(InputError, match="no module 'nowhere_at_all'"):
        catalog.build("nowhere_at_all:x")
    with pytest.raises(InputError, match=r"fusionbench.errors has no 'nothing'"):
        catalog.build("fusionbench.errors:nothing")
    with pytest.raises(InputError, match=r"form 'package.module:name'"):
        catalog.build("fusionbench.errors")


def test_two_plugins_of_one_name_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    class Entry:
        def __init__(self, name: str) -> None:
            self.name, self.value = name, f"package.{name}"

        def load(self) -> MethodSpec:
            return MethodSpec(name="twin", title=self.name)

    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: [Entry("one"), Entry("two")])
    with pytest.raises(FusionBenchError, match=r"two installed methods are called 'twin'.*package\.two"):
        catalog.Catalog("method", MethodSpec).all()


# User code


def one(text: str) -> tuple[MethodSpec, str]:
    (method,) = resolve_methods(text, RunConfig(method=[text]))
    return method.spec, method.fingerprint


def test_user_code_runs_and_edits_change_the_key(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(ADAPTER)
    config = RunConfig(method=[f"{file}:Mean"], task=[], limit=2)
    before = make_plan(config).groups[0].fuse
    assert before.method == "mean"
    assert make_plan(config).groups[0].fuse == before
    file.write_text(ADAPTER.replace("/ 2", "* 0.5"))
    assert make_plan(config).groups[0].fuse.key != before.key


def test_user_code_may_carry_its_own_spec(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(
        "from fusionbench.contracts import MethodSpec\n"
        + ADAPTER.replace(
            "class Mean:", "class Mean:\n    spec = MethodSpec(name='my-mean', title='My mean')"
        )
    )
    spec, _ = one(f"{file}:Mean")
    assert spec.name == "my-mean"


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        (None, "Mean", "there is no file"),
        (ADAPTER, "Median", "has no class 'Median'"),
        (
            "import a_package_nobody_has\n",
            "Mean",
            "can't be imported: ModuleNotFoundError.*a_package_nobody_has",
        ),
        ("def broken(:\n", "Mean", "can't be imported: SyntaxError"),
        ("1 / 0\n", "Mean", "can't be imported: ZeroDivisionError"),
    ],
)
def test_user_code_that_cannot_be_used(tmp_path: Path, content: str | None, name: str, message: str) -> None:
    file = tmp_path / "mine.py"
    if content is not None:
        file.write_text(content)
    with pytest.raises(InputError, match=message) as raised:
        one(f"{file}:{name}")
    assert str(file) in str(raised.value)


# Folders of fused images


def test_folder_as_method(pairs: Path) -> None:
    assert one(f"dir:{pairs / 'vi'}")[0].name == "vi"
    assert one(f"dir:{pairs / 'vi'}:Their method")[0].name == "Their-method"
    assert one(f"dir:{pairs / 'vi'}:Their method")[0].title == "Their method"
    with pytest.raises(InputError, match="there is no folder"):
        one(f"dir:{pairs / 'nowhere'}:label")


def test_two_folders_of_one_name_need_labels(pairs: Path, tmp_path: Path) -> None:
    other = tmp_path / "other" / "vi"
    other.mkdir(parents=True)
    texts = [f"dir:{pairs / 'vi'}", f"dir:{other}"]
    with pytest.raises(InputError, match="another method of this run is called 'vi' too; give it a label"):
        make_plan(RunConfig(method=texts, task=[]))


def test_every_import_string_of_every_spec_resolves() -> None:
    fields = ("factory", "trainer", "ablation")
    for kind in (catalog.methods, catalog.datasets, catalog.evaluators, catalog.reports):
        for spec in kind.all().values():
            for text in filter(None, (getattr(spec, field, "") for field in fields)):
                assert callable(catalog.build(text)), text
