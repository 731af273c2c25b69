"""Files as people have them."""

from collections.abc import Callable
from contextlib import suppress
from email.message import EmailMessage

import pytest

from app.samples.files import Incoming, UnusableFile, read
from tests.timing import worked_within


def texts(name: str, content: str | bytes) -> list[str]:
    return [item.text for item in read(name, content if isinstance(content, bytes) else content.encode())]


@pytest.mark.parametrize("name", ["notes.txt", "NOTES.TXT", "notes.md"])
def test_blank_lines_separate_paragraphs(name: str) -> None:
    assert texts(name, "One\nline.\n\n  \nTwo ☺.\n") == ["One\nline.", "Two ☺."]


@pytest.mark.parametrize("newline", ["\r\n", "\r", "\n"])
def test_any_newline_will_do(newline: str) -> None:
    assert texts("a.txt", f"One{newline}line.{newline}{newline}Two.") == ["One\nline.", "Two."]


def test_one_paragraph_is_one_sample() -> None:
    assert texts("a.txt", "\ufeffOnly this.") == ["Only this."]


def test_an_empty_file_has_none() -> None:
    assert texts("a.txt", " \n\n ") == texts("a.jsonl", "\n") == texts("a.csv", "text\n") == []


def test_a_sample_knows_where_it_stood() -> None:
    assert read("../x/letters.txt", b"One.\n\nTwo.", "work") == [
        Incoming("One.", "letters.txt, paragraph 1", "work", "letters.txt"),
        Incoming("Two.", "letters.txt, paragraph 2", "work", "letters.txt"),
    ]


def test_json_lines_name_context_and_source() -> None:
    content = '{"text": "One.", "context": "home", "source": "chat", "id": 7}\n\n"Two."\n{"text": "Th\u2028ree."}'
    assert read("a.jsonl", content.encode(), "work") == [
        Incoming("One.", "a.jsonl, line 1", "home", "chat"),
        Incoming("Two.", "a.jsonl, line 3", "work", "a.jsonl"),
        Incoming("Th\u2028ree.", "a.jsonl, line 4", "work", "a.jsonl"),
    ]


def test_csv_rows_name_context_and_source() -> None:
    content = 'Context, TEXT,more\nhome,"One,\ntwo.",x\n,Three.\n'
    assert read("a.csv", content.encode(), "work") == [
        Incoming("One,\ntwo.", "a.csv, line 3", "home", "a.csv"),
        Incoming("Three.", "a.csv, line 4", "work", "a.csv"),
    ]


def mail(body: str, charset: str = "utf-8") -> EmailMessage:
    message = EmailMessage()
    message["Subject"] = "Hello"
    message.set_content(body, charset=charset)
    return message


def test_a_mail_is_what_its_writer_wrote() -> None:
    body = "Dear Zoë,\n\nYes, gladly.\n\nOn Monday Zoë wrote:\n> Will you come?\n> Do!\n\nBest, Ada\n-- \nAda Ltd.\n"
    assert texts("a.eml", mail(body).as_bytes()) == ["Dear Zoë,\n\nYes, gladly.\n\n\nBest, Ada"]


def test_a_mail_may_have_its_own_charset_and_an_html_twin() -> None:
    message = mail("Grüße, Ada", "iso-8859-1")
    message.add_alternative("<b>Grüße</b>", subtype="html")
    assert texts("a.eml", message.as_bytes()) == ["Grüße, Ada"]


def html_only() -> bytes:
    message = EmailMessage()
    message.set_content("<b>Hello</b>", subtype="html")
    return message.as_bytes()


