# Ends process groups when whoever started this is gone:
#   sh -c KEEPER
# Standard input names them as they come and go, a line `+GROUP` or `-GROUP`. Its end is the end of whoever started this, by whatever way:
# then the groups that are left get TERM, and after a second KILL.
trap '' HUP INT TERM
groups=' '
while read -r line; do
  group=${line#?}
  case $line in
    +*) groups="$groups$group " ;;
    -*) case $groups in *" $group "*) groups="${groups%% "$group" *} ${groups#* "$group" }" ;; esac ;;
  esac
done
[ "$groups" != ' ' ] || exit 0
for group in $groups; do kill -TERM "-$group"; done
sleep 1
for group in $groups; do kill -KILL "-$group"; done
