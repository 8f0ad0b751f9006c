#!/bin/bash
# Fails when a tracked C file is not laid out as .clang-format says.
# Usage: format.sh [ROOT]; `clang-format -i FILE` repairs a file.
set -euo pipefail
cd "${1:-$(dirname "$0")/../..}"

# Tracked files only: build folders and drafts are nobody's business. The tree may belong to
# another user than the one who tests (sudo), which git has to be told is fine; without git, as in
# an unpacked archive, everything in the source folders counts.
list_files() {
    git -c safe.directory="$PWD" ls-files -z -- '*.c' '*.h' 2>/dev/null ||
        find src include simnet tests -name '*.[ch]' -print0
}

files=()
while IFS= read -r -d '' file; do
    if [ -f "$file" ]; then
        files+=("$file")
    fi
done < <(list_files)

if [ ${#files[@]} -eq 0 ]; then
    echo "format: no files found" >&2
    exit 1
fi
clang-format --dry-run -Werror "${files[@]}"
echo "format: ${#files[@]} files"
