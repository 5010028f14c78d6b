"""Kinds of damage to a run folder: what crashes, disks, people and other programs do to files.

A kind is a name and a function that damages a run folder. All are deterministic but for the random generator
that they get.
"""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

Damage = Callable[[Path, random.Random], None]

TARGETS = {
    "run.json": "run.json",
    "fuse manifest": "units/fuse--max--*.json",
    "score manifest": "units/quality--max--*.json",
    "set manifest": "units/segmentation--max--*.json",
    "rows": "rows/quality--max--*.parquet",
    "set rows": "rows/segmentation--max--*.parquet",
    "image": "fused/max/folder/all/a.png",
    "fuse journal": "journal/fuse--average--*.jsonl",
    "score journal": "journal/quality--average--*.jsonl",
    "details": "details/segmentation--max--*/about.json",
    "lock": ".lock",
}
FOLDERS = ("units", "rows", "fused", "journal", "details", "fused/max", "fused/max/folder/all")


def find(folder: Path, pattern: str) -> Path:
    """The one file of a pattern."""
    (path,) = folder.glob(pattern)
    return path


# What happens to any file


def _deleted(path: Path, _: random.Random) -> None:
    path.unlink()


def _emptied(path: Path, _: random.Random) -> None:
    path.write_bytes(b"")


def _truncated(path: Path, moment: random.Random) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: moment.randrange(max(1, len(data)))])


def _garbage(path: Path, moment: random.Random) -> None:
    path.write_bytes(moment.randbytes(300))


def _zeros(path: Path, _: random.Random) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def _bit_flipped(path: Path, moment: random.Random) -> None:
    data = bytearray(path.read_bytes())
    if data:
        data[moment.randrange(len(data))] ^= 1 << moment.randrange(8)
    path.write_bytes(data)


def _grown(path: Path, moment: random.Random) -> None:
    path.write_bytes(path.read_bytes() + moment.randbytes(64))


def _folder(path: Path, _: random.Random) -> None:
    path.unlink()
    path.mkdir()


def _dangling(path: Path, _: random.Random) -> None:
    path.unlink()
    path.symlink_to(path.parent / "nowhere")


def _unreadable(path: Path, _: random.Random) -> None:
    """A link to itself: nobody can open it, not even root."""
    path.unlink()
    path.symlink_to(path.name)


FILE_DAMAGE: dict[str, Callable[[Path, random.Random], None]] = {
    "deleted": _deleted,
    "emptied": _emptied,
    "truncated": _truncated,
    "garbage": _garbage,
    "zeros": _zeros,
    "bit flipped": _bit_flipped,
    "grown": _grown,
    "a folder": _folder,
    "dangling link": _dangling,
    "unreadable": _unreadable,
}


def _of_file(pattern: str, action: Callable[[Path, random.Random], None]) -> Damage:
    return lambda folder, moment: action(find(folder, pattern), moment)


# JSON of other shapes

JSON_TARGETS = ("run.json", "fuse manifest", "score manifest", "set manifest", "details")
JSON_TEXTS = {
    "a list": "[]",
    "null": "null",
    "a number": "3",
    "a text": '"x"',
    "an empty object": "{}",
    "deep nesting": "[" * 100_000,
    "a huge number": "9" * 5_000,
    "UTF-16": "\ufeff{}".encode("utf-16").decode("latin-1"),
    "not a number": '{"schema_version": NaN}',
}
WRONG_VALUES: tuple[Any, ...] = (None, 7, "x", [], {}, ["x"], {"x": 1})
FIELDS = {
    "run.json": ("schema_version", "methods", "datasets", "invocations", "name"),
    "fuse manifest": (
        "schema_version",
        "evaluator",
        "method",
        "key",
        "seed",
        "images",
        "failures",
        "settings",
        "provenance",
    ),
    "score manifest": ("convention", "images", "rows_sha256", "fuse", "split"),
    "set manifest": ("scored", "images", "dataset"),
    "details": ("protocol", "images"),
}


def _text(pattern: str, text: str) -> Damage:
    return lambda folder, _: (find(folder, pattern).write_text(text, encoding="latin-1"), None)[1]


def _field(pattern: str, name: str) -> Damage:
    """A field of another type, or missing."""

    def damage(folder: Path, moment: random.Random) -> None:
        path = find(folder, pattern)
        content = json.loads(path.read_text())
        choice = moment.randrange(len(WRONG_VALUES) + 1)
        if choice == len(WRONG_VALUES):
            content.pop(name, None)
        else:
            content[name] = WRONG_VALUES[choice]
        path.write_text(json.dumps(content))

    return damage


def _future(pattern: str) -> Damage:
    def damage(folder: Path, _: random.Random) -> None:
        path = find(folder, pattern)
        path.write_text(json.dumps({**json.loads(path.read_text()), "schema_version": 99}))

    return damage


