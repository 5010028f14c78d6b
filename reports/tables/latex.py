"""LaTeX tables in the form of the paper's: booktabs, best in bold red, second best blue and underlined."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from ..scores.labels import ARROWS, MISSING
from .result_table import Column, Line, ResultTable

WIDTH = 115
"""Characters that fit a page's width at ten points; wider tables continue below, in the same float."""

SMALL_WIDTH = 150
"""The same at eight points, which tables with ± are set in."""

PAGE_LINES = 34
"""Lines of a table that fit a landscape page of A4 below its caption."""

PREAMBLE = r"""% Needs in the preamble: \usepackage{booktabs} \usepackage[table]{xcolor}
\providecommand{\best}[1]{\textcolor{red}{\textbf{#1}}}
\providecommand{\second}[1]{\textcolor{blue}{\underline{#1}}}
"""

_ESCAPES = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "†": r"\textsuperscript{$\dagger$}",
    "‡": r"\textsuperscript{$\ddagger$}",
    "↑": r"$\uparrow$",
    "↓": r"$\downarrow$",
    "∞": r"$\infty$",
    "−": r"$-$",
    "±": r"$\pm$",
    "×": r"$\times$",
    "µ": r"$\mu$",
    "≤": r"$\le$",
    "≥": r"$\ge$",
    "τ": r"$\tau$",
    "ρ": r"$\rho$",
    "²": r"\textsuperscript{2}",
    "³": r"\textsuperscript{3}",
    "–": "--",
    "—": "---",
    "’": "'",
    "“": "``",
    "”": "''",
    "…": r"\dots{}",
}


_GREEK = {
    "α": "alpha",
    "β": "beta",
    "γ": "gamma",
    "δ": "delta",
    "ε": "varepsilon",
    "ζ": "zeta",
    "η": "eta",
    "θ": "theta",
    "ι": "iota",
    "κ": "kappa",
    "λ": "lambda",
    "μ": "mu",
    "ν": "nu",
    "ξ": "xi",
    "ο": "omicron",
    "π": "pi",
    "ρ": "rho",
    "ς": "varsigma",
    "σ": "sigma",
    "τ": "tau",
    "υ": "upsilon",
    "φ": "varphi",
    "χ": "chi",
    "ψ": "psi",
    "ω": "omega",
    "Γ": "Gamma",
    "Δ": "Delta",
    "Θ": "Theta",
    "Λ": "Lambda",
    "Ξ": "Xi",
    "Π": "Pi",
    "Σ": "Sigma",
    "Υ": "Upsilon",
    "Φ": "Phi",
    "Ψ": "Psi",
    "Ω": "Omega",
}
_LATIN_CAPITALS = dict(zip("ΑΒΕΖΗΙΚΜΝΟΡΤΧ", "ABEZHIKMNOPTX", strict=True))
"""Greek capitals that look like Latin ones."""

_NEVER_PDF = "\u0149\u017f"
"""Letters of Latin Extended-A that T1 fonts do not have."""


def escape(text: str) -> str:
    r"""Text as LaTeX prints it, with every letter.

    Greek letters are set in mathematics; letters that pdfLaTeX has no font for stand in ``\anyletter``, which
    prints them with LuaLaTeX and XeLaTeX, and their code with pdfLaTeX. A hyphen before a number becomes a
    minus sign.

    >>> escape("β-Fusion")
    '$\\beta$-Fusion'
    """
    text = re.sub(r"(?<![\w-])-(?=[\d.])", "−", unicodedata.normalize("NFC", text))
    return "".join(_printed(c) for c in text if c.isprintable())


def _printed(character: str) -> str:
    if (known := _ESCAPES.get(character)) is not None:
        return known
    if is_everywhere(character):
        return character
    if greek := _greek(character):
        return f"${greek}$"
    return rf"\anyletter{{{character}}}{{U+{ord(character):04X}}}"


def _greek(character: str) -> str:
    apart = unicodedata.normalize("NFD", character)
    base, marks = apart[0], apart[1:]
    if marks and marks != "\u0301":
        return ""
    if base == "ο":
        found = "o"
    elif base in _LATIN_CAPITALS:
        found = rf"\mathrm{{{_LATIN_CAPITALS[base]}}}"
    elif base in _GREEK:
        found = rf"\{_GREEK[base]}"
    else:
        return ""
    return rf"\acute{{{found}}}" if marks else found


def is_everywhere(character: str) -> bool:
    """Whether pdfLaTeX prints a character as it stands (T1 fonts, UTF-8 input)."""
    return (ord(character) < 0x180 and character not in _NEVER_PDF) or character in "ȘșȚț"


_ANY_LETTER = re.compile(r"\\anyletter\{(.)\}")


def _letters_note(body: str) -> str:
    r"""The definition of ``\anyletter``, with what to compile with, where a body needs it; else nothing."""
    letters = "".join(dict.fromkeys(_ANY_LETTER.findall(body)))
    if not letters:
        return ""
    return (
        f"% Note: pdfLaTeX has no font for {letters} and prints codes; compile with lualatex or xelatex and a"
        " font that has"
        " them\n\\ifdefined\\anyletter\\else\\protected\\def\\anyletter#1#2{"
        "\\ifdefined\\directlua#1\\else\\ifdefined\\XeTeXversion#1\\else\\fbox{\\tiny"
        " #2}\\fi\\fi}\\fi\n"
    )


