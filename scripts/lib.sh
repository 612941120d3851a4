# shellcheck shell=bash
# What the scripts share: they look at the system, install what is missing, and say what happens.
# They source this file in the project's folder.

readonly SYSTEM_PYTHON=/usr/bin/python3 # FreeRADIUS embeds this one, so the packages must be installed for it
readonly OLDEST_PYTHON=3.11
readonly RADDB=/etc/freeradius/3.0
readonly POLICY=/usr/sbin/policy-rc.d
readonly VENV=.venv
PATIENCE=600 # seconds to wait for another program that installs packages

say() { printf '%s: %s\n' "$PROGRAM" "$*"; }
die() {
	printf '%s: %s\n' "$PROGRAM" "$*" >&2
	exit 1
}

# misused TEXT: say what is wrong with the arguments, and end.
misused() {
	printf '%s: %s; see %s --help.\n' "$PROGRAM" "$*" "$PROGRAM" >&2
	exit 2
}

# one_of WORD NAME...: whether the word is one of the names.
one_of() {
	local word=$1 name
	shift
	for name in "$@"; do
		[ "$word" != "$name" ] || return 0
	done
	return 1
}

# show_help ARGUMENT...: if the first argument asks for help, print the comment at the head of the script, and end.
show_help() {
	case ${1:-} in
	-h | --help)
		sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$PROGRAM"
		exit
		;;
	esac
}

# step TEXT COMMAND...: run a command that may take a while. Its output is shown only if it fails, except what it writes to SHOWN.
step() {
	local text=$1 log status=0 start=$SECONDS dots
	shift
	log=$(mktemp)
	printf '%s: %s ' "$PROGRAM" "$text"
	print_dots &
	dots=$!
	exec {SHOWN}>&1
	"$@" >"$log" 2>&1 </dev/null || status=$?
	kill "$dots" 2>/dev/null || true
	wait "$dots" 2>/dev/null || true
	exec {SHOWN}>&-
	if [ "$status" = 0 ]; then
		printf ' %d s\n' $((SECONDS - start))
	else
		printf ' failed\n'
		tail -n 30 "$log" >&2
	fi
	rm -f "$log"
	return "$status"
}

# Print a dot every three seconds for as long as the script runs.
print_dots() {
	while kill -0 $$ 2>/dev/null; do
		pause 3
		printf .
	done
}

# pause SECONDS: wait without starting a process that could be left behind.
pause() {
	local nothing
	exec {nothing}<> <(:)
	read -rt "$1" -u "$nothing" || true
	exec {nothing}>&-
}

