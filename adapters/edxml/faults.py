"""What can be wrong with a packet, in Vietnamese and English. No text repeats what the packet holds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from adapters.edxml.limits import MAX_MISTAKES, MAX_SKIPPED
from adapters.edxml.packet import Fault

XML = "XML 1.0"
STANDARD = "QCVN 102:2016"
LENGTHS = "NĐ 30/2020/NĐ-CP PL VI"
LIFE_CYCLE = "QĐ 28/2018/QĐ-TTg Đ10"
SAFETY = "An toàn"


class Wording(NamedTuple):
    """What is wrong, in both languages."""

    vi: str
    en: str

    def at(self, element: str, rule: str) -> Fault:
        """Return the fault of an element under a rule."""
        return Fault(element=element, rule=rule, vi=self.vi, en=self.en)


class Refused(Exception):
    """The packet is refused as a whole, before anything more of it is read."""

    def __init__(self, wording: Wording, *, element: str = "edXML", rule: str = SAFETY) -> None:
        self.fault = wording.at(element, rule)
        super().__init__(str(self.fault))


# --- refused as a whole --------------------------------------------------------------------------

NOT_XML = Wording(
    "gói tin phải bắt đầu bằng XML mã hóa UTF-8 (trước đó chỉ được có BOM và khoảng trắng)",
    "the packet must begin with XML in UTF-8 (only a BOM and white space may come before it)",
)
NOT_UTF8 = Wording("chỉ chấp nhận mã hóa UTF-8", "only UTF-8 is accepted")
NOT_XML_10 = Wording("chỉ chấp nhận XML phiên bản 1.0", "only XML version 1.0 is accepted")
NOT_EDXML = Wording("phần tử gốc không phải là edXML", "the root element is not edXML")
DECLARATION = Wording(
    "không được có DOCTYPE hay khai báo thực thể", "a DOCTYPE or an entity declaration is not allowed"
)
INSTRUCTION = Wording(
    "không được có chỉ thị xử lý (processing instruction)", "a processing instruction is not allowed"
)
SPLIT = Wording(
    "giá trị bị chú thích hoặc CDATA cắt rời", "the value is broken up by a comment or a CDATA section"
)
TRAILING = Wording("có nội dung sau phần tử gốc", "there is content after the root element")
TOO_DEEP = Wording("các phần tử lồng nhau quá sâu", "elements are nested too deeply")
TOO_MANY_NODES = Wording("gói tin có quá nhiều phần tử", "the packet has too many elements")
TOO_MANY_ATTRIBUTES = Wording("phần tử có quá nhiều thuộc tính", "the element has too many attributes")
TOO_MANY_NAMES = Wording("gói tin dùng quá nhiều tên khác nhau", "the packet uses too many different names")
NAME_TOO_LONG = Wording(
    "tên phần tử hoặc thuộc tính quá dài", "the name of an element or attribute is too long"
)
TOKEN_TOO_LONG = Wording("một thẻ hoặc chú thích quá dài", "a tag or a comment is too long")
TOO_MUCH_SPACE = Wording(
    "có quá nhiều khoảng trắng giữa các phần tử", "there is too much white space between the elements"
)
SKIPPED_TOO_LONG = Wording(
    f"các phần tử không có trong quy chuẩn dài quá {MAX_SKIPPED} ký tự",
    f"the elements that are not in the standard hold more than {MAX_SKIPPED} characters",
)
FILE_TOO_LARGE = Wording("tệp đính kèm quá lớn", "the attachment is too large")
FILES_TOO_LARGE = Wording("tổng dung lượng tệp đính kèm quá lớn", "the attachments are too large together")


def not_well_formed(error: str, *, line: int, column: int) -> Wording:
    """Say where the XML is broken; `error` is the parser's own name of the fault."""
    return Wording(
        f"XML sai cú pháp ở dòng {line}, cột {column}",
        f"the XML is not well formed at line {line}, column {column}: {error}",
    )


def header_too_long(most: int) -> Wording:
    """Say how many bytes there may be besides the attachments."""
    return Wording(
        f"nội dung ngoài tệp đính kèm quá {most} byte",
        f"there are more than {most} bytes of text besides the attachments",
    )


def too_many(most: int) -> Wording:
    """Say how many elements of one kind there may be."""
    return Wording(f"gói tin có hơn {most} phần tử này", f"the packet has more than {most} of these")


def too_many_files(most: int) -> Wording:
    """Say how many attachments there may be."""
    return Wording(f"có hơn {most} tệp đính kèm", f"there are more than {most} attachments")


# --- collected -----------------------------------------------------------------------------------

