"""Everything about a drawn face but its expression: identity, pose, light and camera."""

from dataclasses import dataclass

import numpy as np

from mien.faces.drawn.expression import Field


@dataclass(frozen=True)
class Person:
    """Identity, pose, light and camera of N faces, each float32 [N, 1, 1]; lengths in half the image's side."""

    # the head
    width: Field
    jaw_width: Field
    skin: Field
    white: Field
    eye_apart: Field
    eye_y: Field
    eye_width: Field
    eye_open: Field
    lids_closed: Field
    iris: Field
    brow_raised: Field
    brow_slant: Field
    brow_thick: Field
    brow_dark: Field
    nose_width: Field
    nose_y: Field
    mouth_y: Field
    mouth_width: Field
    lip_full: Field
    lip_dark: Field
    mouth_curve: Field
    age: Field
    # hair
    hair: Field
    hairline: Field
    parting: Field
    fringe: Field
    fringe_low: Field
    curl: Field
    hair_full: Field
    hair_long: Field
    bald: Field
    beard: Field
    moustache: Field
    # what is worn, and what covers the face
    glasses: Field
    dark_glasses: Field
    hand: Field
    hand_x: Field
    hand_y: Field
    hand_tilt: Field
    # pose
    roll: Field
    yaw: Field
    pitch: Field
    scale: Field
    left: Field
    up: Field
    gaze_x: Field
    gaze_y: Field
    # light and camera
    light_x: Field
    light_y: Field
    light_hard: Field
    backdrop: Field
    backdrop_slope: Field
    clothes: Field
    contrast: Field
    brightness: Field
    blur: Field
    noise: Field


def sample(rng: np.random.Generator, n: int) -> Person:
    """Draw n persons, poses and lights at random."""

    def between(low: float, high: float) -> Field:
        return rng.uniform(low, high, (n, 1, 1)).astype(np.float32)

    def around(middle: float, spread: float) -> Field:
        """Bell-shaped, within `spread` of the middle."""
        bell = between(-0.5, 0.5) + between(-0.5, 0.5) + between(-0.5, 0.5)
        return middle + (spread / 1.5) * bell

    def chance(share: float) -> Field:
        return (between(0, 1) < share).astype(np.float32)

    skin = between(0.4, 0.86)
    hair = between(0.04, 0.42) + chance(0.15) * between(0.1, 0.4)
    manly = chance(0.5)
    return Person(
        width=around(0.74, 0.09),
        jaw_width=around(0.75, 0.14),
        skin=skin,
        white=0.55 + 0.45 * skin,
        eye_apart=around(0.335, 0.05),
        eye_y=around(-0.17, 0.06),
        eye_width=around(0.165, 0.03),
        eye_open=around(0.062, 0.024),
        lids_closed=chance(0.03),
        iris=between(0.05, 0.3),
        brow_raised=around(0.165, 0.05),
        brow_slant=around(0.0, 0.05),
        brow_thick=around(0.04, 0.02) + 0.01 * manly,
        brow_dark=between(0.35, 0.95),
        nose_width=around(0.135, 0.035),
        nose_y=around(0.2, 0.05),
        mouth_y=around(0.5, 0.06),
        mouth_width=around(0.27, 0.05),
        lip_full=around(0.055, 0.025),
        lip_dark=between(0.55, 0.9),
        mouth_curve=around(0.0, 0.035),
        age=between(0, 1) * between(0, 1),
        hair=hair,
        hairline=around(-0.66, 0.14),
        parting=between(-1.2, 1.2),
        fringe=between(-0.1, 0.4),
        fringe_low=around(-0.44, 0.14),
        curl=between(12, 40),
        hair_full=between(0.03, 0.16),
        hair_long=chance(0.75) * (1 - manly) * between(0.5, 1) + manly * between(0, 0.25),
        bald=chance(0.15) * manly,
        beard=chance(0.35) * manly * between(0.2, 1),
        moustache=chance(0.35) * manly * between(0.3, 1),
        glasses=chance(0.16) * between(0.5, 1),
        dark_glasses=chance(0.12),
        hand=chance(0.12),
        hand_x=between(-0.75, 0.75),
        hand_y=between(-0.1, 1.0),
        hand_tilt=between(-0.6, 0.6),
        roll=around(0.0, 0.14),
        yaw=around(0.0, 0.2),
        pitch=around(0.0, 0.08),
        scale=around(1.13, 0.1),
        left=around(0.0, 0.06),
        up=around(0.0, 0.05),
        gaze_x=around(0.0, 0.05),
        gaze_y=around(0.0, 0.02),
        light_x=around(0.0, 0.9),
        light_y=around(-0.35, 0.5),
        light_hard=between(0.3, 0.9),
        backdrop=between(0.05, 0.95),
        backdrop_slope=between(-0.2, 0.2),
        clothes=between(0.05, 0.8),
        contrast=between(0.85, 1.2),
        brightness=around(0.0, 0.12),
        blur=between(0, 1) * between(0, 1),
        noise=between(0, 1) * between(0.0, 0.025),
    )
