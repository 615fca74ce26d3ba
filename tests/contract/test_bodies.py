"""The port `Bodies`, over a folder."""

from __future__ import annotations

import asyncio
import hashlib
import os
import resource
import stat
from collections.abc import Collection, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from adapters.bodies import FolderBodies, open_bodies
from gateway.domain.errors import MalformedDocument, StoreUnavailable
from gateway.domain.model import Sha256

CONTENT = "Quyết định về việc ban hành quy chế".encode()
SHA256 = Sha256(hashlib.sha256(CONTENT).hexdigest())
NOW = datetime.now(UTC)  # files carry the machine's time
LATER = NOW + timedelta(hours=2)


@pytest.fixture
async def bodies(tmp_path: Path) -> FolderBodies:
    return await open_bodies(tmp_path, free_floor_bytes=0, now=NOW)


async def keep(bodies: FolderBodies, *contents: bytes) -> None:
    async with bodies.receiving() as first, bodies.receiving() as second:
        drafts = [first, second][: len(contents)]
        for draft, content in zip(drafts, contents, strict=True):
            await draft.write(content)
        await bodies.keep(drafts)


async def receive(bodies: FolderBodies, *, megabytes: int) -> None:
    async with bodies.receiving() as draft:
        for _ in range(megabytes):
            await draft.write(os.urandom(1_000_000))


@pytest.fixture
def small_files_only() -> Iterator[None]:
    """No file of this process can grow beyond 100 kB: an error like that of a full disk."""
    before, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, most))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (before, most))


async def all_used(_: Collection[Sha256]) -> set[Sha256]:
    return set()


async def all_unused(names: Collection[Sha256]) -> set[Sha256]:
    return set(names)


def files(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.rglob("*") if each.is_file())


async def test_draft_knows_what_was_written_so_far(bodies: FolderBodies) -> None:
    async with bodies.receiving() as draft:
        await draft.write(CONTENT[:10])
        await draft.write(CONTENT[10:])
        assert (draft.size_bytes, draft.sha256, draft.head) == (len(CONTENT), SHA256, CONTENT)
        assert draft.path.read_bytes() == CONTENT


async def test_large_body_arrives_whole(bodies: FolderBodies) -> None:
    chunks = [bytes([n]) * 100_000 for n in range(60)]
    async with bodies.receiving() as draft:
        for chunk in chunks:
            await draft.write(chunk)
        assert draft.sha256 == hashlib.sha256(b"".join(chunks)).hexdigest()
        assert draft.head == bytes(1024)
        await bodies.keep([draft])
        assert bodies.path(draft.sha256).read_bytes() == b"".join(chunks)


async def test_kept_body_is_read_under_its_hash_and_cannot_be_written(bodies: FolderBodies) -> None:
    await keep(bodies, CONTENT)
    kept = bodies.path(SHA256)
    assert kept.read_bytes() == CONTENT
    assert stat.S_IMODE(kept.stat().st_mode) == 0o440


async def test_draft_that_was_not_kept_is_gone(bodies: FolderBodies, tmp_path: Path) -> None:
    async with bodies.receiving() as draft:
        await draft.write(CONTENT)
    assert files(tmp_path) == []


async def test_draft_whose_request_is_cancelled_while_a_thread_writes_is_gone(
    bodies: FolderBodies, tmp_path: Path
) -> None:
    async def receive() -> None:
        async with bodies.receiving() as draft:
            await draft.write(bytes(50_000_000))

    task = asyncio.create_task(receive())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert files(tmp_path) == []


async def test_same_bytes_are_kept_once_however_often(bodies: FolderBodies, tmp_path: Path) -> None:
    await keep(bodies, CONTENT, CONTENT)
    await asyncio.gather(*(keep(bodies, CONTENT) for _ in range(8)))
    assert files(tmp_path) == [SHA256]


async def test_every_file_and_folder_is_fsynced_before_it_counts_as_kept(bodies: FolderBodies) -> None:
    await keep(bodies, b"one", b"two")
    assert bodies.fsyncs == 4
    await keep(bodies, b"one")  # whoever brought it first may not have come to its fsync
    assert bodies.fsyncs == 6


