"""Taking an existing store in: what is there is kept once, what is bad names its line and stops nothing."""

from __future__ import annotations

import asyncio
import csv
import hashlib
import json
import os
import unicodedata
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from adapters.bulk_bodies import in_bulk
from gateway.domain.dossiers import ComponentFile
from gateway.domain.errors import NotFound, StoreUnavailable
from gateway.domain.model import AgencyCode, Sha256
from ops.desk import Json
from ops.intake import BATCH, Intake, Progress
from ops.intake_source import read_manifest, source_folder
from tests.component.test_ops_commands import run
from tests.support.api import Api, open_api
from tests.support.dossier_samples import part
from tests.support.exchange import OTHER_RECIPIENT, RECIPIENT, SENDER
from tests.support.paperwork import Clerk

PDF = b"%PDF-1.7 scanned "
MAX_BYTES = 10_000


@dataclass
class Store:
    """A store in a folder, its list, and the exchange it is taken into."""

    api: Api
    root: Path
    rows: list[list[str]] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)
    before_asking: Callable[[str], None] = lambda _: None

    @property
    def files(self) -> Path:
        return self.root / "files"

    def put(
        self, path: str, content: bytes = PDF, *, dossier: str = "HS-1", component: str | None = None
    ) -> Path:
        """Add a file and its row."""
        file = self.files / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        self.add(path, dossier=dossier, component=component)
        return file

    def add(self, path: str, *, dossier: str = "HS-1", component: str | None = None, name: str = "") -> None:
        """Add a row."""
        self.rows.append([dossier, "1.001193", component or path, path, name])

    async def take_in(self, *, agency: str = SENDER) -> Progress:
        """Take the store in."""
        manifest = self.root / "list.csv"
        with manifest.open("w", encoding="utf-8-sig", newline="") as file:
            csv.writer(file).writerows([["dossier", "procedure", "component", "path", "name"], *self.rows])
        bodies = self.api.world.exchange.bodies
        opened = source_folder(self.files, max_bytes=MAX_BYTES)
        with in_bulk(bodies) as bulk, opened as source:  # type: ignore[arg-type]
            show = lambda progress: self.shown.append(progress.line)  # noqa: E731
            work = Intake(self.ask, bodies, bulk, source, agency, show)  # type: ignore[arg-type]
            return await work.take_in(read_manifest(manifest))

    async def ask(self, name: str, arguments: Json) -> Json:
        """Run a command as the control socket does: everything goes through JSON."""
        self.before_asking(name)
        outcome = await run(self.api, name, **json.loads(json.dumps(arguments)))
        answer: Json = json.loads(json.dumps(outcome))
        return answer

    def kept(self) -> set[str]:
        """Return the hashes of all bodies kept, checked against their bytes; none is half received."""
        bodies = self.api.world.bodies()
        for body in bodies:
            assert hashlib.sha256(body.read_bytes()).hexdigest() == body.name
        return {body.name for body in bodies}


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    root = tmp_path / "store"
    (root / "files").mkdir(parents=True)
    async with open_api(tmp_path) as api:
        yield Store(api, root)


def faults(progress: Progress) -> list[tuple[int, str]]:
    return [(row["line"], row["fault"]) for row in progress.as_json()["bad"]]


async def test_files_become_bodies_and_components(store: Store) -> None:
    for n in range(5):
        store.put(f"tủ 1/{n}.pdf", PDF + bytes([n]), dossier=f"HS-{n % 2}", component=f"TP{n}")
    progress = await store.take_in()
    dossier = await store.api.world.exchange.dossiers.find("HS-0")
    assert (progress.kept, progress.there_already, progress.bad) == (5, 0, [])
    assert dossier is not None
    assert [(file.component, file.name, file.media_type) for file in dossier.files] == [
        (f"TP{n}", f"{n}.pdf", "application/pdf") for n in (0, 2, 4)
    ]
    assert store.kept() == {hashlib.sha256(PDF + bytes([n])).hexdigest() for n in range(5)}


async def test_second_run_leaves_everything_as_it_is(store: Store) -> None:
    for n in range(3):
        store.put(f"{n}.pdf", PDF + bytes([n]))
    await store.take_in()
    before = {body: body.stat().st_mtime_ns for body in store.api.world.bodies()}
    again = await store.take_in()
    assert (again.kept, again.there_already, again.bad) == (0, 3, [])
    assert {body: body.stat().st_mtime_ns for body in store.api.world.bodies()} == before


async def test_same_bytes_in_two_components_are_one_body(store: Store) -> None:
    store.put("a.pdf")
    store.put("b.pdf")
    assert (await store.take_in()).kept == 2
    assert len(store.kept()) == 1


