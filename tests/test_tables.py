import re

import numpy as np
import pytest
from torch import optim

from helpers.minimizers import descend, migrad
from helpers.objectives import himmelblau, parabola
from helpers.tables import compare, table


def test_text_and_html_hold_the_same_cells():
    shown = table([{"name": "a", "value": 1.5}, {"name": "b", "value": 2.0}])
    cells = [cell.strip() for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", shown._repr_html_())]
    assert cells == ["name", "value", "a", "1.5", "b", "2"]
    assert [line.split() for line in repr(shown).splitlines() if not line.startswith("-")] == [
        ["name", "value"],
        ["a", "1.5"],
        ["b", "2"],
    ]


def test_floating_point_numbers_are_written_in_the_format_asked_for():
    rows = [{"n": 3, "x": np.float64(1 / 3), "y": 2.0e-7, "label": "1.23456"}]
    assert "0.33333" in repr(table(rows))
    assert "0.33 " in repr(table(rows, "{:.2f}"))
    some = repr(table(rows, {"y": "{:.1e}"}))
    assert "2.0e-07" in some
    assert "0.33333" in some
    assert "1.23456" in some


def test_text_in_a_cell_is_not_markup():
    assert "a &lt; b" in table([{"rule": "a < b"}])._repr_html_()


def test_compare_shows_where_each_path_ended_and_what_it_cost():
    paths = {
        "Minuit": migrad(himmelblau, (0, 0)),
        "diverges": descend(himmelblau, (0, 0), optim.SGD, lr=1.0, steps=10),
    }
    shown = repr(compare(paths))
    assert re.search(r"Minuit +\(3\.0000, 2\.0001\) +9\.67e-08 +90 +0", shown)
    assert re.search(r"diverges +\(nan, nan\) +nan +10 +10", shown)


def test_rows_with_different_columns_are_named():
    for rows in ([], [{"a": 1}, {"b": 2}], [{"a": 1, "b": 2}, {"b": 2, "a": 1}]):
        with pytest.raises(ValueError, match="rows: expected"):
            table(rows)


def test_a_path_of_many_starts_is_named():
    with pytest.raises(ValueError, match="paths: expected .* one start each"):
        compare({"many": descend(parabola, [[1.0], [2.0]], optim.SGD, steps=1)})


@pytest.mark.parametrize("digits", [".3f", "{:d}", "{}{}", 3, {"b": "{:.3f}"}, {"a": ".3f"}])
def test_digits_that_write_no_number_are_named(digits):
    with pytest.raises(ValueError, match="digits: expected a format"):
        table([{"a": 0.5}], digits=digits)


def test_a_path_in_place_of_a_dict_is_named():
    with pytest.raises(TypeError, match="paths: expected a dict"):
        compare(migrad(himmelblau, (0, 0)))