async def test_body_that_cannot_be_fsynced_is_not_kept(bodies: FolderBodies) -> None:
    async with bodies.receiving() as draft:
        await draft.write(CONTENT)
        draft.path.unlink()  # as good as a disk that fails: nothing can be linked from here
        with pytest.raises(StoreUnavailable):
            await bodies.keep([draft])
    assert not bodies.path(SHA256).exists()


async def test_full_disk_takes_nothing(tmp_path: Path) -> None:
    full = await open_bodies(tmp_path, free_floor_bytes=2**60, now=NOW)
    with pytest.raises(StoreUnavailable):
        async with full.receiving():
            pass
    assert files(tmp_path) == []


async def test_disk_that_fills_up_while_a_body_comes_in_ends_it(tmp_path: Path) -> None:
    free_bytes = (await open_bodies(tmp_path, free_floor_bytes=0, now=NOW)).free_bytes
    bodies = await open_bodies(tmp_path, free_floor_bytes=free_bytes - 12_000_000, now=NOW)
    with pytest.raises(StoreUnavailable):
        await receive(bodies, megabytes=400)
    assert files(tmp_path) == []


@pytest.mark.usefixtures("small_files_only")
async def test_write_the_system_refuses_is_unavailable(bodies: FolderBodies, tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable):
        await receive(bodies, megabytes=1)
    assert files(tmp_path) == []


async def test_left_over_of_a_crash_is_removed_at_opening_when_it_is_old(tmp_path: Path) -> None:
    await open_bodies(tmp_path, free_floor_bytes=0, now=NOW)
    (tmp_path / "tmp" / "left-over").write_bytes(CONTENT)
    await open_bodies(tmp_path, free_floor_bytes=0, now=NOW)
    assert files(tmp_path) == ["left-over"]
    await open_bodies(tmp_path, free_floor_bytes=0, now=LATER)
    assert files(tmp_path) == []


async def test_folder_that_cannot_be_made_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnavailable):
        await open_bodies(tmp_path / "file", free_floor_bytes=0, now=NOW)


async def test_body_without_a_document_is_swept_after_its_grace(bodies: FolderBodies, tmp_path: Path) -> None:
    await keep(bodies, CONTENT)
    assert await bodies.sweep(all_unused, older_than=NOW - timedelta(hours=1)) == 0
    assert await bodies.sweep(all_used, older_than=LATER) == 0
    assert files(tmp_path) == [SHA256]
    assert await bodies.sweep(all_unused, older_than=LATER) == 1
    assert files(tmp_path) == []


async def test_body_kept_again_while_it_is_swept_stays_and_never_leaves_its_place(
    bodies: FolderBodies,
) -> None:
    await keep(bodies, CONTENT)
    os.utime(bodies.path(SHA256), (0, 0))
    kept_again: list[os.stat_result] = []

    async def unused_but_coming_in_again(names: Collection[Sha256]) -> set[Sha256]:
        await keep(bodies, CONTENT)
        kept_again.append(bodies.path(SHA256).stat())
        return set(names)

    assert await bodies.sweep(unused_but_coming_in_again, older_than=NOW - timedelta(hours=1)) == 0
    assert bodies.path(SHA256).read_bytes() == CONTENT
    # A crash between leaving and coming back would lose it; a rename would show in the change time.
    assert [bodies.path(SHA256).stat().st_ctime_ns] == [each.st_ctime_ns for each in kept_again]


async def test_ledger_is_asked_once_for_all_old_bodies_of_a_folder(bodies: FolderBodies) -> None:
    folder = bodies.path(SHA256).parent
    names = {f"{folder.name}{number:062x}" for number in range(20)}
    for name in names:
        (folder / name).touch()
    asked: list[Collection[Sha256]] = []

    async def noting(given: Collection[Sha256]) -> set[Sha256]:
        asked.append(given)
        return set()

    await bodies.sweep(noting, older_than=LATER)
    assert [set(each) for each in asked] == [names]


# --- unpacking ------------------------------------------------------------------------------------


async def test_unpacking_folder_is_empty_private_and_gone_afterwards(
    bodies: FolderBodies, tmp_path: Path
) -> None:
    async with bodies.unpacking() as folder:
        assert folder.parent == tmp_path / "unpack"
        assert list(folder.iterdir()) == []
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        (folder / "1").write_bytes(CONTENT)
        (folder / "more").mkdir()
    assert not folder.exists()


