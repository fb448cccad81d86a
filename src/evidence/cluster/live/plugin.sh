# Runs a program, here and as this user, and passes on what it prints, up to so many bytes:
#   sh -c SCRIPT sh MOST PROGRAM ARGUMENTS…
# Its status is the program's. A program that prints more is ended by the pipe that breaks, as by any reader that has had enough.
most=$1
shift
exec 3>&1
status=$({ { "$@" 3>&- 4>&-; echo $? >&4; } | head -c "$most" >&3; } 4>&1)
exit "$status"
