"""Files and artifacts: atomic writing, downloads, archives, conversion of weights."""
