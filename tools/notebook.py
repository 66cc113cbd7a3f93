#!/usr/bin/env python3
"""Writes and runs a notebook that loads the project's tables: notebooks-data/tour.ipynb.

    pip install nbformat nbclient ipykernel pandas xarray netCDF4
    tools/notebook.py [ROOFTREE]

The notebook is made from this script, so that it is reviewed as text; the program writes the data that it loads.
ROOFTREE is the program, .build/release/rooftree if not given.
"""
import os
import subprocess
import sys

import nbformat
from nbclient import NotebookClient

root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
rooftree = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else os.path.join(root, ".build/release/rooftree")

cells = [
    ("text", "# The tables of Rooftree\n\nHow to load measurements, predictions and figures with pandas, and array files with xarray."),
    ("code", "import json, subprocess, tempfile\nimport pandas as pd\nimport xarray as xr\n"
             "folder = tempfile.mkdtemp()\n"
             "def rooftree(*words):\n"
             "    return subprocess.run(['rooftree', *words], check=True, capture_output=True, text=True).stdout"),
    ("text", "## Measurements\n\nEvery table is tidy: a row is one measurement; `README.md` beside it explains each column."),
    ("code", "operators = pd.read_csv('measurements/h200/operators.csv')\noperators.groupby(['op', 'dtype']).median_us.describe()[['count', 'min', '50%', 'max']].round(1)"),
    ("text", "## Predicted against measured\n\n`rooftree validate --rows` writes a prediction with its 90 % interval beside every measured value."),
    ("code", "rooftree('validate', 'measurements/h200/operators.csv', '--rows', folder + '/rows.csv')\n"
             "rows = pd.read_csv(folder + '/rows.csv').dropna(subset=['predicted'])\n"
             "rows['covered'] = rows.measured.between(rows.low90, rows.high90)\n"
             "rows.groupby('group').agg(rows=('measured', 'size'), mape=('relative_error_percent', lambda e: e.abs().mean()), covered=('covered', 'mean')).round(2)"),
    ("text", "## A scenario\n\n`rooftree estimate --json` prints the whole tree with all digits."),
    ("code", "answer = json.loads(rooftree('estimate', 'getting-started', '--json'))\n"
             "def leaves(part, times=1):\n"
             "    if not part['parts']:\n"
             "        yield part['name'], times * part['time_s'], part.get('bound')\n"
             "    for inner in part['parts']:\n"
             "        yield from leaves(inner, times * part['runs'])\n"
             "kernels = pd.DataFrame(leaves(answer['breakdown']), columns=['kernel', 'seconds', 'waits for'])\n"
             "assert abs(kernels.seconds.sum() / answer['time_s'] - 1) < 1e-9\n"
             "kernels.sort_values('seconds', ascending=False).head(10)"),
    ("text", "## Figures\n\nThe data of every figure of a report is a CSV file beside it, units in the header."),
    ("code", "rooftree('report', 'comp-vs-comm', '--output', folder + '/report')\n"
             "pd.read_csv(folder + '/report/claims.csv').groupby('standing').size()"),
    ("text", "## Array files\n\nA sweep over a dense space is a labelled cube: dimensions are the axes, variables carry units."),
    ("code", "rooftree('sweep', 'gpt3-parallelism', '--set', 'write=[netcdf]', '--output', folder + '/sweep')\n"
             "cube = xr.open_dataset(folder + '/sweep/gpt3-parallelism.nc')\n"
             "cube.sizes"),
    ("code", "# The best throughput by devices and tensor-parallel degree; nothing where no plan fits.\n"
             "best = cube.tokens_per_second.max(['recompute', 'pipeline', 'virtual_stages', 'micro_batch', 'global_batch'])\n"
             "best.to_pandas().round(0)"),
    ("code", "# What recomputation costs, all else being the best.\n"
             "fast = cube.tokens_per_second.max(['tensor', 'pipeline', 'virtual_stages', 'micro_batch', 'global_batch'])\n"
             "(fast / fast.sel(recompute='none')).to_pandas().round(3)"),
]

notebook = nbformat.v4.new_notebook()
for index, (kind, text) in enumerate(cells):
    make = nbformat.v4.new_markdown_cell if kind == "text" else nbformat.v4.new_code_cell
    notebook.cells.append(make(text, id=f"cell-{index}"))
folder = os.path.join(root, "notebooks-data")
environment = dict(os.environ, PATH=os.path.dirname(rooftree) + os.pathsep + os.environ["PATH"])
os.environ.update(environment)
NotebookClient(notebook, timeout=600, resources={"metadata": {"path": folder}}).execute()
# When cells ran is no part of what they show; neither is which Python ran them.
for cell in notebook.cells:
    cell.metadata.pop("execution", None)
notebook.metadata = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
                     "language_info": {"name": "python"}}
path = os.path.join(folder, "tour.ipynb")
nbformat.write(notebook, path)
print(path)
