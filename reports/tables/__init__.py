"""Tables for terminal, CSV, Markdown and LaTeX."""
