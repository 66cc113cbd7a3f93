#!/usr/bin/env bash
# Writes the claims of all studies, as `rooftree report claims` has them, to docs/claims.md, and their standings by study
# between the markers of the README. Run from the repository root.
set -euo pipefail
rooftree=${ROOFTREE:-.build/release/rooftree}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$rooftree" report claims --output "$folder" >/dev/null
{
  printf '# What papers claim, and what we find\n\nPrinted by `make claims`. What the columns mean: [README](../README.md).\n\n'
  cat "$folder/claims.md"
} >docs/claims.md
awk -F' [|] ' -v table="$folder/claims.md" '
  /<!-- end of the claims -->/ { skip = 0 }
  !skip { print }
  /<!-- printed by `make claims` -->/ {
    print "| study | claims | agree | differ | cannot be checked |\n|---|--:|--:|--:|--:|"
    while ((getline line < table) > 0) {
      if (line != "") last = line
      if (split(line, cell, / [|] /) < 7 || line ~ /^[|] study/) continue
      study = substr(cell[1], 3)
      if (!(study in all)) order[++studies] = study
      all[study]++
      count[study, cell[6]]++
    }
    for (i = 1; i <= studies; i++) {
      study = order[i]
      printf "| %s | %d | %d | %d | %d |\n", study, all[study], count[study, "agrees"], count[study, "differs"],
        count[study, "cannot be checked"]
    }
    print "\n" last
    skip = 1
  }' README.md >"$folder/README.md"
cp "$folder/README.md" README.md