async def test_more_than_a_batch_is_taken_in_and_progress_is_shown(store: Store) -> None:
    for n in range(BATCH + 1):
        store.put(f"{n}.pdf", PDF + str(n).encode())
    progress = await store.take_in()
    assert progress.kept == len(store.kept()) == store.api.world.rows("dossier_files") == BATCH + 1
    assert [line.split(" files")[0] for line in store.shown] == ["500 of 501", "501 of 501"]


@pytest.mark.parametrize(
    ("path", "fault"),
    [
        ("missing.pdf", "no such file"),
        ("missing/a.pdf", "no such file"),
        ("", "must not be empty"),
        ("/etc/hostname", "within the folder"),
        ("../secret.txt", "within the folder"),
        ("good/../../secret.txt", "within the folder"),
        ("..\\secret.txt", "within the folder"),
        ("C:\\secret.txt", "within the folder"),
        ("link.pdf", "symbolic link"),
        ("linked/secret.txt", "symbolic link"),
        ("good.pdf/x", "file"),
        ("folder", "regular file"),
        ("pipe", "regular file"),
        ("empty.pdf", "empty"),
        ("large.pdf", "larger"),
        ("a\x00b", "characters"),
    ],
)
async def test_bad_file_names_its_line_and_stops_nothing_else(store: Store, path: str, fault: str) -> None:
    (store.root / "secret.txt").write_text("secret")
    (store.files / "link.pdf").symlink_to(store.root / "secret.txt")
    (store.files / "linked").symlink_to(store.root)
    (store.files / "folder").mkdir()
    os.mkfifo(store.files / "pipe")
    (store.files / "empty.pdf").touch()
    (store.files / "large.pdf").write_bytes(bytes(MAX_BYTES + 1))
    store.put("good.pdf")
    store.add(path, component="TP-bad")
    store.put("also good.pdf", PDF + b"2")
    progress = await store.take_in()
    ((line, said),) = faults(progress)
    assert (progress.kept, line) == (2, 3)
    assert fault in said
    assert hashlib.sha256(b"secret").hexdigest() not in store.kept()


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        (["", "", "TP", "a.pdf", ""], "dossier: must not be empty"),
        (["HS", "", "", "a.pdf", ""], "component: must not be empty"),
        (["HS", "", "x" * 101, "a.pdf", ""], "component: has at most 100"),
        (["HS\u202e", "", "TP", "a.pdf", ""], "dossier: holds characters"),
        (["HS", "1\x1b[2J", "TP", "a.pdf", ""], "procedure"),
        (["HS", "", "TP", "a.pdf", "../../x.pdf"], "must not hold a path"),
        (["HS", "", "TP", "a.pdf", "x", "y"], "more fields"),
    ],
)
async def test_bad_row_names_its_line_and_stops_nothing_else(
    store: Store, row: Sequence[str], fault: str
) -> None:
    store.put("a.pdf")
    store.rows.append(list(row))
    progress = await store.take_in()
    ((line, said),) = faults(progress)
    assert (progress.kept, line) == (1, 3)
    assert fault in said


async def test_same_component_with_other_content_is_bad_within_a_run_and_between_runs(store: Store) -> None:
    file = store.put("a.pdf", component="TP1")
    store.put("b.pdf", PDF + b"other", component="TP1")
    store.put("c.pdf", PDF, component="TP1")
    first = await store.take_in()
    assert faults(first) == [(3, "component: stands on line 2 already, with other content")]
    assert (first.kept, first.there_already) == (1, 1)
    file.write_bytes(PDF + b"changed")
    second = await store.take_in()
    assert [line for line, _ in faults(second)] == [2, 3]
    assert store.kept() == {hashlib.sha256(PDF).hexdigest()}


async def test_dossier_of_others_takes_nothing_in(store: Store) -> None:
    await Clerk(store.api.world).send(dossier=part(code="HS-foreign"))
    store.put("a.pdf", dossier="HS-foreign")
    store.put("b.pdf", PDF + b"2", dossier="HS-own")
    refused = await store.take_in(agency=OTHER_RECIPIENT)
    assert faults(refused) == [(2, f"dossier: is not one of {OTHER_RECIPIENT}")]
    assert refused.kept == 1
    store.rows.pop()
    assert (await store.take_in(agency=RECIPIENT)).kept == 1


