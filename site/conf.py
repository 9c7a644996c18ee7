"""The settings of Sphinx for the site; `build.py` calls it and says where things are.

Sphinx, with MyST for Markdown and the theme furo: of the generators that are kept up it is the one that makes a guide,
a reference from docstrings and a search in one run, all of it static files without anything from the network. Furo has
light and dark, works on a phone and without scripts, and uses the system's fonts. Docstrings are read from the source
by sphinx-autoapi, so that building the site imports no synth. MkDocs has had no release since 2024, and Zensical, its
successor, has no reference from docstrings of its own yet.
"""

from pathlib import Path

import sphinx_parts

HERE = Path(__file__).parent

project = "patchflow"
html_title = "patchflow"
html_favicon = str(HERE / "favicon.svg")
html_show_copyright = False
extensions = ["myst_parser", "autoapi.extension", "sphinx.ext.napoleon"]

autoapi_dirs = [str(HERE.parent / "patchflow")]
autoapi_root = "reference"
autoapi_options = ["members", "show-inheritance"]
autoapi_add_toctree_entry = False  # the navigation would have 300 lines on every page; reference.md lists them
autoapi_member_order = "groupwise"
autoapi_keep_files = False
napoleon_numpy_docstring = False
napoleon_use_ivar = True  # else an attribute that is a property too is described twice

myst_enable_extensions = ["attrs_inline", "colon_fence", "dollarmath"]
myst_heading_anchors = 3
html_math_renderer = "mathml"

html_theme = "furo"
html_css_files = ["site.css"]
html_js_files = [("web/index.js", {"type": "module"})]
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_use_index = False
html_domain_indices = False
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"

suppress_warnings = [
    "autoapi.python_import_resolution",
    "ref.python",  # a word of a docstring that is also a name
    "toc.not_included",  # the pages of the reference are linked from lists
]


def setup(app):
    """Adds what Sphinx lacks, see `sphinx_parts`."""
    sphinx_parts.add_to(app)
