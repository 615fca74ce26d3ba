"""Why an XML signature is not taken."""

from __future__ import annotations

from signing.judgement import Facet
from signing.reasons import Reason, Refused


class NotTaken(Refused):
    """A rule is broken; without more said, the signature's form is at fault."""

    def __init__(
        self, reason: Reason, sub_indication: str = "FORMAT_FAILURE", *, facet: Facet = "integrity"
    ) -> None:
        super().__init__(reason, sub_indication)
        self.facet = facet


# --- of the file -------------------------------------------------------------------------------------

DOCTYPE = Reason(
    "xml-doctype",
    "The XML has a DOCTYPE, which is not taken.",
    "Tệp XML có khai báo DOCTYPE, không được chấp nhận.",
)
ENCODING = Reason("xml-encoding", "The XML is not in UTF-8.", "Tệp XML không dùng bảng mã UTF-8.")
XML_BROKEN = Reason("xml-broken", "The XML is broken ({}).", "Tệp XML bị hỏng, không đọc được.")
NAMESPACE = Reason(
    "xml-namespace",
    "The XML uses namespaces wrongly ({}).",
    "Tệp XML dùng không gian tên sai quy tắc.",
)
UNDECLARED = Reason(
    "xml-prefix-undeclared",
    "The XML uses a prefix that nothing in it explains, so it is not judged.",
    "Tệp XML dùng tiền tố không được khai báo nên không thể kiểm tra.",
    is_open=True,
)
TOO_MUCH = Reason(
    "xml-too-much",
    "The XML is beyond what is judged here ({}).",
    "Tệp XML vượt quá giới hạn kiểm tra: quá lớn hoặc quá phức tạp.",
    is_open=True,
)
COMMENT_IN_TEXT = Reason(
    "xml-comment-in-text",
    "A comment stands inside a text of the document: no signature covers it, and it can cut the text.",
    "Có ghi chú (comment) nằm giữa một đoạn chữ của văn bản: chữ ký không bao trùm nó và nó có thể cắt ngang "
    "đoạn chữ.",
)

# --- of the signature's form -------------------------------------------------------------------------

STRUCTURE = Reason(
    "xml-signature-structure",
    "The signature element is not built as the standard says ({}).",
    "Phần tử chữ ký không đúng cấu trúc của tiêu chuẩn.",
)
COMMENT = Reason(
    "xml-comment-in-signature",
    "A comment or instruction stands inside the signature.",
    "Có ghi chú hoặc chỉ thị lạ nằm bên trong chữ ký.",
)
BASE64 = Reason(
    "xml-base64", "A value in the signature is not base64.", "Một giá trị trong chữ ký không phải base64."
)
AMBIGUOUS_ID = Reason(
    "xml-ambiguous-id",
    "The signed part is named by an Id that occurs more than once.",
    "Phần được ký được chỉ ra bằng một mã Id xuất hiện nhiều lần.",
)
NOT_INSIDE = Reason(
    "xml-not-inside",
    "The signature does not stand inside the part that it says it is enveloped by.",
    "Chữ ký không nằm bên trong phần mà nó khai là được ký kèm.",
)
FOREIGN_PROPERTIES = Reason(
    "xml-foreign-properties",
    "The signed properties do not belong to this signature, or are not signed by it.",
    "Các thuộc tính ký không thuộc về chữ ký này, hoặc không được chữ ký này bao trùm.",
)
CANONICALISATION_CHANGED = Reason(
    "xml-relative-namespace",
    "A namespace in the signed part is not absolute, so the part has no canonical form.",
    "Một không gian tên trong phần được ký không phải địa chỉ tuyệt đối nên không thể kiểm tra.",
)

# --- beyond what is judged ---------------------------------------------------------------------------

TRANSFORM = Reason(
    "xml-transform",
    "The signed part is transformed in a way that is not judged here ({}).",
    "Phần được ký bị biến đổi theo cách chưa được hỗ trợ kiểm tra.",
    is_open=True,
)
NOTHING_LEFT = Reason(
    "xml-transform",
    "Nothing is left of the part that the signature refers to: it stands in what is left out.",
    "Chữ ký không bao trùm nội dung nào: phần được dẫn chiếu nằm trong phần bị loại ra khi ký.",
)
CANONICALISATION = Reason(
    "xml-canonicalisation",
    "The canonical form that the signature asks for is not judged here ({}).",
    "Dạng chuẩn tắc mà chữ ký yêu cầu chưa được hỗ trợ kiểm tra.",
    is_open=True,
)
TWO_READINGS = Reason(
    "xml-comments-signed",
    "The signature asks to sign comments, which programs understand in two ways; it fails in the standard's.",
    "Chữ ký yêu cầu ký cả ghi chú, điều mà các phần mềm hiểu theo hai cách; tính theo đúng tiêu chuẩn "
    "thì nội dung không khớp với chữ ký.",
)
REFERENCE = Reason(
    "xml-reference",
    "The signature refers to something outside the document, or in a way that is not judged here ({}).",
    "Chữ ký dẫn chiếu ra ngoài tệp, hoặc theo cách chưa được hỗ trợ kiểm tra.",
)
NOT_FOUND = Reason(
    "xml-signed-part-missing",
    "The part that the signature refers to is not in the document.",
    "Phần mà chữ ký dẫn chiếu không có trong tệp.",
)
METHOD = Reason(
    "xml-method",
    "The signature or digest method is not one of those allowed ({}).",
    "Thuật toán ký hoặc băm không thuộc danh sách được phép.",
)
KEY_INFO = Reason(
    "xml-key-info",
    "The signature does not carry its signer's certificate, or says who signed in another way ({}).",
    "Chữ ký không kèm chứng thư số của người ký, hoặc chỉ ra người ký bằng cách khác.",
)
NOT_SAME_CERTIFICATE = Reason(
    "xml-other-certificate",
    "The certificate in the signature is not the one that was signed together with the document.",
    "Chứng thư số kèm theo không phải là chứng thư đã được ký cùng văn bản.",
)

# --- of coverage -------------------------------------------------------------------------------------

PART_ONLY = Reason(
    "xml-part-only",
    "The signature covers only a part of the document.",
    "Chữ ký chỉ bao trùm một phần của văn bản.",
)
UNSIGNED_OBJECT = Reason(
    "xml-unsigned-object",
    "The signature element holds an object that nobody signed.",
    "Phần tử chữ ký chứa một nội dung không được ký.",
)
MANIFEST = Reason(
    "xml-manifest",
    "The signature covers only a list of digests (manifest), not the documents in it.",
    "Chữ ký chỉ bao trùm một danh sách giá trị băm (manifest), không bao trùm các tài liệu trong đó.",
)
DIALECT = Reason(
    "edxml-dialect",
    "The packet's own signature is in the edXML dialect, which is no XML signature: it is carried and never "
    "computed, and proves nothing.",
    "Phần chữ ký của gói tin được viết theo kiểu riêng của edXML, không phải chữ ký XML theo chuẩn, "
    "nên không có giá trị chứng minh.",
    is_open=True,
)
