"""The parts of a drawn face, back to front."""

from dataclasses import dataclass

import numpy as np

from mien.faces.drawn.expression import Field, Motion
from mien.faces.drawn.paint import Grid, bump, inside, lit, over, ridge
from mien.faces.drawn.person import Person


def paint(who: Person, move: Motion, at: Grid) -> Field:
    """Paint persons with an expression: grays float32 [N, H, W], about 0..1."""
    lips = mouth_lines(who, move, at)
    head = head_radius(who, move, at)
    light = lit(relief(who, move, at, head), who, at)
    skin = features(who.skin * np.ones_like(at.x), who, move, at, lips)
    skin = over(beard(skin, who, at, lips), 0.0, creases(who, move, at, lips))
    skin = eyes(mouth(skin, who, move, at, lips), who, move, at)
    skin = brows(skin, who, move, at)
    canvas = behind(who, at)
    canvas = over(canvas, skin * light, inside((head - 1) * 0.7, at.pixel))
    canvas = hair(canvas, who, at, head, light)
    canvas = glasses(canvas, who, at)
    return hand(canvas, who, at)


def head_radius(who: Person, move: Motion, at: Grid) -> Field:
    """1 on the outline of the head, less within; a dropped jaw makes the chin longer."""
    low = np.clip((at.y - 0.05) / 0.95, 0, 1)
    width = who.width * (1 - (1 - who.jaw_width) * low * low)
    height = np.where(at.y < 0, 1.08, 0.97 + 0.5 * move.jaw)
    radius: Field = np.sqrt((at.x / width) ** 2 + (at.y / height) ** 2)
    return radius


@dataclass(frozen=True)
class MouthLines:
    """The mouth at every pixel's x: the corner's place, and where the lips' edges run, as y."""

    half: Field
    corner_y: Field
    arch: Field
    upper_edge: Field
    upper: Field
    lower: Field
    lower_edge: Field


def mouth_lines(who: Person, move: Motion, at: Grid) -> MouthLines:
    """Bend the mouth's lines as the action units pull its corners, lips and jaw."""
    half = who.mouth_width + move.corner_out
    across = np.minimum((at.x / half) ** 2, 1)
    arch = 1 - across
    curve = who.mouth_curve + move.corner_up
    middle = who.mouth_y + 0.35 * curve
    line = middle - curve * across
    upper = line - move.upper_lip * arch
    lower = line + (move.lower_lip + move.jaw) * arch
    full = who.lip_full * (1 - 0.85 * move.thin)
    bow = 1 - 0.3 * ridge(at.x, 0.09)
    return MouthLines(
        half=half,
        corner_y=middle - curve,
        arch=arch,
        upper_edge=upper - 0.85 * full * arch * bow,
        upper=upper,
        lower=lower,
        lower_edge=lower + 1.15 * full * np.sqrt(arch),
    )


def relief(who: Person, move: Motion, at: Grid, head: Field) -> Field:
    """The height of the face towards the viewer."""
    side, y = np.abs(at.x), at.y
    height = 0.62 * np.sqrt(np.maximum(0.04, 1 - head * head))
    height += 0.07 * bump(at.x / 0.13, (y - who.nose_y + 0.25) / 0.34)
    height += 0.10 * bump(at.x / (1.15 * who.nose_width), (y - who.nose_y + 0.03) / 0.14)
    height -= 0.075 * bump((side - 0.9 * who.eye_apart) / 0.25, (y - who.eye_y + 0.02) / 0.17)
    height += (0.035 + 0.06 * move.cheek) * bump((side - 0.42) / 0.24, (y - 0.17 + 0.05 * move.cheek) / 0.2)
    height += 0.03 * move.furrow * bump(side / 0.16, (y - who.eye_y + 0.13) / 0.12)
    height -= 0.05 * move.fold * ridge(fold_distance(who, at), 0.09) * fold_range(who, at)
    height -= 0.035 * bump(at.x / 0.24, (y - who.mouth_y - 0.16 - move.jaw - move.lower_lip) / 0.08)
    height += 0.05 * bump(at.x / 0.26, (y - 0.83 - 0.5 * move.jaw) / 0.18)
    return height


