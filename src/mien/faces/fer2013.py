"""FER2013 and FER+: the names of their emotions, splits and votes, and the size of their faces."""

EMOTIONS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
"""FER2013's classes in the order of its `emotion` column, 0..6 (Goodfellow et al. 2013, arXiv 1307.0414)."""

EIGHT = (*EMOTIONS, "contempt")
"""FER+'s emotions, in this order (Barsoum et al. 2016, arXiv 1608.01041)."""

SPLITS = ("train", "validation", "test")

VOTES = ("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt", "unknown", "NF")
"""FER+'s columns in their order: votes of ten annotators (Barsoum et al. 2016, arXiv 1608.01041)."""

VOTE_OF = dict(
    zip(EIGHT, ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral", "contempt"), strict=True)
)
"""The column of FER+ for each emotion."""

SIZE = 48
"""The side of a FER2013 face in pixels."""
