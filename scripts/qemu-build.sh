#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Build the QEMU of `hvnet vm`: Debian's own source package plus qemu/ of this
# repository, into a cache by a hash of its inputs.
#
# Usage: scripts/qemu-build.sh [--print] [--source DIR]
#   --print       only say where the result is or would be; exit 1 if not there
#   --source DIR  an unpacked QEMU source tree instead of Debian's (copied)
#
# The last line on standard output is the path of qemu-system-x86_64.
# Environment: HVNET_QEMU_CACHE (~/.cache/hvnet), HVNET_QEMU_WORK (where to
# build; a temporary directory in the cache), HVNET_QEMU_JOBS (processors).
#
# The source comes through apt, from a source list derived from the machine's
# own and kept with everything else of ours in the cache: the machine's apt
# configuration stays as it is.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
cache=${HVNET_QEMU_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/hvnet}
jobs=${HVNET_QEMU_JOBS:-$(nproc)}
print=
source=
while [ $# -gt 0 ]; do
	case "$1" in
	--print)	print=1 ;;
	--source)	source=$2; shift ;;
	*)	sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
	esac
	shift
done

say() {
	echo "qemu-build: $*" >&2
}

die() {
	say "$*"
	exit 1
}

candidate() {
	apt-cache policy qemu-system-x86 2>/dev/null |
	    sed -n 's/^ *Candidate: //p'
}

# Debian's version, as the machine's package lists have it.
package_version() {
	v=$(candidate)
	if [ -z "$v" ] && [ "$(id -u)" = 0 ]; then
		"$here/scripts/apt-wait.sh" update -qq >&2
		v=$(candidate)
	fi
	echo "$v"
}