async def test_row_repeated_in_a_dossier_of_others_is_as_bad_as_the_first(store: Store) -> None:
    await Clerk(store.api.world).send(dossier=part(code="HS-foreign"))
    store.put("a.pdf", dossier="HS-foreign", component="TP1")
    store.put("b.pdf", dossier="HS-foreign", component="TP1")
    for n in range(BATCH):
        store.put(f"own/{n}.pdf", PDF + str(n).encode(), dossier="HS-own")
    store.put("c.pdf", dossier="HS-foreign", component="TP1")
    refused = await store.take_in(agency=OTHER_RECIPIENT)
    fault = f"dossier: is not one of {OTHER_RECIPIENT}"
    assert faults(refused) == [(2, fault), (3, fault), (BATCH + 4, fault)]
    assert (refused.kept, refused.there_already) == (BATCH, 0)


async def test_component_taken_in_meanwhile_with_other_content_is_bad_in_every_row(store: Store) -> None:
    store.put("a.pdf", component="TP1")
    store.put("b.pdf", component="TP1")
    dossiers = store.api.world.exchange.dossiers
    other = ComponentFile("HS-1", "TP1", "x.pdf", "application/pdf", 1, Sha256("b" * 64))

    async def ask(name: str, arguments: Json) -> Json:
        if name == "dossiers take-in":
            await dossiers.take_in([other], agency=AgencyCode(SENDER), at=store.api.world.clock())
        return await Store.ask(store, name, arguments)

    store.ask = ask  # type: ignore[method-assign]
    refused = await store.take_in()
    assert [line for line, _ in faults(refused)] == [2, 3]
    assert (refused.kept, refused.there_already) == (0, 0)


async def test_unknown_agency_takes_nothing_in(store: Store) -> None:
    store.put("a.pdf")
    with pytest.raises(NotFound):
        await store.take_in(agency="nobody")
    assert store.kept() == set()


async def test_run_that_is_cut_short_goes_on_where_it_was(store: Store) -> None:
    for n in range(BATCH + 100):
        store.put(f"{n}.pdf", PDF + str(n).encode())
    asked: list[str] = []

    def cut(name: str) -> None:
        asked.append(name)
        if asked.count("dossiers take-in") == 2:
            raise asyncio.CancelledError

    store.before_asking = cut
    with pytest.raises(asyncio.CancelledError):
        await store.take_in()
    assert store.api.world.rows("dossier_files") == BATCH
    store.before_asking = lambda _: None
    again = await store.take_in()
    assert (again.kept, again.there_already, again.bad) == (100, BATCH, [])
    assert len(store.kept()) == BATCH + 100


async def test_no_row_is_kept_before_its_body(store: Store) -> None:
    store.put("a.pdf")
    seen: list[set[str]] = []
    store.before_asking = lambda name: seen.append(store.kept() if name == "dossiers take-in" else set())
    await store.take_in()
    assert seen[-1] == {hashlib.sha256(PDF).hexdigest()}


async def test_full_disk_ends_the_run(tmp_path: Path) -> None:
    root = tmp_path / "store"
    (root / "files").mkdir(parents=True)
    async with open_api(tmp_path, free_floor_bytes=1 << 60) as api:
        store = Store(api, root)
        store.put("a.pdf")
        with pytest.raises(StoreUnavailable):
            await store.take_in()
        assert api.world.rows("dossier_files") == 0


async def test_content_that_is_not_what_its_name_says_is_kept_as_mere_bytes(store: Store) -> None:
    store.put("a.pdf", b"<html>")
    store.put("b.dwg", b"AC1032")
    await store.take_in()
    dossier = await store.api.world.exchange.dossiers.find("HS-1")
    assert dossier is not None
    assert {file.media_type for file in dossier.files} == {"application/octet-stream"}


async def test_name_in_other_letters_of_the_same_word_finds_its_file(store: Store) -> None:
    store.put("Đơn đề nghị.pdf")
    store.rows[-1][3] = unicodedata.normalize("NFD", store.rows[-1][3])
    assert (await store.take_in()).kept == 1


async def test_list_made_on_windows_finds_its_files(store: Store) -> None:
    store.put("tu 1/a.pdf")
    store.rows[-1][3] = "tu 1\\a.pdf"
    assert (await store.take_in()).kept == 1


def test_list_without_its_columns_is_refused(tmp_path: Path) -> None:
    for content in ("", "dossier,component\n", "path,path,dossier,component\n", '"dossier\n'):
        manifest = tmp_path / "list.csv"
        manifest.write_text(content)
        with pytest.raises(ValueError, match="first line"):
            read_manifest(manifest)


def test_list_may_have_other_columns_and_a_quote_nobody_closed(tmp_path: Path) -> None:
    manifest = tmp_path / "list.csv"
    manifest.write_text('shelf,path,component,dossier\n1,a.pdf,TP1,HS\n2,"b.pdf,TP2,HS\n3,c.pdf,TP3,HS\n')
    found = read_manifest(manifest)
    assert [row.component for row in found.rows] == ["TP1", "TP3"]
    assert [row.line for row in found.bad] == [3]
