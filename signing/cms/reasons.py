"""Why a CMS signature is not taken."""

from __future__ import annotations

from signing.reasons import Reason

FOLLOWED = Reason(
    "contents-followed",
    "Something follows the signature inside its contents.",
    "Sau chữ ký còn có dữ liệu lạ trong cùng một vùng chứa.",
)
NO_CMS = Reason(
    "no-cms", "The contents are no CMS signature.", "Dữ liệu không phải là chữ ký theo chuẩn CMS."
)
MALFORMED = Reason(
    "cms-malformed",
    "The CMS signature is not built as its standard demands ({}).",
    "Cấu trúc chữ ký CMS không đúng chuẩn.",
)
TOO_LARGE = Reason(
    "cms-too-large",
    "The CMS signature holds more than any true one needs ({}).",
    "Chữ ký CMS chứa nhiều dữ liệu bất thường.",
)
NO_SIGNER = Reason("no-signer", "The CMS structure holds no signature.", "Tệp CMS không chứa chữ ký nào.")
NOT_ONE_SIGNER = Reason(
    "not-one-signer",
    "The CMS signature does not have exactly one signer.",
    "Chữ ký CMS không có đúng một người ký.",
)
NO_SIGNED_ATTRIBUTES = Reason(
    "no-signed-attributes",
    "The CMS signature has no signed attributes.",
    "Chữ ký CMS thiếu các thuộc tính được ký.",
)
TWICE = Reason(
    "attribute-twice",
    "A signed attribute of the CMS signature occurs more than once.",
    "Một thuộc tính được ký xuất hiện nhiều lần trong chữ ký CMS.",
)
NO_ATTRIBUTE = Reason(
    "attribute-missing",
    "The signed attribute {} is missing.",
    "Chữ ký CMS thiếu thuộc tính được ký {}.",
)
OTHER_CONTENT_TYPE = Reason(
    "other-content-type",
    "What was signed is of another type than the signature says.",
    "Loại nội dung được ký không khớp với loại nội dung ghi trong chữ ký.",
)
TWO_CONTENTS = Reason(
    "two-contents",
    "The document beside the signature is another than the one inside it.",
    "Văn bản đi kèm khác với văn bản nằm bên trong tệp chữ ký.",
)
NO_CONTENT = Reason(
    "content-missing",
    "The signed document is not in the signature file and was not given.",
    "Tệp chữ ký không chứa văn bản được ký, và văn bản đó chưa được cung cấp. "
    "Hãy gửi kèm văn bản được ký: tệp cùng tên, không có đuôi .p7s.",
)
ATTRIBUTES_AS_CONTENT = Reason(
    "attributes-as-content",
    "The signed content is itself a set of signature attributes, which only a forger signs.",
    "Nội dung được ký chính là tập thuộc tính của một chữ ký khác: dấu hiệu giả mạo.",
)
ALGORITHMS_DIFFER = Reason(
    "algorithms-differ",
    "The signature names its algorithms in ways that contradict each other.",
    "Các thuật toán ghi trong chữ ký mâu thuẫn với nhau.",
)
ALGORITHM_UNKNOWN = Reason(
    "algorithm-unknown",
    "The signature uses an algorithm that is not known here.",
    "Chữ ký dùng thuật toán chưa được hỗ trợ.",
)
KEY_UNUSABLE = Reason(
    "key-unusable",
    "The public key in the signer's certificate cannot be used.",
    "Không sử dụng được khóa công khai trong chứng thư số của người ký.",
)
NO_SIGNING_CERTIFICATE = Reason(
    "no-signing-certificate",
    "The signer's certificate is not in the signature.",
    "Chữ ký không kèm chứng thư số của người ký.",
)
OTHER_CERTIFICATE = Reason(
    "other-signing-certificate",
    "The signature was made for another certificate than the one it comes with.",
    "Chứng thư số kèm theo không phải là chứng thư được ghi trong chữ ký.",
)
NO_STAMP = Reason(
    "no-time-stamp", "The time-stamp token holds no time-stamp.", "Dấu thời gian không đúng chuẩn RFC 3161."
)
NO_AUTHORITY = Reason(
    "time-stamp-authority-missing",
    "The certificate of the time-stamping authority is neither in the time-stamp nor at hand.",
    "Dấu thời gian không kèm chứng thư số của tổ chức cấp dấu thời gian, và ở đây cũng chưa có chứng thư đó.",
    is_open=True,
)