def fold_distance(who: Person, at: Grid) -> Field:
    """The distance across from the crease between the nose's wing and the mouth's corner."""
    along = np.clip((at.y - who.nose_y + 0.03) / (who.mouth_y - who.nose_y), 0, 1.2)
    bowed = along + 0.5 * along * (1 - along)
    return np.abs(at.x) - (who.nose_width + 0.03 + bowed * (who.mouth_width - who.nose_width + 0.07))


def fold_range(who: Person, at: Grid) -> Field:
    """1 between the nose's wing and just below the mouth, fading."""
    return ridge(at.y - 0.5 * (who.nose_y + who.mouth_y), 0.26)


def creases(who: Person, move: Motion, at: Grid, lips: MouthLines) -> Field:
    """How dark the skin's creases are: those of age, and those that action units fold."""
    side, y = np.abs(at.x), at.y
    brow = y - who.eye_y
    dark = (0.06 + 0.16 * who.age + 0.3 * move.fold) * ridge(fold_distance(who, at), 0.05) * fold_range(who, at)
    dark += (
        (0.25 * move.forehead + 0.15 * who.age)
        * (ridge(brow + 0.36, 0.025) + ridge(brow + 0.45, 0.025))
        * ridge(at.x, 0.6)
    )
    dark += 0.45 * move.furrow * ridge(side - 0.05, 0.03) * ridge(brow + 0.11, 0.14)
    dark += 0.35 * move.nose * (ridge(brow - 0.04, 0.022) + ridge(brow - 0.11, 0.022)) * ridge(at.x, 0.2)
    under = brow - 0.13 + 0.035 * move.cheek + 0.5 * (side - who.eye_apart) ** 2
    dark += (0.1 + 0.2 * who.age + 0.3 * move.cheek) * ridge(under, 0.03) * ridge(side - who.eye_apart, 0.25)
    outside = side - who.eye_apart - who.eye_width
    feet = ridge(brow - 0.5 * outside, 0.025) + ridge(brow + 0.4 * outside, 0.025)
    dark += 0.3 * move.cheek * feet * ridge(outside - 0.08, 0.09)
    dark += 0.3 * ridge(y - lips.corner_y, 0.05) * ridge(side - lips.half, 0.05)
    dark += 0.2 * bump(at.x / 0.2, (y - lips.lower_edge - 0.035) / 0.04)
    return np.minimum(dark, 0.75)


def features(skin: Field, who: Person, move: Motion, at: Grid, lips: MouthLines) -> Field:
    """The nose's outline and nostrils, and a darker tint about the eyes."""
    side = np.abs(at.x)
    low = at.y - who.nose_y + 0.035 * move.nose
    skin = over(skin, 0.5 * skin, 0.35 * bump((side - who.eye_apart) / 0.26, (at.y - who.eye_y) / 0.15))
    wing = np.sqrt((side - who.nose_width) ** 2 + (low + 0.02) ** 2) - 0.05
    skin = over(skin, 0.5 * skin, 0.5 * ridge(wing, 0.03) * (side > who.nose_width - 0.01))
    skin = over(skin, 0.55 * skin, 0.7 * ridge(low - 0.055, 0.045) * ridge(at.x / who.nose_width, 1.3))
    return over(skin, 0.12, 0.85 * bump((side - 0.55 * who.nose_width) / 0.06, (low - 0.03) / 0.04))


def beard(skin: Field, who: Person, at: Grid, lips: MouthLines) -> Field:
    """Beard and moustache, or their shadow."""
    side, y = np.abs(at.x), at.y
    jaw = np.clip((np.maximum(y - who.mouth_y - 0.02, 1.2 * (side - who.width) + 0.3)) / 0.2, 0, 1)
    jaw = jaw * np.clip((y + 0.05) / 0.3, 0, 1)
    lip = inside(np.maximum(who.nose_y + 0.09 + 0.9 * at.x * at.x - y, y - lips.upper_edge), 2 * at.pixel)
    skin = over(skin, 0.8 * who.hair, 0.7 * who.beard * jaw)
    return over(skin, 0.7 * who.hair, 0.8 * who.moustache * lip * inside(side - 0.3, 0.15))


