# A section begins with a line `=== NAME` and ends with a line `=== end STATUS`. Its command runs in the place that `enter_place` entered.
section() { # name command…: a tool that is not there is told apart from one that says nothing
  printf '\n=== %s\n' "$1"
  shift
  if [ "$1" = shell ] || command -v "$1" >/dev/null 2>&1; then
    if [ "$1" = shell ]; then shift; "$@" 2>&1; else $IN "$@" 2>&1; fi
    printf '\n=== end %s\n' "$?"
  else
    printf '\n=== end missing\n'
  fi
}
