"""Tables as HTML."""

from xml.etree import ElementTree

from mien.html_tables import Html, html_lines, html_table


def cells(html: str, tag: str) -> list[tuple[str, str]]:
    """The text of each cell, and the side on which it stands."""
    elements = ElementTree.fromstring(html).iter(tag)
    sides = ((one, one.attrib["style"].split(";")[0].removeprefix("text-align:")) for one in elements)
    return [("".join(one.itertext()), side) for one, side in sides]


def test_text_stands_left_and_numbers_right() -> None:
    html = html_table(["emotion", "train"], [["happy", 7215], ["sad", "4,830"]], "faces", ["all", 12045])
    assert cells(html, "th") == [("emotion", "left"), ("train", "right")]
    assert cells(html, "td") == [
        *[("happy", "left"), ("7,215", "right")],
        *[("sad", "left"), ("4,830", "right")],
        *[("all", "left"), ("12,045", "right")],
    ]
    assert ElementTree.fromstring(html).findtext("caption") == "faces"


def test_text_is_escaped_and_html_is_not() -> None:
    html = html_table(["<b>"], [["<script>&"], [Html("<i>a</i>")]], '"<caption>"')
    assert "<script>" not in html
    assert [text for text, _ in cells(html, "td")] == ["<script>&", "a"]
    assert "<i>a</i>" in html
    assert html_lines(["a < b", Html("<b>c</b>")], "li") == "<li>a &lt; b</li>\n<li><b>c</b></li>"


def test_it_has_no_colour_of_its_own() -> None:
    html = html_table(["a"], [["b"]], "c", ["d"])
    assert "color:" not in html.replace("text-align", "")
    assert "background" not in html
    assert "#" not in html
