"""How Sphinx builds the documentation: `make docs`. Every code cell runs in the build; every warning is an error."""

import importlib.metadata
import os
import sys
from pathlib import Path

from jupyter_cache import get_cache

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_ext"))

# Code cells call the command that is installed beside this Python, in a terminal of 80 columns.
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
os.environ["COLUMNS"] = "80"
started = HERE.parent / "build" / "ipython" / "profile_default" / "startup"
started.mkdir(parents=True, exist_ok=True)
(started / "in_one_piece.py").write_text((HERE / "_ext" / "in_one_piece.py").read_text("utf-8"), "utf-8")
# Kernels talk over local ports; that they do not encrypt what a page prints anyway is no warning of this build.
(started.parent / "ipython_kernel_config.py").write_text('get_config().IPKernelApp.log_level = "ERROR"\n', "utf-8")
os.environ["IPYTHONDIR"] = str(started.parent.parent)

project = "steptime"
author = "the steptime project"
project_copyright = author
release = version = importlib.metadata.version("steptime")

extensions = ["myst_nb", "sphinx.ext.autodoc", "native_mathml", "written_pages"]
exclude_patterns = ["_build", "_ext"]
nb_execution_cache_path = str(HERE.parent / "build" / "jupyter")
# Its tables are made here: of several readers that begin at once each would make them, and all but one fail.
get_cache(nb_execution_cache_path).list_cache_records()
html_math_renderer = "mathml"
html_theme = "furo"
html_title = f"steptime {release}"
html_static_path = ["_static"]
html_css_files = ["steptime.css"]

myst_enable_extensions = ["attrs_inline", "deflist", "dollarmath", "fieldlist"]
myst_heading_anchors = 3

nb_execution_mode = "cache"
nb_execution_timeout = 120
nb_execution_raise_on_error = True
nb_merge_streams = True

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 100
suppress_warnings = ["mystnb.unknown_mime_type"]
