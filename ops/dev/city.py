"""A city's directory of agencies for the demo and the bench: the same rows every time, no person in it.

The bodies are named like those of Hà Nội after the two-level reform of 2025; codes and contacts are made up.
Level 1 is the city, level 2 its departments and its wards and communes, level 3 the units below those.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import astuple, dataclass, fields
from itertools import islice, zip_longest
from pathlib import Path

CITY = "H26"
FULL_SIZE = 633
"""How many agencies the city has when nothing else is asked for."""

_DEPARTMENTS = (
    "Văn phòng Ủy ban nhân dân thành phố", "Sở Nội vụ", "Sở Tư pháp", "Sở Tài chính", "Sở Công Thương",
    "Sở Nông nghiệp và Môi trường", "Sở Xây dựng", "Sở Khoa học và Công nghệ",
    "Sở Văn hóa và Thể thao", "Sở Du lịch", "Sở Giáo dục và Đào tạo", "Sở Y tế",
    "Sở Quy hoạch - Kiến trúc", "Sở Ngoại vụ", "Sở Dân tộc và Tôn giáo", "Thanh tra thành phố",
    "Ban Quản lý các khu công nghiệp và chế xuất", "Ban Quản lý khu công nghệ cao",
    "Trung tâm Phục vụ hành chính công thành phố", "Ban Quản lý dự án đầu tư xây dựng hạ tầng",
    "Ban Quản lý dự án đầu tư xây dựng dân dụng",
)  # fmt: skip
_WARDS = (
    "Hoàn Kiếm", "Cửa Nam", "Ba Đình", "Ngọc Hà", "Giảng Võ", "Hai Bà Trưng", "Vĩnh Tuy", "Bạch Mai",
    "Đống Đa", "Kim Liên", "Văn Miếu - Quốc Tử Giám", "Láng", "Ô Chợ Dừa", "Hồng Hà", "Lĩnh Nam",
    "Hoàng Mai", "Vĩnh Hưng", "Tương Mai", "Định Công", "Hoàng Liệt", "Yên Sở", "Thanh Xuân",
    "Khương Đình", "Phương Liệt", "Cầu Giấy", "Nghĩa Đô", "Yên Hòa", "Tây Hồ", "Phú Thượng", "Tây Tựu",
    "Phú Diễn", "Xuân Đỉnh", "Đông Ngạc", "Thượng Cát", "Từ Liêm", "Xuân Phương", "Tây Mỗ", "Đại Mỗ",
    "Long Biên", "Bồ Đề", "Việt Hưng", "Phúc Lợi", "Hà Đông", "Dương Nội", "Yên Nghĩa", "Phú Lương",
    "Kiến Hưng", "Thanh Liệt", "Chương Mỹ", "Sơn Tây", "Tùng Thiện",
)  # fmt: skip
_COMMUNES = (
    "Thanh Trì", "Đại Thanh", "Nam Phù", "Ngọc Hồi", "Thượng Phúc", "Thường Tín", "Chương Dương",
    "Hồng Vân", "Phú Xuyên", "Phượng Dực", "Chuyên Mỹ", "Đại Xuyên", "Thanh Oai", "Bình Minh",
    "Tam Hưng", "Dân Hòa", "Vân Đình", "Ứng Thiên", "Hòa Xá", "Ứng Hòa", "Mỹ Đức", "Hồng Sơn",
    "Phúc Sơn", "Hương Sơn", "Phú Nghĩa", "Xuân Mai", "Trần Phú", "Hòa Phú", "Quảng Bị", "Minh Châu",
    "Quảng Oai", "Vật Lại", "Cổ Đô", "Bất Bạt", "Suối Hai", "Ba Vì", "Yên Bài", "Đoài Phương",
    "Phúc Thọ", "Phúc Lộc", "Hát Môn", "Thạch Thất", "Hạ Bằng", "Tây Phương", "Hòa Lạc", "Yên Xuân",
    "Quốc Oai", "Hưng Đạo", "Kiều Phú", "Phú Cát", "Hoài Đức", "Dương Hòa", "Sơn Đồng", "An Khánh",
    "Đan Phượng", "Ô Diên", "Liên Minh", "Gia Lâm", "Thuận An", "Bát Tràng", "Phù Đổng", "Thư Lâm",
    "Đông Anh", "Phúc Thịnh", "Thiên Lộc", "Vĩnh Thanh", "Mê Linh", "Yên Lãng", "Tiến Thắng",
    "Quang Minh", "Sóc Sơn", "Đa Phúc", "Nội Bài", "Trung Giã", "Kim Anh",
)  # fmt: skip
_UNITS_OF_DEPARTMENT = (
    "Trung tâm Công nghệ thông tin", "Văn phòng", "Phòng Tổ chức - Hành chính", "Trung tâm Lưu trữ",
    "Phòng Kế hoạch - Tài chính", "Thanh tra chuyên ngành", "Trung tâm Đào tạo và Bồi dưỡng",
)  # fmt: skip
_UNITS_OF_WARD = (
    "Trung tâm Phục vụ hành chính công", "Phòng Văn hóa - Xã hội", "Phòng Kinh tế và Hạ tầng",
)  # fmt: skip
_WARDS_PER_OLD_DISTRICT = 9
_FIRST_OLD_DISTRICT = 31


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the file `lienthong agencies import` reads."""

    code: str
    name: str
    level: int
    parent: str
    channel: str
    policy: str
    qd20: str
    qcvn102: str
    email: str
    phone: str


