#!/usr/bin/env bash
# Becomes the given program, after writing down which process that is: PID, start time, file.
set -euo pipefail
record="$1" program="$2" name="${3##*/}"
shift 3
printf '%s %s %s\n' "$$" "$(sed 's/.*) //' "/proc/$$/stat" | cut -d' ' -f20)" "$program" >"$record.part"
mv "$record.part" "$record"
exec -a "$name" "$program" "$@"
