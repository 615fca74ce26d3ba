"""Why a signature in a PDF is not taken."""

from __future__ import annotations

from signing.reasons import Reason

TOO_MANY_SIGNATURES = Reason(
    "too-many-signatures",
    "The PDF has more than {} signatures.",
    "Tệp PDF có hơn {} chữ ký.",
    is_open=True,
)
NO_DICTIONARY = Reason(
    "no-signature-dictionary",
    "The signature field holds no signature dictionary.",
    "Ô chữ ký không chứa chữ ký.",
)
TOO_MANY_FIELDS = Reason(
    "too-many-fields",
    "The form has too many fields.",
    "Biểu mẫu trong tệp có quá nhiều ô.",
    is_open=True,
)
RANGE_NOT_AROUND = Reason(
    "byte-range-not-around",
    "The byte range does not run from the first byte of the file around the signature.",
    "Vùng được ký không bắt đầu từ đầu tệp và bao quanh chữ ký.",
)
GAP_NOT_HEX = Reason(
    "gap-not-hex",
    "The gap in the byte range is not the signature's own hex string.",
    "Phần chừa lại để ghi chữ ký không chứa đúng chữ ký.",
)
NO_CONTENTS = Reason("no-contents", "The signature has no contents.", "Chữ ký rỗng: không có dữ liệu chữ ký.")
GAP_HOLDS_ELSE = Reason(
    "gap-holds-else",
    "The gap in the byte range holds something else than the signature.",
    "Khoảng trống trong vùng được ký chứa dữ liệu khác, không phải chữ ký.",
)
NO_BYTE_RANGE = Reason(
    "no-byte-range",
    "The byte range is missing or is not made of two ranges.",
    "Thiếu vùng được ký, hoặc vùng được ký không gồm đúng hai phần.",
)
NOT_WHERE_SAID = Reason(
    "not-where-said",
    "The signature dictionary does not stand where its byte range says.",
    "Chữ ký không nằm ở vị trí mà vùng được ký chỉ ra.",
)
NOT_PLAIN = Reason(
    "signature-not-plain",
    "The signature dictionary is not plainly written ({}).",
    "Phần ghi chữ ký trong tệp PDF không đúng chuẩn.",
)
COMPRESSED = Reason(
    "signature-compressed",
    "The signature stands inside a compressed object, where no byte range can leave it out.",
    "Chữ ký nằm trong đối tượng nén nên không thể xác định vùng được ký.",
)
GAP_OF_ANOTHER = Reason(
    "gap-of-another",
    "The gap in the byte range belongs to another object.",
    "Khoảng trống trong vùng được ký thuộc về đối tượng khác.",
)
EMPTY_SECTION = Reason(
    "empty-section",
    "An empty cross-reference section was appended after signing.",
    "Sau khi ký, tệp bị nối thêm một bảng tham chiếu rỗng.",
)
STRANGE_SECTION = Reason(
    "strange-section",
    "A cross-reference section that was appended after signing is not plainly written ({}).",
    "Sau khi ký, tệp bị nối thêm một bảng tham chiếu không được ghi đúng chuẩn.",
)
TRAILING_BYTES = Reason(
    "trailing-bytes",
    "More than {} bytes follow the end of the PDF.",
    "Sau phần kết thúc của tệp PDF còn hơn {} byte.",
)
NO_REVISION = Reason(
    "no-revision",
    "Bytes were appended after signing that belong to no revision of the document.",
    "Sau khi ký, tệp bị nối thêm dữ liệu không thuộc phiên bản nào của văn bản.",
)
AFTER_END = Reason(
    "after-end",
    "Bytes were appended after the end of the document.",
    "Tệp bị nối thêm dữ liệu sau phần kết thúc văn bản.",
)
UNKNOWN_OBJECT = Reason(
    "unknown-object",
    "An object was appended after signing that no cross-reference knows.",
    "Sau khi ký, tệp bị nối thêm một đối tượng ẩn không có trong bảng tham chiếu.",
)
OVERLAPPING = Reason(
    "overlapping-objects",
    "Objects appended after signing overlap one another.",
    "Các đối tượng được nối thêm sau khi ký chồng lấn lên nhau.",
)
FORMAT_NOT_SUPPORTED = Reason(
    "format-not-supported",
    "The format of the signature is not supported.",
    "Định dạng chữ ký này chưa được hỗ trợ.",
    is_open=True,
)
HYBRID = Reason(
    "hybrid",
    "The PDF can be read in two ways (hybrid cross-references), so it is not judged.",
    "Tệp PDF có thể được đọc theo hai cách khác nhau (bảng tham chiếu kép) nên không được đánh giá.",
)
TWO_BEGINNINGS = Reason(
    "two-beginnings",
    "The beginning and the end of the PDF name two different documents, so it is not judged.",
    "Phần đầu và phần cuối của tệp PDF dẫn tới hai văn bản khác nhau nên tệp không được đánh giá.",
)
NOT_WHOLE_REVISION = Reason(
    "not-whole-revision",
    "The signature does not cover the whole revision it belongs to.",
    "Chữ ký không bao trùm toàn bộ phiên bản văn bản mà nó thuộc về.",
)
CONTENT_CHANGED = Reason(
    "content-changed",
    "Content was changed or added after this signature.",
    "Nội dung văn bản đã bị sửa hoặc thêm sau chữ ký này.",
)
CHANGED_AFTER_SEAL = Reason(
    "changed-after-seal",
    "Something else than evidence and time-stamps was added after the seal.",
    "Sau khi đóng dấu, văn bản bị thêm nội dung khác ngoài dữ liệu kiểm chứng và dấu thời gian.",
)
NOT_PERMITTED = Reason(
    "change-not-permitted",
    "The document was changed in a way that its certification does not permit.",
    "Văn bản đã bị thay đổi theo cách mà chữ ký chứng nhận không cho phép.",
)
NOT_UNDERSTOOD = Reason(
    "permission-not-understood",
    "What the signature permits to change cannot be understood.",
    "Không hiểu được quy định của chữ ký về những thay đổi được phép.",
)
SIGNATURE_REMOVED = Reason(
    "signature-removed",
    "This signature was taken out of the document by a later change.",
    "Chữ ký này đã bị gỡ khỏi văn bản bởi một thay đổi về sau.",
)
LOOKS_DIFFERENT = Reason(
    "looks-different",
    "Page {} does not look as it did when it was signed.",
    "Trang {} hiển thị khác so với lúc ký.",
)
PAGES_DIFFER = Reason(
    "page-count-differs",
    "The document does not have as many pages as when it was signed.",
    "Số trang của văn bản khác so với lúc ký.",
)
COVERS_TEXT = Reason(
    "appearance-over-text",
    "On page {} the picture of a later signature lies over the text.",
    "Trên trang {}, hình của chữ ký sau che lên nội dung văn bản.",
)
COVERS_PAGE = Reason(
    "appearance-too-large",
    "On page {} the picture of a later signature takes up too much of the page.",
    "Trên trang {}, hình của chữ ký sau chiếm quá nhiều diện tích trang.",
)
PICTURES_TOO_MANY = Reason(
    "too-many-pages-to-compare",
    "The document has too many pages and revisions to compare how they look.",
    "Văn bản có quá nhiều trang và phiên bản để so sánh hiển thị.",
    is_open=True,
)
NOT_DRAWN = Reason(
    "not-drawn",
    "The document cannot be drawn, so how it looks could not be compared ({}).",
    "Không hiển thị được văn bản nên không thể so sánh với lúc ký.",
    is_open=True,
)
ENCRYPTED = Reason(
    "encrypted",
    "The PDF is encrypted, so it is not judged.",
    "Tệp PDF bị mã hóa nên không được đánh giá.",
    is_open=True,
)
TOO_MANY_REVISIONS = Reason(
    "too-many-revisions",
    "The PDF has more than {} revisions.",
    "Tệp PDF có hơn {} phiên bản.",
    is_open=True,
)
DAMAGED_COPY = Reason(
    "damaged-certificate-copy",
    "A certificate that the signature carries was altered.",
    "Một chứng thư số kèm theo chữ ký đã bị sửa đổi.",
)
PDF_BROKEN = Reason("pdf-broken", "The PDF is broken and cannot be read.", "Tệp PDF bị hỏng, không đọc được.")