@dataclass(frozen=True, slots=True)
class _Body:
    """A body of level 2: its code of QĐ 20, and the digits of its code of QCVN 102 that its units keep."""

    code: str
    name: str
    kind: str
    units: tuple[str, ...]
    old_code: str


def city(count: int = FULL_SIZE) -> list[Row]:
    """Return the first `count` agencies of the city, each after its parent, all open.

    Raises:
        ValueError: `count` is less than 1 or more than the city can have.
    """
    rows = list(islice(_all(), count)) if count > 0 else []
    if len(rows) != count or not rows:
        raise ValueError(f"a city has from 1 to {sum(1 for _ in _all())} agencies, not {count}")
    return rows


def write_csv(rows: list[Row], path: Path) -> None:
    """Write a file for `lienthong agencies import`."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(field.name for field in fields(Row))
        writer.writerows(astuple(row) for row in rows)


def _all() -> Iterator[Row]:
    """Yield the city so that a short beginning has all levels: bodies of both kinds, then unit after unit."""
    yield _row(CITY, "Ủy ban nhân dân thành phố", parent="", old_code=f"000.00.00.{CITY}")
    bodies = [each for pair in zip_longest(_departments(), _wards()) for each in pair if each is not None]
    for body in bodies:
        yield _row(body.code, body.name, parent=CITY, old_code=_old_code(body, unit=0))
        yield _unit(body, 1)
    longest = len(_UNITS_OF_DEPARTMENT)
    for number in range(2, longest + 1):
        yield from (_unit(body, number) for body in bodies if number <= len(body.units))
    for number in range(1, 100):
        yield from (_school(body, number) for body in _wards())


def _departments() -> Iterator[_Body]:
    for number, name in enumerate(_DEPARTMENTS, start=1):
        yield _Body(f"{CITY}.{number:02}", name, name, _UNITS_OF_DEPARTMENT, f"{number:02}")


def _wards() -> Iterator[_Body]:
    named = [f"phường {name}" for name in _WARDS] + [f"xã {name}" for name in _COMMUNES]
    for number, name in enumerate(named):
        # Before the reform a ward stood below a district, so its QCVN 102 code has one more group.
        district, ward = divmod(number, _WARDS_PER_OLD_DISTRICT)
        old_code = f"{ward + 1:02}.{_FIRST_OLD_DISTRICT + district:02}"
        yield _Body(f"{CITY}.{101 + number}", f"Ủy ban nhân dân {name}", name, _UNITS_OF_WARD, old_code)


def _unit(body: _Body, number: int) -> Row:
    name = f"{body.units[number - 1]} - {body.kind}"
    return _row(f"{body.code}.{number:02}", name, parent=body.code, old_code=_old_code(body, unit=number))


def _school(ward: _Body, number: int) -> Row:
    place = len(ward.units) + number
    name = f"Trường Tiểu học số {number} {ward.kind}"
    return _row(f"{ward.code}.{place:02}", name, parent=ward.code, old_code=_old_code(ward, unit=place))


def _old_code(body: _Body, *, unit: int) -> str:
    """Return a QCVN 102 code: four groups, the lowest level first."""
    if "." in body.old_code:
        return f"{unit:03}.{body.old_code}.{CITY}"
    return f"000.{unit:02}.{body.old_code}.{CITY}"


def _row(code: str, name: str, *, parent: str, old_code: str) -> Row:
    is_above_wards = code == CITY or (parent == CITY and len(code) == len(f"{CITY}.01"))
    return Row(
        code=code,
        name=name,
        level=code.count(".") + 1,
        parent=parent,
        channel="inbox",
        policy="require" if is_above_wards else "label",
        qd20=code,
        qcvn102=old_code,
        email=f"vanthu@{code.lower().replace('.', '-')}.example",
        phone="+84 24 0000 " + f"{sum(code.encode()) % 10000:04}",
    )
