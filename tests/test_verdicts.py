"""Verdicts are compared as `make deep` promises."""

import nbformat
import pytest
import verdicts


def _chapter(conclusion, parameters="seed = 3"):
    cells = []
    for tag, source in (("parameters", parameters), ("verdict", conclusion)):
        cell = nbformat.v4.new_code_cell(source, id=tag)
        cell.metadata["tags"] = [tag]
        cells.append(cell)
    cells[1].outputs = [nbformat.v4.new_output("stream", text="small\n")]
    return nbformat.v4.new_notebook(cells=cells)


def _rows(notebook, folder):
    draws = [verdicts.found(notebook, draw, folder) for draw in (1, 2)]
    return verdicts.compared(verdicts.verdicts(notebook), draws)


def test_a_verdict_that_holds_with_other_seeds_is_counted_in_each(tmp_path):
    (row,) = _rows(_chapter('print("small" if seed > 0 else "large")'), tmp_path)
    assert (row["holds"], row["otherwise"]) == (2, "")


def test_a_verdict_that_hangs_on_the_seed_is_found_with_what_it_says_instead(tmp_path):
    (row,) = _rows(_chapter('print("small" if seed < 1500 else "large")'), tmp_path)
    assert (row["holds"], row["otherwise"]) == (1, "1 x large")


def test_a_chapter_that_raises_with_another_seed_is_named_with_its_error(tmp_path):
    (row,) = _rows(_chapter("print([1, 2, 3][seed])"), tmp_path)
    assert row["holds"] == 0
    assert "IndexError" in row["otherwise"]


@pytest.mark.parametrize("parameters", ["rate = 3", "seed = 1\nseed = 2", "seed = rng"])
def test_a_chapter_without_one_seed_is_refused(parameters):
    with pytest.raises(ValueError, match="seed"):
        verdicts.reseeded(_chapter("", parameters), 1)
