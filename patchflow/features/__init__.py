"""Sound to numbers, batched, in torch; and the names of what is measured, without it.

Sounds come in as tensors `(B, T)` with their sample rate; spectrograms `(B, F, N)` or named values `(B,)` go out. Open
`mel.py` first: nearly everything here begins with it.

* `mel.py`: mel spectrograms, levels in dB and cepstra, equal to librosa's; and fingerprints, some 500 bytes.
* `log_spectrum.py`: bands of equal width in cents, and fine spectra that tell how far two sounds are out of tune.
* `inputs/`: the spectrograms that models take as input, a registry.
* `descriptors.py`: what a sound is like, in units (Hz, s, dB): brightness, attack, noisiness, movement; and of
  the held part of a note: harmonicity, dynamics, weight, roughness.
* `measures.py`: the attributes of sounds that `ear` measures: their names, ends, units, and the words for them.
"""

__all__ = []