async def test_adopted_file_is_a_draft_like_any_other_and_outlives_its_folder(bodies: FolderBodies) -> None:
    async with bodies.unpacking() as folder:
        (folder / "1").write_bytes(CONTENT)
        draft = await bodies.adopt(folder / "1")
        assert (draft.size_bytes, draft.sha256, draft.head) == (len(CONTENT), SHA256, CONTENT)
        await bodies.keep([draft])
    assert bodies.path(SHA256).read_bytes() == CONTENT
    assert stat.S_IMODE(bodies.path(SHA256).stat().st_mode) == 0o440


async def test_large_file_is_adopted_whole(bodies: FolderBodies) -> None:
    content = os.urandom(5_000_000)
    async with bodies.unpacking() as folder:
        (folder / "1").write_bytes(content)
        draft = await bodies.adopt(folder / "1")
        assert draft.sha256 == hashlib.sha256(content).hexdigest()
        assert draft.path.read_bytes() == content


async def test_adopted_file_that_was_not_kept_is_gone(bodies: FolderBodies, tmp_path: Path) -> None:
    async with bodies.unpacking() as folder:
        (folder / "1").write_bytes(CONTENT)
        await bodies.adopt(folder / "1")
    assert files(tmp_path) == []


async def test_worker_that_still_holds_a_file_cannot_change_what_was_adopted(bodies: FolderBodies) -> None:
    async with bodies.unpacking() as folder:
        with (folder / "1").open("wb", buffering=0) as held:
            held.write(CONTENT)
            draft = await bodies.adopt(folder / "1")
            held.seek(0)
            held.write(b"changed")
            await bodies.keep([draft])
    assert bodies.path(SHA256).read_bytes() == CONTENT


async def test_only_regular_files_of_the_folder_are_adopted(bodies: FolderBodies, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_bytes(CONTENT)
    async with bodies.unpacking() as folder:
        (folder / "link").symlink_to(outside)
        (folder / "folder").mkdir()
        os.mkfifo(folder / "pipe")
        for path in ("link", "folder", "pipe", "missing", "..", "../../outside", "folder/file"):
            with pytest.raises(MalformedDocument):
                await bodies.adopt(folder / path)
        with pytest.raises(MalformedDocument):
            await bodies.adopt(outside)
    with pytest.raises(MalformedDocument):
        await bodies.adopt(folder / "link")  # after its time
    assert files(tmp_path) == ["outside"]


async def test_full_disk_unpacks_nothing(tmp_path: Path) -> None:
    full = await open_bodies(tmp_path, free_floor_bytes=2**60, now=NOW)
    with pytest.raises(StoreUnavailable):
        async with full.unpacking():
            pass
    assert list((tmp_path / "unpack").iterdir()) == []


async def test_folder_that_a_crash_left_is_removed_at_opening_when_it_is_old(tmp_path: Path) -> None:
    await open_bodies(tmp_path, free_floor_bytes=0, now=NOW)
    left_over = tmp_path / "unpack" / "left-over"
    left_over.mkdir()
    (left_over / "1").write_bytes(CONTENT)
    await open_bodies(tmp_path, free_floor_bytes=0, now=NOW)
    assert left_over.exists()
    await open_bodies(tmp_path, free_floor_bytes=0, now=LATER)
    assert not left_over.exists()


async def test_what_a_crash_left_is_swept_after_an_hour_and_what_is_in_use_stays(
    bodies: FolderBodies, tmp_path: Path
) -> None:
    (tmp_path / "tmp" / "left-over").write_bytes(CONTENT)
    (tmp_path / "unpack" / "left-over").mkdir()
    (tmp_path / "unpack" / "left-over" / "1").write_bytes(CONTENT)
    await keep(bodies, CONTENT)
    await bodies.sweep_left_overs(now=NOW)
    assert files(tmp_path).count("left-over") == 1
    await bodies.sweep_left_overs(now=LATER)
    assert files(tmp_path) == [SHA256]
    assert list((tmp_path / "unpack").iterdir()) == []
