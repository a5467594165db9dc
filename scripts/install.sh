#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# install.sh BUILD PREFIX     build as the owner of BUILD, then install
# install.sh --remove BUILD   take away what the last install put there
# DESTDIR is honoured.  Nothing in BUILD becomes root's.
set -eu
remove=
if [ "$1" = --remove ]; then
	remove=1
	shift
fi
build=$1
owner=$(stat -c %u:%g "$build" 2>/dev/null) || owner=

# Run as who owns the build folder.
as_owner() {
	if [ "$(id -u)" = 0 ] && [ -n "$owner" ] && [ "${owner%:*}" != 0 ]; then
		setpriv --reuid="${owner%:*}" --regid="${owner#*:}" \
		    --clear-groups "$@"
	else
		"$@"
	fi
}

log=$build/meson-logs/install-log.txt
if [ -n "$remove" ]; then
	if [ ! -e "$log" ]; then
		echo "uninstall: nothing was installed from $build/" >&2
		exit 1
	fi
	grep -v '^#' "$log" | while IFS= read -r path; do
		if [ -d "$path" ] && [ ! -L "$path" ]; then
			rmdir --ignore-fail-on-non-empty "$path"
		else
			rm -fv "$path"
		fi
	done
	rm -f "$log"
	exit 0
fi
as_owner make --no-print-directory BUILD="$build" PREFIX="$2" all
prefix=$(as_owner meson introspect "$build" --buildoptions |
    sed -n 's/.*"name": "prefix", "value": "\([^"]*\)".*/\1/p')
if [ "$prefix" != "$2" ]; then
	as_owner meson configure "$build" -Dprefix="$2"
	as_owner ninja -C "$build"
fi
meson install -C "$build" --no-rebuild
if [ -n "$owner" ]; then
	chown -R "$owner" "$build/meson-logs"
fi