MISSING = Wording("thiếu hoặc để trống", "is missing or empty")
REPEATED = Wording("chỉ được có một lần", "may be there only once")
MIXED = Wording("có chữ nằm ngoài các phần tử con", "holds text outside its elements")
ELEMENT_IN_VALUE = Wording("giá trị không được chứa phần tử", "the value must not hold an element")
UNSHOWABLE = Wording("có ký tự không hiển thị được", "holds characters that cannot be shown")
NOT_A_DATE = Wording(
    "không phải là ngày hợp lệ dạng yyyy/MM/dd", "is not a valid date of the form yyyy/MM/dd"
)
NOT_A_MOMENT = Wording(
    "không phải là thời điểm hợp lệ dạng yyyy/MM/dd HH:mm:ss",
    "is not a valid moment of the form yyyy/MM/dd HH:mm:ss",
)
NOT_A_NUMBER = Wording("không phải là số nguyên không âm", "is not a whole number")
NOT_A_FLAG = Wording("phải là true hoặc false", "must be true or false")
NOT_A_KIND = Wording(
    "phải là 0 (mới), 1 (thu hồi), 2 (cập nhật) hoặc 3 (thay thế)",
    "must be 0 (new), 1 (recall), 2 (update) or 3 (replace)",
)
NOT_A_STATUS = Wording(
    "phải là 01, 02, 03, 04, 05, 06, 13, 15 hoặc 16", "must be 01, 02, 03, 04, 05, 06, 13, 15 or 16"
)
NO_RECIPIENT = Wording("không có nơi nhận", "there is no recipient")
NO_TARGET = Wording(
    "không nêu mã định danh của văn bản bị thu hồi, cập nhật hoặc thay thế",
    "does not name the document that is recalled, updated or replaced",
)
NO_ATTACHMENT = Wording("văn bản mới phải có tệp đính kèm", "a new document must have an attachment")
NO_FILES_IN_STATUS = Wording("gói tin trạng thái không có tệp đính kèm", "a status packet has no attachments")
BAD_BASE64 = Wording("nội dung không phải là base64 hợp lệ", "the content is not valid base64")
EMPTY_FILE = Wording("tệp đính kèm rỗng", "the attachment is empty")
BAD_FILE_NAME = Wording(
    "tên tệp chứa đường dẫn hoặc ký tự không hiển thị được",
    "the file name holds a path or characters that cannot be shown",
)
NOT_ENCODED = Wording("có trong danh mục nhưng không có nội dung", "is in the manifest but has no content")
NOT_IN_MANIFEST = Wording("không có trong danh mục (edXMLManifest)", "is not in the manifest")
DUPLICATE_CONTENT_ID = Wording("ContentId bị trùng", "the ContentId is there twice")
OTHER_NAME = Wording("tên tệp khác với danh mục", "the file name differs from the manifest")
HIDDEN = Wording(
    "phần tử của quy chuẩn nằm trong phần tử lạ", "an element of the standard stands where none belongs"
)
EXTERNAL = Wording("không được trỏ ra ngoài gói tin", "must not point outside the packet")
AMBIGUOUS_ID = Wording(
    "thuộc tính Id phải viết thống nhất một tên, mỗi phần tử một lần",
    "an Id attribute must be spelled one way throughout, once per element",
)
DUPLICATE_ID = Wording("giá trị Id bị trùng", "the Id is there twice")
BAD_ID = Wording("giá trị Id không hợp lệ", "the Id is not a valid one")
MORE = Wording("còn nhiều lỗi khác", "there are more mistakes")


def bad_zip(why: str) -> Wording:
    """Say why a ZIP around a file is not taken; `why` is the unpacker's own name of the fault."""
    return Wording("tệp nén bị hỏng, có mật khẩu hoặc không an toàn", f"the ZIP cannot be unpacked: {why}")


def too_long(most: int) -> Wording:
    """Say how many characters a value may have."""
    return Wording(f"dài quá {most} ký tự", f"is longer than {most} characters")


def differing_counts(listed: int, *, encoded: int) -> Wording:
    """Say how many attachments the manifest lists and how many came."""
    return Wording(
        f"danh mục có {listed} tệp, gói tin chứa {encoded} tệp",
        f"the manifest lists {listed} files, the packet holds {encoded}",
    )


# --- warnings ------------------------------------------------------------------------------------

UNKNOWN = Wording("phần tử không có trong quy chuẩn, bỏ qua", "the element is not in the standard; ignored")
FOREIGN = Wording("phần tử thuộc không gian tên khác, bỏ qua", "the element is of another namespace; ignored")
NOT_IN_STATUS = Wording(
    "không thuộc gói tin trạng thái, bỏ qua", "does not belong in a status packet; ignored"
)
OTHER_ENCODING_NAME = Wording('mã hóa phải viết là "UTF-8"', 'the encoding is to be written "UTF-8"')
OTHER_FORM = Wording("viết khác dạng của quy chuẩn", "is not written as the standard wants it")
NO_MANIFEST = Wording("thiếu danh mục tệp đính kèm", "the manifest is missing or empty")
OTHER_TYPE = Wording("ContentType khác với danh mục", "the ContentType differs from the manifest")


@dataclass(slots=True)
class Mistakes:
    """The mistakes and the warnings found so far, each named once, in the order of the packet."""

    _faults: dict[Fault, None] = field(default_factory=dict)
    _warnings: dict[Fault, None] = field(default_factory=dict)

    def add(self, wording: Wording, *, element: str, rule: str) -> None:
        """Note a mistake."""
        _note(self._faults, wording.at(element, rule))

    def warn(self, wording: Wording, *, element: str, rule: str) -> None:
        """Note what is not right but tolerated."""
        _note(self._warnings, wording.at(element, rule))

    @property
    def faults(self) -> tuple[Fault, ...]:
        """The mistakes."""
        return tuple(self._faults)

    @property
    def warnings(self) -> tuple[str, ...]:
        """The warnings, as texts."""
        return tuple(map(str, self._warnings))


def _note(notes: dict[Fault, None], note: Fault) -> None:
    if len(notes) < MAX_MISTAKES:
        notes[note] = None
    else:
        notes[MORE.at("edXML", STANDARD)] = None
