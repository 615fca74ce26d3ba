"""What a person reads for each code of a warning, whoever gives it; its detail says what and where."""

from __future__ import annotations

from typing import NamedTuple


class Sentences(NamedTuple):
    """The same in both languages."""

    vi: str
    en: str


WARNING_SENTENCES = {
    # --- of who signed, and when ---------------------------------------------------------------------
    "revocation-not-checked": Sentences(
        "Chưa kiểm tra được việc thu hồi chứng thư số: chứng thư không ghi nơi công bố danh sách thu hồi.",
        "A certificate does not say where its revocation is published.",
    ),
    "time-stamp-not-trusted": Sentences(
        "Có dấu thời gian không được tin cậy, nên không chứng minh được thời điểm ký.",
        "A time-stamp is not trusted, so it proves no time.",
    ),
    "claimed-time-in-future": Sentences(
        "Giờ máy của người ký chạy trước: thời điểm ký ghi trong chữ ký chưa đến.",
        "The signer claims a time of signing that has not come yet.",
    ),
    "certificate-not-bound": Sentences(
        "Chữ ký không ghi rõ được tạo bằng chứng thư số nào.",
        "The signature does not name its certificate in what was signed.",
    ),
    # --- of the signatures -----------------------------------------------------------------------------
    "lenient-parse": Sentences(
        "Tệp hoặc chữ ký không được ghi hoàn toàn đúng chuẩn.",
        "The file or its signature is not written quite as the standard demands.",
    ),
    "unreachable-signature": Sentences(
        "Trong tệp có dữ liệu giống chữ ký số nhưng không thuộc ô chữ ký nào.",
        "Something like a signature stands outside the form.",
    ),
    "counter-signature": Sentences(
        "Có chữ ký xác nhận kèm theo chưa được kiểm tra.",
        "A counter-signature is attached that was not judged.",
    ),
    "counter-signature-not-checked": Sentences(
        "Có chữ ký xác nhận cho chữ ký khác, chưa được kiểm tra.",
        "A signature over another signature is not judged.",
    ),
    "archive-time-stamp": Sentences(
        "Có dấu thời gian lưu trữ kèm theo chưa được kiểm tra.",
        "An archive time-stamp is attached that was not judged.",
    ),
    "archive-time-stamp-not-checked": Sentences(
        "Có dấu thời gian cho toàn bộ chữ ký, chưa được kiểm tra.",
        "A time-stamp over the whole signature is not judged.",
    ),
    # --- of what a file holds --------------------------------------------------------------------------
    "dormant-content": Sentences(
        "Trong tệp có nội dung ẩn, có thể hiện ra về sau.",
        "The file holds content that is not shown and could be later.",
    ),
    "javascript": Sentences("Tệp có mã lệnh JavaScript.", "It holds JavaScript."),
    "xfa": Sentences(
        "Tệp có biểu mẫu XFA mà phần lớn phần mềm đọc PDF không hiển thị.",
        "It holds an XFA form, which most viewers do not show.",
    ),
    "launch-action": Sentences("Tệp có thể mở chương trình khác.", "It can start another program."),
    "external-action": Sentences(
        "Tệp có thể gửi hoặc lấy dữ liệu từ nơi khác.", "It can send or fetch something elsewhere."
    ),
    "embedded-file": Sentences("Trong tệp có nhúng tệp khác.", "Another file is embedded in it."),
    "rich-media": Sentences(
        "Tệp có âm thanh, video hoặc mô hình 3D.", "It holds sound, video or a 3D model."
    ),
    "encryption": Sentences("Tệp bị mã hóa.", "It is encrypted."),
    "hybrid-cross-references": Sentences(
        "Tệp PDF có thể được đọc theo hai cách khác nhau.",
        "It can be read in two ways: hybrid cross-references.",
    ),
    "not-scanned": Sentences(
        "Chưa dò tìm hết nội dung ẩn hoặc nguy hiểm trong tệp.",
        "The file was not looked through, or not to its end.",
    ),
    "macros": Sentences("Tệp có macro (lệnh tự động).", "The file holds macros."),
    "embedded-object": Sentences("Trong tệp có nhúng đối tượng khác.", "The file holds an embedded object."),
    "dde": Sentences(
        "Tệp có thể mở chương trình khác (DDE) khi cập nhật nội dung.",
        "The file starts another program by DDE when its fields are brought up to date.",
    ),
    "external-content": Sentences(
        "Tệp tải một phần nội dung từ nơi khác.", "The file fetches a part of itself from elsewhere."
    ),
    "archive-nested": Sentences(
        "Trong tệp nén có tệp nén khác.",
        "The archive holds another archive.",
    ),
    "bad-container": Sentences(
        "Tệp không đúng định dạng, hoặc che giấu nội dung.",
        "The file is not what it says, hides something, or cannot be looked through.",
    ),
    # --- of packets ------------------------------------------------------------------------------------
    "edxml-signature-empty": Sentences(
        "Phần chữ ký của gói tin để trống.", "The packet's own signature element is empty."
    ),
    "packet-mistake": Sentences("Gói tin không đúng quy định.", "The packet is not in order."),
    "attachment-unreadable": Sentences(
        "Không đọc được một tệp trong gói tin.", "A file in the packet cannot be read."
    ),
    "attachment-unsigned": Sentences(
        "Một tệp trong gói tin không có chữ ký số.", "A file in the packet carries no signature."
    ),
    "attachment-too-costly": Sentences(
        "Một tệp trong gói tin chưa được kiểm tra vì hết thời gian cho cả gói tin.",
        "A file in the packet was not judged: the time for the whole packet was over.",
    ),
    "attachment-packet": Sentences(
        "Một tệp trong gói tin là một gói tin khác, chưa được mở để kiểm tra.",
        "A file in the packet is another packet, which was not opened.",
    ),
    "main-document-unsigned": Sentences(
        "Văn bản chính (tệp đầu tiên của gói tin) không có chữ ký số.",
        "The main document, the first file of the packet, carries no signature.",
    ),
}