# Exactly what determines the result.
inputs_hash() {
	(
		echo "$version"
		cd "$here"
		cat scripts/qemu-build.sh qemu/* linux/link/link_wire.h
	) | sha256sum | cut -c1-16
}

need_packages() {
	missing=
	for p in gcc dpkg-dev make meson ninja-build pkg-config python3 \
	    python3-venv libglib2.0-dev libpixman-1-dev libfdt-dev \
	    zlib1g-dev seabios qemu-system-data xz-utils; do
		dpkg-query -W -f '${Status}' "$p" 2>/dev/null |
		    grep -q 'ok installed' || missing="$missing $p"
	done
	[ -n "$missing" ] || return 0
	[ "$(id -u)" = 0 ] || die "not root; install by hand:$missing"
	say "installing:$missing"
	# shellcheck disable=SC2086
	DEBIAN_FRONTEND=noninteractive "$here/scripts/apt-wait.sh" install \
	    -y -qq --no-install-recommends $missing >&2
}

# deb-src lists in $1/apt, from the machine's own of either style.
source_lists() {
	mkdir -p "$1/apt/list.d" "$1/apt/lists/partial" \
	    "$1/apt/cache/archives/partial"
	for f in /etc/apt/sources.list.d/*.sources; do
		[ -f "$f" ] || continue
		sed 's/^Types:.*/Types: deb-src/' "$f" \
		    > "$1/apt/list.d/$(basename "$f")"
	done
	for f in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
		[ -f "$f" ] || continue
		sed -n 's/^deb\(-src\)\{0,1\}[[:space:]]/deb-src /p' "$f" \
		    > "$1/apt/list.d/$(basename "$f" .list).list"
	done
}

get_source() {
	source_lists "$1"
	set -- "$1" -q -o "Dir::Etc::sourcelist=/dev/null" \
	    -o "Dir::Etc::sourceparts=$1/apt/list.d" \
	    -o "Dir::State::lists=$1/apt/lists" \
	    -o "Dir::Cache=$1/apt/cache" -o APT::Sandbox::User=root
	work=$1
	shift
	say "reading source lists"
	apt-get "$@" update >"$work/apt.log" 2>&1 ||
	    die "apt-get update failed; see $work/apt.log"
	say "getting the source of qemu"
	(cd "$work" && apt-get "$@" source --download-only qemu) \
	    >>"$work/apt.log" 2>&1 ||
	    die "apt-get source failed; see $work/apt.log"
	say "unpacking"
	dpkg-source --no-check -x "$work"/qemu_*.dsc "$work/src" \
	    >>"$work/apt.log" 2>&1 || die "cannot unpack; see $work/apt.log"
}

add_ours() {
	mkdir -p "$1/hw/hvnet"
	cp "$here"/qemu/*.c "$here"/qemu/*.h "$here"/qemu/meson.build \
	    "$here/linux/link/link_wire.h" "$1/hw/hvnet/"
	cp "$here/qemu/devices.mak" \
	    "$1/configs/devices/x86_64-softmmu/hvnet.mak"
	python3 "$here/qemu/hooks.py" "$1" >&2
}

configure_qemu() {
	offline=
	mkdir -p "$1/build"
	# It writes where it is called, even for --help.
	if (cd "$1/build" && ../src/configure --help) |
	    grep -q -e --disable-download; then
		offline=--disable-download
	fi
	(cd "$1/build" && ../src/configure --prefix=/usr \
	    --target-list=x86_64-softmmu --without-default-features \
	    --without-default-devices --with-devices-x86_64=hvnet \
	    --enable-system --enable-tcg --enable-kvm --enable-plugins \
	    --disable-qom-cast-debug --enable-fdt=system \
	    --disable-werror --disable-docs \
	    --disable-tools --disable-install-blobs $offline) \
	    > "$1/configure.log" 2>&1 ||
	    die "configure failed; see $1/configure.log"
}

build() {
	say "building in $1 (some minutes)"
	told=0
	ninja -C "$1/build" -j "$jobs" qemu-system-x86_64 2>&1 |
	    tee "$1/build.log" | while read -r count _; do
		case "$count" in
		"["*/*"]") ;;
		*)	continue ;;
		esac
		all=${count#*/}
		count=${count#[}
		step=$((10 * ${count%/*} / ${all%]}))
		[ "$step" -gt "$told" ] || continue
		told=$step
		say "$((10 * told))%"
	done
	[ -x "$1/build/qemu-system-x86_64" ] ||
	    die "the build failed; see $1/build.log"
}

# The plugin that counts instructions; not part of QEMU.
build_plugin() {
	# shellcheck disable=SC2046
	gcc -O2 -Wall -Wextra -Wno-unused-parameter -fPIC -shared \
	    -I"$1/src/include/qemu" $(pkg-config --cflags glib-2.0) \
	    -o "$1/libhvnet-count.so" "$here/qemu/count.c" \
	    >>"$1/build.log" 2>&1 ||
	    die "the plugin does not compile; see $1/build.log"
}

# Beside the program: firmware and the plugin.
install_result() {
	out=$2.new
	rm -rf "$out"
	mkdir -p "$out/firmware"
	cp "$1/build/qemu-system-x86_64" "$out/"
	strip --strip-debug "$out/qemu-system-x86_64"
	cp "$1/libhvnet-count.so" "$out/"
	for f in /usr/share/seabios/bios-256k.bin \
	    /usr/share/seabios/vgabios-stdvga.bin \
	    /usr/share/qemu/linuxboot_dma.bin \
	    /usr/share/qemu/multiboot_dma.bin /usr/share/qemu/kvmvapic.bin; do
		cp -L "$f" "$out/firmware/"
	done
	"$out/qemu-system-x86_64" --version > "$out/version"
	rm -rf "$2"
	mv "$out" "$2"
}

# One function, so that the shell has read it all before it runs.
main() {
	version=$(if [ -n "$source" ]; then
		echo "source $(cat "$source/VERSION")"
	else
		package_version
	fi)
	[ -n "$version" ] || die "apt knows no qemu-system-x86"
	dest=$cache/qemu-$(inputs_hash)
	if [ -x "$dest/qemu-system-x86_64" ]; then
		echo "$dest/qemu-system-x86_64"
		exit 0
	fi
	if [ -n "$print" ]; then
		echo "$dest/qemu-system-x86_64"
		exit 1
	fi
	mkdir -p "$cache"
	exec 9>"$cache/lock"
	flock 9
	if [ -x "$dest/qemu-system-x86_64" ]; then
		echo "$dest/qemu-system-x86_64"
		exit 0
	fi
	say "QEMU $version for hvnet vm"
	need_packages
	made=
	if [ -z "${HVNET_QEMU_WORK:-}" ]; then
		made=$(mktemp -d "$cache/work.XXXXXX")
	fi
	work=${HVNET_QEMU_WORK:-$made}
	mkdir -p "$work"
	if [ -n "$source" ]; then
		mkdir "$work/src" && cp -a "$source/." "$work/src/"
	else
		get_source "$work"
	fi
	add_ours "$work/src"
	configure_qemu "$work"
	build "$work"
	build_plugin "$work"
	install_result "$work" "$dest"
	[ -z "$made" ] || rm -rf "$made"
	echo "$dest/qemu-system-x86_64"
}

main
exit
