# Runs one script of ours, gives its status, and ends it when nobody on the other side listens any more:
#   sh -c GUARD MARK SECONDS COMMAND…
# Standard input carries heartbeats, a line "go" every few seconds, "count", which asks a tcpdump for its counters, and "time", which asks for this machine's
# time, told on standard error. End of file, any other line, or none for 10 s (a cut network sends no end of file) ends the command: INT, after 1 s TERM, after
# 1 s more KILL. INT goes to
# `timeout`, which sets its own handler and so undoes that a shell's background jobs ignore INT.
echo "$0"
seconds=$1
shift
if ! command -v timeout >/dev/null 2>&1; then
  echo 'lbdiag-refused tool: timeout' >&2
  exit 96
fi
LBDIAG_RUN=$0
export LBDIAG_RUN
exec 3<&0 5>&2
timeout -k 2 "$seconds" "$@" </dev/null 3<&- 5>&- &
work=$!
# Waits for the job that was begun last, which SIGNAL ends when this shell is to end: even where that was told before its number was known.
# Nobody waits for it any more then: a job that is just begun has this shell's own handler for a moment, and would lose a TERM.
await() { # number signal
  beat=$1 signal=$2
  [ -n "$over" ] || wait "$beat"
  status=$?
  [ -z "$over" ] || { kill "-$signal" "$beat"; exit 0; }
}
pause() {
  [ -z "$over" ] || exit 0
  sleep 1 3<&- 5>&- &
  await $! KILL
}
watch() {
  over='' beat=''
  trap 'over=1; [ -z "$beat" ] || kill "-$signal" "$beat"' TERM
  while :; do
    timeout 10 sh -c 'read -r line; case $line in go) exit 0 ;; count) exit 3 ;; time) date "+lbdiag-time %s %N" >&5; exit 0 ;; esac; exit 1' "$0" <&3 3<&- &
    await $! TERM
    case $status in
      0) ;;
      # The file has no end of line, so that read fails although it reads.
      3) child='' && read -r child _ <"/proc/$work/task/$work/children"; [ -z "$child" ] || kill -USR1 "$child" ;;
      *) break ;;
    esac
  done
  kill -INT "$work"
  pause
  kill -TERM "$work"
  pause
  kill -KILL "-$work"
  kill -KILL "$work"
}
watch >/dev/null 2>&1 &
watch=$!
exec 3<&- 5>&-
trap 'kill -TERM "$work"' HUP INT TERM
while :; do
  wait "$work"
  status=$?
  kill -0 "$work" 2>/dev/null || break
done
kill "$watch" 2>/dev/null && wait "$watch" 2>/dev/null
exit "$status"
