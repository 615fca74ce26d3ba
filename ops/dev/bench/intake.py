"""How fast an existing store is taken in, next to a plain copy of the same files in the same run."""

from __future__ import annotations

import asyncio
import csv
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import click
import msgspec

from ops.dev.bench.figures import load_average
from ops.dev.bench.site import BenchFailed, clean_environment, command

_AGENCY = "H26"
_FILES_PER_DOSSIER = 8
_FILES_PER_FOLDER = 200


class IntakeFigures(msgspec.Struct, frozen=True):
    """One run. Rates are of the whole command, its start included; both copies end on the disk."""

    files: int
    bytes: int
    seconds: float
    files_per_second: float
    mb_per_second: float
    again_seconds: float
    """The same command once more, when everything is there."""
    copy_seconds: float
    """A plain copy of the same files, then sync."""
    ratio_to_copy: float
    """Files per second taken in, of those copied."""
    cores: int
    load_before: float

    def table(self) -> str:
        """Return the figures for reading, with what is asked of them."""
        return (
            f"taken in        {self.files_per_second:8.0f} files/s  {self.mb_per_second:.0f} MB/s; "
            f"wanted: 500 files/s\n"
            f"once more       {self.again_seconds:8.2f} s        all {self.files} there already\n"
            f"plain copy      {self.copy_seconds:8.2f} s        "
            f"the intake reaches {self.ratio_to_copy:.2f} of its rate\n"
            f"machine         {self.cores:8} cores    load average {self.load_before:.2f} before"
        )


@click.command()
@click.option("--files", type=click.IntRange(1), default=10_000, show_default=True)
@click.option("--size-kb", type=click.IntRange(1), default=50, show_default=True, help="Of each file.")
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write the figures to this file.")
def intake(files: int, size_kb: int, json_path: Path | None) -> None:
    """Take a store of scanned files in, with its CSV list, as `lienthong dossiers import` does."""
    with tempfile.TemporaryDirectory(prefix="lienthong-bench-") as folder:
        figures = asyncio.run(_measure(Path(folder), files=files, size_bytes=size_kb * 1000))
    print(figures.table())
    if json_path is not None:
        json_path.write_bytes(msgspec.json.format(msgspec.json.encode(figures)) + b"\n")


@dataclass(frozen=True, slots=True)
class _Store:
    folder: Path
    manifest: Path


async def _measure(folder: Path, *, files: int, size_bytes: int) -> IntakeFigures:
    before = load_average()
    store = await asyncio.to_thread(_make_store, folder, files, size_bytes)
    environment = {**clean_environment(), "LIENTHONG_DATA_DIR": str(folder / "site")}
    await _prepare_site(folder, environment)
    seconds = await _import(store, environment, expected={"kept": files, "there_already": 0})
    again_seconds = await _import(store, environment, expected={"kept": 0, "there_already": files})
    copy_seconds = await asyncio.to_thread(_copy, store.folder, folder / "copy")
    return IntakeFigures(
        files=files,
        bytes=files * size_bytes,
        seconds=round(seconds, 2),
        files_per_second=round(files / seconds, 1),
        mb_per_second=round(files * size_bytes / seconds / 1e6, 1),
        again_seconds=round(again_seconds, 2),
        copy_seconds=round(copy_seconds, 2),
        ratio_to_copy=round(copy_seconds / seconds, 3),
        cores=os.cpu_count() or 1,
        load_before=before,
    )


def _make_store(folder: Path, files: int, size_bytes: int) -> _Store:
    store = _Store(folder / "store", folder / "store.csv")
    with store.manifest.open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.writer(file)
        writer.writerow(["dossier", "procedure", "component", "path", "name"])
        for n in range(files):
            path = Path(f"{n // _FILES_PER_FOLDER:04}", f"{n:06}.pdf")
            (store.folder / path.parent).mkdir(parents=True, exist_ok=True)
            (store.folder / path).write_bytes(b"%PDF-1.7\n".ljust(16) + os.urandom(size_bytes - 16))
            dossier, component = f"H26-2024-{n // _FILES_PER_DOSSIER:06}", f"TP{n % _FILES_PER_DOSSIER}"
            writer.writerow([dossier, "1.001193", component, path, f"Giấy tờ {n}.pdf"])
    os.sync()
    return store


async def _prepare_site(folder: Path, environment: dict[str, str]) -> None:
    directory = folder / "agencies.csv"
    directory.write_text(f"code,name,level\n{_AGENCY},Ủy ban nhân dân thành phố,1\n", encoding="utf-8")
    await command("-m", "ops.cli", "init", environment=environment)
    await command("-m", "ops.cli", "agencies", "import", str(directory), environment=environment)


async def _import(store: _Store, environment: dict[str, str], *, expected: dict[str, int]) -> float:
    """Return how many seconds the command took.

    Raises:
        BenchFailed: It did not do what it should.
    """
    words = ("dossiers", "import", str(store.manifest), "--folder", str(store.folder))
    began = monotonic()
    printed = await command("-m", "ops.cli", *words, "--agency", _AGENCY, "--json", environment=environment)
    seconds = monotonic() - began
    outcome = msgspec.json.decode(printed)
    if any(outcome[name] != count for name, count in expected.items()):
        raise BenchFailed(f"the intake said {outcome}, not {expected}")
    return seconds


def _copy(source: Path, target: Path) -> float:
    began = monotonic()
    shutil.copytree(source, target)
    os.sync()
    return monotonic() - began
