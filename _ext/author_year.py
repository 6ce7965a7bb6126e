"""A bibliography that reads as it is cited: author and year first, and sorted by them.

pybtex has sorting by author, but no label of author and year; and its sorting takes the accents
and braces of LaTeX for letters.
"""

import unicodedata

from pybtex.plugin import register_plugin
from pybtex.richtext import Text
from pybtex.style.formatting.unsrt import Style
from pybtex.style.labels import BaseLabelStyle
from pybtex.style.sorting import BaseSortingStyle


def last_names(people):
    """The names by which a work is cited, in its own order."""
    return [str(Text.from_latex(" ".join([*p.prelast_names, *p.last_names]))) for p in people]


def author_and_year(entry):
    """The words of a citation: one author, two, or the first and others; then the year."""
    names = last_names(entry.persons.get("author") or entry.persons["editor"])
    if len(names) > 2 or names[-1] == "others":
        names = [f"{names[0]} et al."]
    return f"{' and '.join(names)}, {entry.fields['year']}"


class Labels(BaseLabelStyle):
    def format_labels(self, sorted_entries):
        return map(author_and_year, sorted_entries)


class ByAuthorAndYear(BaseSortingStyle):
    def sorting_key(self, entry):
        letters = unicodedata.normalize("NFD", author_and_year(entry)).casefold()
        return "".join(c for c in letters if c.isalnum() or c.isspace())


class AuthorYear(Style):
    default_label_style = Labels
    default_sorting_style = ByAuthorAndYear


def setup(app):
    register_plugin("pybtex.style.formatting", "author_year", AuthorYear)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