BROKEN: dict[str, tuple[str, bytes, str]] = {
    "unknown kind": ("a.docx", b"PK", "not known"),
    "no name": ("", b"text", "not known"),
    "latin-1": ("a.txt", "One.\n\nGrüße".encode("latin-1"), "a.txt, line 3 is not UTF-8"),
    "utf-16": ("a.txt", "One.".encode("utf-16"), "line 1 is not UTF-8"),
    "binary": ("a.md", bytes(range(256)), "is not UTF-8"),
    "csv latin-1": ("a.csv", "text\nGrüße".encode("latin-1"), "line 2 is not UTF-8"),
    "no column": ("a.csv", b"words\na\n", "has no column text"),
    "no columns": ("a.csv", b"", "has no column text"),
    "no CSV": ("a.csv", b'"text"b\na\n', "line 1 is not CSV"),
    "no mail": ("a.eml", html_only(), "no readable plain text"),
    "unknown charset": ("a.eml", b"Content-Type: text/plain; charset=nope\n\nGr\xfc\xdfe", "no readable plain text"),
    "wrong charset": ("a.eml", b"Content-Type: text/plain; charset=utf-8\n\nGr\xfc\xdfe", "no readable plain text"),
    "unknown file name": ("a.eml", b"Content-Disposition: inline; filename*\n\nHello.", "no readable plain text"),
    "charset with NUL": ("a.eml", b'Content-Type: text/plain; charset="a\0b"\n\nHello.', "no readable plain text"),
    "endless header": (
        "a.eml",
        b"Content-Type: text/plain; a=" + b"=?utf-8?q?a?= " * 16_000 + b"\n\nHello.",
        "unusual way",
    ),
    "endless header in lines": (
        "a.eml",
        b"Content-Type: text/plain;\r\n a=" + b"=?utf-8?q?a?=\r " * 16_000 + b"\r\n\r\nHello.",
        "unusual way",
    ),
    "brackets": ("a.eml", b"Content-Type: text/plain " + b"(" * 500 + b"\n\nHello.", "no readable plain text"),
    "endless parts": (
        "a.eml",
        b"Content-Type: multipart/mixed; boundary=B\n\n"
        + (b"--B\nContent-Type: image/x; " + b"a=b;" * 140 + b"\n\nx\n") * 800,
        "unusual way",
    ),
    "parts in parts": (
        "a.eml",
        b"".join(b"Content-Type: multipart/mixed; boundary=%d\n\n--%d\n" % (n, n) for n in range(1000)) + b"\n\nHello.",
        "unusual way",
    ),
}


def test_a_mail_of_a_real_program_is_read() -> None:
    """Long style sheets, long names of attachments in another script, a quoted mail with all its headers."""
    message = EmailMessage()
    quoted = "Content-Type: text/plain; charset=utf-8\n" * 20
    message.set_content(f"Hello Tom.\n\n{quoted}")
    message.add_alternative(
        f"<style>\ncontent-visibility: auto; {'color: red; ' * 80}\n</style>", subtype="html", cte="8bit"
    )
    message.add_attachment(b"x", "image", "png", filename="п" * 99 + ".png")
    (sample,) = read("a.eml", message.as_bytes())
    assert sample.text.startswith("Hello Tom.")


@pytest.mark.parametrize(("name", "content", "detail"), BROKEN.values(), ids=BROKEN.keys())
def test_what_cannot_be_read_says_where_and_what_to_do(name: str, content: bytes, detail: str) -> None:
    with worked_within(1), pytest.raises(UnusableFile, match=detail) as caught:
        read(name, content)
    assert caught.value.field == "file"
    assert caught.value.remedy
    assert "Gr" not in caught.value.detail


FAULTY: dict[str, tuple[str, bytes, str]] = {
    "not JSON": ("a.jsonl", b'{"text": ', "not JSON"),
    "deep JSON": ("a.jsonl", b"[" * 200_000, "not JSON"),
    "no text": ("a.jsonl", b'{"words": "a"}', "no text"),
    "a number": ("a.jsonl", b"7", "no text"),
    "text is no text": ("a.jsonl", b'{"text": 7}', "no text"),
    "long context": ("a.jsonl", b'{"text": "a", "context": "' + b"x" * 61 + b'"}', "its context"),
    "half a source": ("a.jsonl", b'{"text": "a", "source": "\\ud83c"}', "its source"),
    "context of NUL": ("a.csv", b"a,x\0", "its context"),
    "not CSV": ("a.csv", b'"a"b,', "not CSV"),
}


@pytest.mark.parametrize(("name", "line", "fault"), FAULTY.values(), ids=FAULTY.keys())
def test_a_faulty_line_is_told_and_costs_no_other(name: str, line: bytes, fault: str) -> None:
    head, first, last = (b"text,context\n", b"One.,", b"Two.,") if name == "a.csv" else (b"", b'"One."', b'"Two."')
    one, wrong, two = read(name, head + b"\n".join((first, line, last)))
    assert (one.text, wrong.text, two.text) == ("One.", "", "Two.")
    assert wrong.place == f"{name}, line {3 if head else 2}"
    assert fault in (wrong.fault or "")
    assert one.fault is two.fault is None


def test_a_quote_that_is_never_closed_takes_the_rest_along() -> None:
    one, wrong = read("a.csv", b'text\nOne.\n"Two.\nThree.\n')
    assert (one.text, wrong.text, wrong.place) == ("One.", "", "a.csv, line 3")
    assert "not CSV" in (wrong.fault or "")


@pytest.mark.parametrize("make", [lambda n: b"\xff" * n, lambda n: b"\n \n" * n, lambda n: b'"' * n])
def test_a_big_hostile_file_is_read_fast(make: Callable[[int], bytes]) -> None:
    # A tenth of it on a busy machine; what grows with the square of the size takes minutes.
    with worked_within(20):
        for name in ("a.txt", "a.csv", "a.jsonl", "a.eml"):
            with suppress(UnusableFile):
                read(name, make(500_000))