def _deep(name: str) -> Damage:
    """Something wrong deep inside run.json."""

    def damage(folder: Path, moment: random.Random) -> None:
        path = folder / "run.json"
        content = json.loads(path.read_text())
        wrong = moment.choice(WRONG_VALUES)
        if name == "a method's spec":
            content["methods"]["max"] = wrong
        elif name == "a method's title":
            content["methods"]["max"]["title"] = 7
        elif name == "a method's settings":
            content["methods"]["max"]["settings"] = wrong
        elif name == "a dataset's size":
            content["datasets"]["folder"]["size"] = "large"
        elif name == "an invocation":
            content["invocations"][-1] = wrong
        elif name == "a configuration":
            content["invocations"][-1]["config"] = wrong
        elif name == "the roots":
            content["invocations"][-1]["config"]["data_root"] = wrong
        path.write_text(json.dumps(content))

    return damage


DEEP = (
    "a method's spec",
    "a method's title",
    "a method's settings",
    "a dataset's size",
    "an invocation",
    "a configuration",
    "the roots",
)


# Parquet of other content


def _table(change: Callable[[pa.Table], pa.Table], pattern: str = TARGETS["rows"]) -> Damage:
    def damage(folder: Path, _: random.Random) -> None:
        path = find(folder, pattern)
        pq.write_table(change(pq.read_table(path)), path)

    return damage


def _with(name: str, value: Any) -> Callable[[pa.Table], pa.Table]:
    def change(table: pa.Table) -> pa.Table:
        column = pa.array([value] * table.num_rows)
        return table.set_column(table.schema.get_field_index(name), name, column)

    return change


PARQUET = {
    "other columns": lambda t: pa.table({"x": [1, 2]}),
    "a column missing": lambda t: t.drop_columns(["value"]),
    "a column more": lambda t: t.append_column("x", pa.array([1] * t.num_rows)),
    "values as texts": _with("value", "high"),
    "changed values": _with("value", 1.0),
    "empty values": _with("value", None),
    "another method": _with("method", "average"),
    "another dataset": _with("dataset", "demo"),
    "another image": _with("image", "zz"),
    "another digest": _with("digest", "0"),
    "another seed": _with("seed", 5),
    "no image": _with("image", None),
    "nested values": _with("value", [1.0]),
    "half of the rows": lambda t: t.slice(0, t.num_rows // 2),
    "no rows": lambda t: t.slice(0, 0),
    "rows twice": lambda t: pa.concat_tables([t, t]),
}


# Whole folders, and files in each other's places


def _swapped(pattern: str, other: str) -> Damage:
    def damage(folder: Path, _: random.Random) -> None:
        a, b = find(folder, pattern), find(folder, other)
        a_data, b_data = a.read_bytes(), b.read_bytes()
        a.write_bytes(b_data)
        b.write_bytes(a_data)

    return damage


def _copied(pattern: str, other: str) -> Damage:
    return lambda folder, _: (shutil.copy(find(folder, pattern), find(folder, other)), None)[1]


def _folder_gone(name: str) -> Damage:
    return lambda folder, _: shutil.rmtree(folder / name)


def _folder_is_file(name: str) -> Damage:
    def damage(folder: Path, _: random.Random) -> None:
        shutil.rmtree(folder / name)
        (folder / name).write_text("x")

    return damage


def _stranger(place: str) -> Damage:
    return lambda folder, _: ((folder / place).write_bytes(b"x"), None)[1]


def _journal_line(line: str) -> Damage:
    def damage(folder: Path, _: random.Random) -> None:
        with find(folder, TARGETS["score journal"]).open("a") as file:
            file.write(line + "\n")

    return damage


LINES = {
    "not JSON": "not json",
    "a number": "3",
    "wrong types": "[1, 2, 3]",
    "an object": '{"image": 1}',
    "a torn line": '["b","di',
    "a value too many": '["b","d",[["EN",null,"",1.0,"",7]]]',
    "a text value": '["b","d",[["EN",null,"","high",""]]]',
    "facts": '{"provenance": 3}',
    "deep nesting": "[" * 50_000,
}
OTHER = {
    "fuse manifest": "units/fuse--average--*.json",
    "score manifest": "units/quality--average--*.json",
    "rows": "rows/quality--average--*.parquet",
    "image": "fused/average/folder/all/a.png",
}


def kinds() -> Iterator[tuple[str, Damage]]:
    """All kinds of damage, by name."""
    for target, pattern in TARGETS.items():
        for name, action in FILE_DAMAGE.items():
            yield f"{target}: {name}", _of_file(pattern, action)
    for target in JSON_TARGETS:
        for name, text in JSON_TEXTS.items():
            yield f"{target}: {name}", _text(TARGETS[target], text)
        yield f"{target}: a later schema", _future(TARGETS[target])
        for field in FIELDS[target]:
            yield f"{target}: wrong {field}", _field(TARGETS[target], field)
    for name in DEEP:
        yield f"run.json: wrong {name}", _deep(name)
    for name, change in PARQUET.items():
        yield f"rows: {name}", _table(change)
    for target, other in OTHER.items():
        yield f"{target}: swapped", _swapped(TARGETS[target], other)
        yield f"{target}: another's", _copied(other, TARGETS[target])
    for name in FOLDERS:
        yield f"{name}/: deleted", _folder_gone(name)
        yield f"{name}/: a file", _folder_is_file(name)
    for place in (
        "units/mine.json",
        "rows/mine.parquet",
        "journal/mine.jsonl",
        "fused/max/folder/all/mine.png",
    ):
        yield f"{place}: a stranger", _stranger(place)
    for name, line in LINES.items():
        yield f"journal line: {name}", _journal_line(line)
