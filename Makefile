# The commands of the README.  All work on a fresh Debian 12 as root.
#
#   make            build build/cli/hvnet
#   make demo       build and show the main job on real traffic
#   make check      every test this machine can run, under 25 minutes
#   make check-full the matrices, long fuzzing and soaks as well, over an hour
#   make coverage   lines that the fuzz targets reach from their seeds, by file
#   make bench      measurements, as JSON on standard output; over an hour, less
#                   with BENCH='--quick', BENCH=tcp (bench/run.py --help)
#   make install    PREFIX=/usr/local
BUILD ?= build
PREFIX ?= /usr/local

all: $(BUILD)/build.ninja
	@ninja -C $(BUILD)

$(BUILD)/build.ninja: | deps
	@said=$$(meson setup $(BUILD) --buildtype=release -Ddebug=true \
	    --prefix=$(PREFIX)) || { echo "$$said" | tail -n 4 >&2; exit 1; }

deps:
	@scripts/deps.sh build

demo: all
	@scripts/demo.sh

check:
	@scripts/deps.sh check
	@python3 scripts/check.py

check-full:
	@scripts/deps.sh check
	@python3 scripts/check.py --full

coverage:
	@scripts/deps.sh check
	@python3 scripts/coverage.py

bench: all
	@scripts/deps.sh check
	@python3 bench/run.py $(BENCH)

install: all
	@meson configure $(BUILD) -Dprefix=$(PREFIX)
	@ninja -C $(BUILD) install

clean:
	rm -rf $(BUILD) build-*

.PHONY: all deps demo check check-full coverage bench install clean
