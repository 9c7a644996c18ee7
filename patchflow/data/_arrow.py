"""Apache Arrow and its Parquet files, or one line that says how to get them."""

from importlib.util import find_spec

from ..errors import MissingDependency

__all__ = ["pa", "pq"]

if find_spec("pyarrow") is None:
    raise MissingDependency("data sets need the package 'pyarrow': pip install 'patchflow[data]'")

import pyarrow as pa
import pyarrow.parquet as pq