as_root() {
	if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# need_packages NAME...: install the Debian packages that are missing; start no service.
need_packages() {
	{ command -v dpkg-query && command -v apt-get; } >/dev/null ||
		die "this system has no apt: Debian 12 or a newer Debian or Ubuntu is needed."
	local name missing=()
	for name in "$@"; do
		dpkg-query -W -f '${db:Status-Status}\n' "$name" 2>/dev/null | grep -qx installed || missing+=("$name")
	done
	if [ ${#missing[@]} -gt 0 ]; then
		may_install || die "run it as root, or install sudo: these packages are missing: ${missing[*]}."
		install_packages "${missing[@]}"
	fi
	"$SYSTEM_PYTHON" -c "import sys; sys.exit(sys.version_info[:2] < (${OLDEST_PYTHON/./, }))" ||
		die "$SYSTEM_PYTHON is $("$SYSTEM_PYTHON" -V): $OLDEST_PYTHON or newer is needed, as in Debian 12."
}

may_install() {
	[ "$(id -u)" = 0 ] || { command -v sudo >/dev/null && sudo -v; }
}

install_packages() {
	local status=0
	step "reading the package lists" when_free apt_get update ||
		die "${LOCKED:-apt-get update failed: are the package sources reachable?}"
	step "installing $*" when_free install_only "$@" || status=$?
	release_services
	[ "$status" = 0 ] || die "${LOCKED:-these packages cannot be installed: $*.}"
	say_services "$@"
}

# Services are held again before each try: another set-up that has ended may have removed the file that holds them.
install_only() {
	hold_services
	apt_get install -y --no-install-recommends "$@"
}

# Its output is in English, because `when_free` reads it.
apt_get() {
	as_root env DEBIAN_FRONTEND=noninteractive LC_ALL=C apt-get -qq -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=0 "$@"
}

# when_free COMMAND...: run an apt command, and run it again while another program holds one of apt's locks. If that takes too
# long, LOCKED is a sentence that says so. DPkg::Lock::Timeout would make apt itself wait, but only for the locks of dpkg, not for
# those of the package lists and the downloads, which apt's daily jobs take first.
LOCKED=""
when_free() {
	local output status end=$((SECONDS + PATIENCE)) held told=""
	output=$(mktemp)
	while :; do
		status=0
		"$@" >"$output" 2>&1 || status=$?
		held=$(sed -n 's/^E: Could not get lock //p' "$output")
		if [ "$status" = 0 ] || [ -z "$held" ]; then
			break
		elif [ $SECONDS -ge $end ]; then
			LOCKED="another program has kept apt waiting for $PATIENCE s: $held. Let it end, then run $PROGRAM again."
			break
		elif [ "$held" != "$told" ]; then
			printf '\n%s: waiting for another program that installs packages, %d s at most: %s ' \
				"$PROGRAM" "$PATIENCE" "$held" >&"$SHOWN"
			told=$held
		fi
		pause 1
	done
	cat "$output"
	rm -f "$output"
	return "$status"
}

# Packages start their services. Containers already forbid that; elsewhere these functions do, for as long as apt runs.
HELD=""
hold_services() {
	[ ! -e "$POLICY" ] || return 0
	HELD=1
	trap release_services EXIT
	printf '#!/bin/sh\nexit 101\n' | as_root tee "$POLICY" >/dev/null
	as_root chmod 755 "$POLICY"
}
release_services() {
	[ -n "$HELD" ] || return 0
	HELD=""
	as_root rm -f "$POLICY"
}
say_services() {
	[ -d /run/systemd/system ] || return 0
	local name services=()
	for name in "$@"; do
		[ ! -e "/lib/systemd/system/$name.service" ] || services+=("$name")
	done
	[ ${#services[@]} = 0 ] ||
		say "these services are not started now, but will be at the next boot unless you run \`systemctl disable ${services[*]}\`."
}

# need_venv NAME PIP_ARGUMENT...: install packages into $VENV with pip. The stamp called NAME records that they are there.
need_venv() {
	local stamp=$VENV/stamp-$1 wanted
	shift
	wanted=$({ "$SYSTEM_PYTHON" -V; pwd; printf '%s\n' "$@"; cat pyproject.toml; } | sha256sum)
	has_stamp "$stamp" "$wanted" || alone fill_venv "$stamp" "$wanted" "$@"
}

# has_stamp FILE TEXT: whether what the stamp stands for is in $VENV.
has_stamp() {
	[ -x $VENV/bin/python ] && [ "$(cat "$1" 2>/dev/null)" = "$2" ]
}

# alone COMMAND...: change something in $VENV while no other run does. The lock is not in $VENV, which may be made anew.
alone() {
	local file=$VENV.lock lock
	# Reading is enough for a lock: the file may be another user's.
	[ -e "$file" ] || : 2>/dev/null >>"$file" || die "$PWD cannot be written."
	exec {lock}<"$file"
	flock --nonblock "$lock" ||
		step "waiting for another run that installs into $VENV, $PATIENCE s at most:" flock --timeout "$PATIENCE" "$lock" ||
		die "another run has kept $VENV locked for $PATIENCE s. Let it end, then run $PROGRAM again."
	"$@"
	exec {lock}<&-
}

# fill_venv STAMP TEXT PIP_ARGUMENT...: do what `need_venv` promises, unless another run has done it meanwhile.
fill_venv() {
	local stamp=$1 wanted=$2
	shift 2
	! has_stamp "$stamp" "$wanted" || return 0
	if ! same_python; then
		step "making $VENV" "$SYSTEM_PYTHON" -m venv --clear $VENV || die "$VENV cannot be made."
	fi
	# The pip of Debian 12 does not know dependency groups.
	# shellcheck disable=SC2016 # the inner shell fills these in
	step "installing Python packages into $VENV" bash -euc '
		"$1" -m pip install --quiet --disable-pip-version-check --upgrade "pip>=25.1"
		"$@"' pip $VENV/bin/python -m pip install --quiet --disable-pip-version-check "$@" ||
		die "pip failed: is the package index reachable?"
	printf '%s\n' "$wanted" >"$stamp"
}

# Whether $VENV was made here with the system's Python. A run that was ended while it made it may have left it without pip.
same_python() {
	local ask='import sys; print(sys.version_info[:3], sys.prefix)'
	[ -x $VENV/bin/python ] && $VENV/bin/python -m pip --version >/dev/null 2>&1 || return 1
	[ "$($VENV/bin/python -c "$ask" 2>/dev/null)" = "$("$SYSTEM_PYTHON" -c "${ask/sys.prefix/\"$PWD/$VENV\"}")" ]
}

# with_raddb COMMAND...: become a command that can read FreeRADIUS's configuration, which only root and a group may read.
with_raddb() {
	if [ -r $RADDB/radiusd.conf ]; then
		exec "$@"
	fi
	may_install || die "only root and the group freerad can read $RADDB: run this as root, or join that group."
	exec sudo --preserve-env=CI,TERM,LANG,NODE_PATH env "PATH=$PATH" "HOME=$HOME" \
		setpriv --reuid="$(id -u)" --regid="$(id -g)" \
		--groups="$(id -G | tr ' ' ,),$(getent group freerad | cut -d: -f3)" "$@"
}