def mouth(skin: Field, who: Person, move: Motion, at: Grid, lips: MouthLines) -> Field:
    """Lips, the dark between them, teeth and tongue."""
    y, pixel = at.y, at.pixel
    within = inside(np.abs(at.x) - lips.half, 1.5 * pixel)
    skin = over(
        skin, who.skin * who.lip_dark, inside(np.maximum(lips.upper_edge - y, y - lips.lower_edge), pixel) * within
    )
    gap = lips.lower - lips.upper
    opening = inside(np.maximum(lips.upper - y, y - lips.lower), pixel) * within
    cavity = 0.06 + 0.25 * bump(at.x / 0.2, (y - lips.lower) / 0.1)
    parted = np.clip(gap / 0.05 - 0.4, 0, 1)
    cavity = over(cavity, who.white, inside(y - lips.upper - 0.055, pixel) * parted)
    lower_teeth = np.minimum(move.lower_lip / 0.07, 1) * inside(lips.lower - 0.045 - y, pixel) * parted
    return over(skin, over(cavity, 0.9 * who.white, lower_teeth), opening)


def eyes(skin: Field, who: Person, move: Motion, at: Grid) -> Field:
    """Eyeballs between their lids."""
    side, pixel = np.abs(at.x), at.pixel
    out = side - who.eye_apart
    arch = np.maximum(1 - (out / who.eye_width) ** 2, 0)
    wide = np.maximum(who.eye_open + move.upper_lid, 0.004) * (1 - who.lids_closed)
    upper = who.eye_y - 0.12 * out - wide * arch
    lower = who.eye_y - 0.12 * out + np.maximum(0.6 * who.eye_open - move.lower_lid, -0.5 * wide) * arch
    x = at.x - np.where(at.x < 0, -who.eye_apart, who.eye_apart) - who.gaze_x
    y = at.y - who.eye_y + 0.008 - who.gaze_y
    far = np.sqrt(x * x + y * y)
    ball = over(over(who.white, who.iris, inside(far - 0.078, pixel)), 0.02, inside(far - 0.036, pixel))
    ball = over(ball, who.white, 0.8 * bump((x + 0.025) / 0.035, (y + 0.03) / 0.035))
    within = inside(np.abs(out) - who.eye_width, 1.5 * pixel)
    skin = over(skin, ball, inside(np.maximum(upper - at.y, at.y - lower), pixel) * within)
    skin = over(
        skin, 0.08, 0.85 * ridge(at.y - upper + 0.008, 0.032) * inside(np.abs(out) - who.eye_width - 0.01, 2 * pixel)
    )
    skin = over(skin, 0.5 * who.skin, 0.5 * ridge(at.y - lower - 0.01, 0.03) * within)
    return over(skin, 0.6 * who.skin, 0.5 * ridge(at.y - upper + 0.055, 0.025) * within)


def brows(skin: Field, who: Person, move: Motion, at: Grid) -> Field:
    """Eyebrows, each a tapering stroke between its inner and outer end."""
    start = who.eye_apart - 0.2 - move.brow_drawn
    along = (np.abs(at.x) - start) / 0.43
    line = who.eye_y - who.brow_raised - who.brow_slant * along - 0.16 * along * (1 - along) + 0.02 * along
    line = line - move.brow_inner * (1 - along) - move.brow_outer * along
    across = np.abs(at.y - line) - who.brow_thick * (1 - 0.55 * np.clip(along, 0, 1))
    ends = inside((np.abs(along - 0.5) - 0.5) * 0.43, 2.5 * at.pixel)
    return over(skin, 0.8 * who.hair, who.brow_dark * inside(across, 1.3 * at.pixel) * ends)


