#!/usr/bin/env bash
# Puts the claims of all studies, as `rooftree report claims` has them, between the markers of the README. Run from the
# repository root.
set -euo pipefail
rooftree=${ROOFTREE:-.build/release/rooftree}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$rooftree" report claims --output "$folder" >/dev/null
awk -v table="$folder/claims.md" '
  /<!-- end of the claims -->/ { skip = 0 }
  !skip { print }
  /<!-- printed by `make claims` -->/ {
    print "<details><summary>All claims</summary>\n"
    while ((getline line < table) > 0) { if (line != "") last = line; print line }
    print "\n</details>\n\n" last
    skip = 1
  }' README.md >"$folder/README.md"
cp "$folder/README.md" README.md
