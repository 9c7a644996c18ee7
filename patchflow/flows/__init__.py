"""Invertible maps of vectors, one a file: a flow returns a vector and how it changes volumes.

`flows["iaf"]` is a class; `chain` makes a long flow of many steps of one kind. Open `_flow` first: its interface says
what every flow promises, and it joins flows. Then, by how they are inverted:

* Couplings, one pass either way: `realnvp` (affine), `spline`.
* Autoregressive, one pass forward, coordinate by coordinate back: `iaf`, `maf`, `naf`, `autoregressive_spline`.
* Residual, whose inverse is the root of an increasing function: `planar`, `sylvester`.
* Of each coordinate alone, or of their order: `actnorm`, `permutation`.
* Between the line and the cube that presets are encoded in: `sigmoid`, `normal_cdf`, `logit`.

What they share: `_blocks` has the networks that give the parameters of a flow, of couplings and of autoregressive
ones, has the splines, and finds roots.
"""

from ._flow import Chain, Flow, chain, flows

__all__ = ["Chain", "Flow", "chain", "flows"]
