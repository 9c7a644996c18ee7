"""Sound to numbers, batched, in torch: `features.mel`, `features.mfcc`, `features.descriptors`, equal to librosa's."""

__all__ = []
