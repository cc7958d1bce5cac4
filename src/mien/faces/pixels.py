"""Pixel fields of text, looked at word by word: what is wrong with one that is not FER2013's."""

_GRAYS = frozenset(map(str, range(256)))


def pixel_mistakes(text: str, count: int) -> list[str]:
    """What is wrong with one pixel field, in words; [] if it is `count` numbers 0..255 with white space between."""
    words = text.split()
    mistakes = [] if len(words) == count else [f"{len(words):,} pixels, {count:,} expected"]
    wrong = [place for place, word in enumerate(words) if word not in _GRAYS and not _is_gray(word)]
    if wrong:
        more = f" (and {len(wrong) - 1:,} more in this row)" if len(wrong) > 1 else ""
        mistakes.append(f"pixel {wrong[0] + 1:,} is {shown(words[wrong[0]])}, 0..255 expected{more}")
    return mistakes


def shown(word: str) -> str:
    """A word as a message shows it: quoted, and short."""
    return repr(word if len(word) <= 20 else word[:20] + "...")


def _is_gray(word: str) -> bool:
    return word.isascii() and word.isdigit() and len(word) < 10 and int(word) <= 255
