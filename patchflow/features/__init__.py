"""Sound to numbers: `features.mel` and `features.mfcc`, batched, in torch, equal to librosa's."""

__all__ = []