def behind(who: Person, at: Grid) -> Field:
    """Backdrop, long hair, ears, neck and shoulders."""
    side, pixel = np.abs(at.x), at.pixel
    canvas: Field = who.backdrop + who.backdrop_slope * (at.screen_x + at.screen_y)
    mane = np.sqrt((at.x / (who.width + 0.2)) ** 2 + (at.y / 1.2) ** 2) - 1
    canvas = over(
        canvas,
        who.hair * streaks(who, at),
        inside(mane, 2 * pixel) * (who.hair_long > 0.3) * inside(at.y - 0.2 - 0.7 * who.hair_long, 0.2),
    )
    canvas = over(canvas, 0.6 * who.skin, inside(np.maximum(side - 0.62 * who.width, 0.5 - at.y), 2 * pixel))
    canvas = over(canvas, who.clothes, inside(1.12 - 0.35 * side - at.y, 2 * pixel))
    ear = np.sqrt(((side - who.width - 0.01) / 0.09) ** 2 + ((at.y + 0.02) / 0.2) ** 2) - 1
    return over(canvas, 0.75 * who.skin, inside(ear * 0.1, pixel) * (who.hair_long < 0.3))


def streaks(who: Person, at: Grid) -> Field:
    """Strands of hair, a gray's factor of about 1."""
    fall = (at.x - 0.4 * who.parting) / (np.maximum(at.y, -1.2) + 2.0)  # strands fan out from the parting
    fine, coarse = who.curl * fall, 0.37 * who.curl * fall + 0.8 * at.y
    return 0.88 + 0.3 * np.abs(fine - np.round(fine)) + 0.25 * np.abs(coarse - np.round(coarse))


def hair(canvas: Field, who: Person, at: Grid, head: Field, light: Field) -> Field:
    """Hair above the hairline and beside the face."""
    from_parting = np.abs(at.x - 0.4 * who.parting)
    line = np.minimum(who.hairline + from_parting * (who.fringe + 0.4 * from_parting), who.fringe_low) - 0.5 * who.bald
    cap = np.sqrt((at.x / (who.width + who.hair_full)) ** 2 + (at.y / (1.12 + who.hair_full)) ** 2) - 1
    top = inside(at.y - line, 2.5 * at.pixel) * inside(cap * 0.8, 2 * at.pixel)
    curtain = inside(0.97 - 0.13 * who.hair_long - head, 3 * at.pixel) * inside(
        np.abs(at.x) - who.width - 0.15, 2 * at.pixel
    )
    curtain = curtain * inside(at.y + 0.15 - 0.9 * who.hair_long, 0.15) * (1 - who.bald)
    shine = who.hair * streaks(who, at) * (0.6 + 0.4 * light)
    return over(canvas, shine, np.maximum(top, curtain))


def glasses(canvas: Field, who: Person, at: Grid) -> Field:
    """Spectacles, some of them dark."""
    side, y = np.abs(at.x), at.y - who.eye_y - 0.02
    x2, y2 = ((side - who.eye_apart) / 0.25) ** 2, (y / 0.18) ** 2
    lens = (np.sqrt(np.sqrt(x2 * x2 + y2 * y2)) - 1) * 0.2
    bridge = np.maximum(np.abs(y + 0.03) - 0.015, side - who.eye_apart + 0.22)
    arm = np.maximum(np.abs(y + 0.05) - 0.015, np.maximum(who.eye_apart + 0.22 - side, side - who.width))
    frame = np.minimum(np.minimum(np.abs(lens) - 0.017, bridge), arm)
    worn = who.glasses > 0
    canvas = over(canvas, 0.1, 0.9 * who.dark_glasses * worn * inside(lens, at.pixel))
    return over(canvas, 0.08, who.glasses * inside(frame, at.pixel))


def hand(canvas: Field, who: Person, at: Grid) -> Field:
    """A hand, held before the face from below."""
    x = at.x - who.hand_x + who.hand_tilt * (at.y - who.hand_y)
    above = np.minimum(at.y - who.hand_y, 0)
    finger = x * 4.5 + 0.5
    groove = np.abs(finger - np.round(finger))
    tip = np.sqrt(x * x + above * above) - 0.24
    return over(canvas, who.skin * (0.65 + 0.6 * groove), who.hand * inside(tip, 2 * at.pixel))