def latex_table(table: ResultTable) -> str:
    """A ``table*`` float that compiles on its own preamble lines (given as a comment at its head)."""
    small = any(any(line.halves) for line in table.lines)  # ± makes columns wide
    tabulars = "\n\\par\\medskip\n".join(
        _tabular(chunk)
        for chunk in table.chunks_within(SMALL_WIDTH if small else WIDTH, gap=2, wrapped=False)
    )
    if small:
        tabulars = f"\\footnotesize\n{tabulars}"
    many = len(table.footnotes) > 3
    spoken = [". ".join(note.rstrip(".") for note in table.footnotes)] if many else table.footnotes
    notes = "".join(f"\n\\par{{\\footnotesize {escape(note)}}}" for note in spoken)
    marks = (
        r" Best in \best{bold red}, second best \second{blue and underlined}." if _is_marked(table) else ""
    )
    body = (
        f"\\begin{{table*}}[t]\n\\centering\n\\caption{{{escape(table.caption)}{marks}}}\n"
        f"\\label{{tab:{table.name}}}\n{tabulars}{notes}\n\\end{{table*}}\n"
    )
    return f"{PREAMBLE}{_letters_note(body)}{body}"


def _is_marked(table: ResultTable) -> bool:
    return any(any(line.marks) for line in table.lines)


def _tabular(table: ResultTable) -> str:
    head = " & ".join(["Method", *(_heading(c) for c in table.columns)])
    body: list[str] = []
    for i, line in enumerate(table.lines):
        if i and line.kind != table.lines[i - 1].kind:
            body.append(r"\midrule")
        body.append(_line(line))
    return "\n".join(
        [
            f"\\begin{{tabular}}{{l{'r' * len(table.columns)}}}",
            r"\toprule",
            f"{head} \\\\",
            r"\midrule",
            *body,
            r"\bottomrule",
            r"\end{tabular}",
        ]
    )


def _heading(column: Column) -> str:
    return f"{escape(column.heading)}{escape(ARROWS[column.direction])}"


def _line(line: Line) -> str:
    label = escape(line.label)
    if line.kind == "published":
        label = rf"\textit{{{label}}}"
    cells = [label]
    for cell, mark in zip(line.texts, line.marks, strict=True):
        text = "--" if cell == MISSING else escape(cell)
        cells.append(rf"\{mark}{{{text}}}" if mark else text)
    return " & ".join(cells) + r" \\"


_FONTS = (
    r"\ifPDFTeX\else",
    r"\tracinglostchars=3",
    *(
        rf"\IfFontExistsTF{{{font}}}{{\setmainfont{{{font}}}}}{{}}"
        for font in ("DejaVu Serif", "Noto Serif", "Noto Serif CJK SC")
    ),
    r"\fi",
)
"""Fonts with many letters, the last one that is installed wins."""


def latex_document(tables: Sequence[ResultTable]) -> str:
    """A whole document with every table, to compile as it is: with ``pdflatex``, or, for letters that
    it does not have, with ``lualatex`` or ``xelatex``. A letter that their font does not have either is an error
    there, never a gap.
    """
    bodies = [latex_table(table) for table in tables]
    parts = [
        r"\documentclass[a4paper]{article}",
        r"\usepackage{iftex}",
        r"\ifPDFTeX\usepackage[T1]{fontenc}\usepackage[utf8]{inputenc}\else\usepackage{fontspec}\fi",
        *(_FONTS if any(_ANY_LETTER.search(body) for body in bodies) else ()),
        r"\usepackage[margin=10mm,landscape]{geometry}",
        r"\usepackage{booktabs}",
        r"\usepackage[table]{xcolor}",
        r"\setlength{\belowcaptionskip}{5pt}",  # article sets captions for figures: no gap above a table
        r"\begin{document}",
        *bodies,
        r"\end{document}",
    ]
    return "\n".join(parts) + "\n"


def latex_grid(
    headings: Sequence[str], body: Sequence[Sequence[str]], *, caption: str, label: str, left: int = 1
) -> str:
    """Plain cells as booktabs ``table*`` floats (comparisons, matrices): text in, escaped here; the first
    ``left`` columns are set left, the others right. More lines than a page holds continue in another float.
    """
    parts = [body[start : start + PAGE_LINES] for start in range(0, len(body), PAGE_LINES)]
    floats: list[str] = []
    for number, part in enumerate(parts):
        text = escape(caption) if number == 0 else f"(continued from Table~\\ref{{tab:{label}}})"
        floats += [
            r"\begin{table*}[t]",
            r"\centering",
            f"\\caption{{{text}}}",
            *([f"\\label{{tab:{label}}}"] if number == 0 else []),
            r"\footnotesize",
            f"\\begin{{tabular}}{{{'l' * left}{'r' * (len(headings) - left)}}}",
            r"\toprule",
            " & ".join(escape(h) for h in headings) + r" \\",
            r"\midrule",
            *(" & ".join(escape(c) for c in cells) + r" \\" for cells in part),
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table*}",
        ]
    text = "\n".join([*floats, ""])
    return f"% Needs in the preamble: \\usepackage{{booktabs}}\n{_letters_note(text)}{text}"
