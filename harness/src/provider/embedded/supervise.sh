# Runs a server for as long as the harness holds the other end of standard input.
# However the harness ends, SIGKILL included, the pipe closes: the server is stopped at once
# (its data is disposable) and the folders made for it are removed.
# Arguments: the run folder, the socket folder, the server's command line.
set -u
run=$1
socket=$2
shift 2
# Signals to the terminal's group are for the harness; it closes the pipe when it is done.
trap '' HUP INT TERM
exec 3<&0
"$@" </dev/null >"$run/log" 2>&1 3<&- &
server=$!
(
    read -r _ <&3
    [ -e "$run/ended" ] || kill -QUIT "$server"
) >/dev/null 2>&1 &
reader=$!
wait "$server"
echo "$?" >"$run/ended"
wait "$reader"
rm -rf -- "$socket" "$run"
