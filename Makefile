# The commands of the README.  All work on a fresh Debian 12 as root.
#
#   make            build build/cli/hvnet
#   make demo       build and show the main job on real traffic
#   make check      every test this machine can run, under 25 minutes
#   make check-full the matrices, long fuzzing and soaks as well, over an hour
#   make coverage   lines that the fuzz targets reach from their seeds, by file
#   make bench      measurements, as JSON on standard output; over an hour, less
#                   with BENCH='--quick', BENCH=tcp (bench/run.py --help)
#   make install    PREFIX=/usr/local; as root it builds as who owns build/
#   make uninstall  take away what the last install put there
BUILD ?= build
PREFIX ?= /usr/local

# Flags that the user gave; make's own default of CC is not one.
export CFLAGS LDFLAGS
ifneq ($(origin CC),default)
export CC
endif

all: deps
	@scripts/configure.sh $(BUILD) $(PREFIX)
	@ninja -C $(BUILD)

deps:
	@scripts/deps.sh build

demo: all
	@scripts/demo.sh

check:
	@scripts/deps.sh check
	@python3 scripts/check.py

check-full:
	@scripts/deps.sh full
	@python3 scripts/check.py --full

coverage:
	@scripts/deps.sh check
	@python3 scripts/coverage.py

bench: all
	@scripts/deps.sh check
	@python3 bench/run.py $(BENCH)

# What a user built stays the user's, though root installs it.
install:
	@scripts/install.sh $(BUILD) $(PREFIX)

uninstall:
	@scripts/install.sh --remove $(BUILD)

clean:
	rm -rf $(BUILD) build-*

.PHONY: all deps demo check check-full coverage bench install uninstall clean
