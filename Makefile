# Two commands matter: `make run` and `make test`. Each sets up all it needs.

BUILD = build
SAN = build-san
CLANG = build-clang
FUZZ = build-fuzz
TSAN = build-tsan
DESTDIR =
PREFIX = /usr/local
FUZZ_SECONDS = 60
FUZZ_TARGETS =

.PHONY: all build run test crash check bench lint fuzz load tsan oracle engines install deb clean help

all: build

help:
	@echo "make run      build and serve on http://127.0.0.1:5050"
	@echo "make test     build and pass every test, sanitizers included"
	@echo "make crash    kill, starve and cut off the server at every point; half an hour"
	@echo "make bench    measure beside raw limits and peers; writes docs/benchmarks.md"
	@echo "make lint     format, clang build, clang-tidy, cppcheck, layers, generated docs"
	@echo "make fuzz     run each fuzz target (or FUZZ_TARGETS) for FUZZ_SECONDS ($(FUZZ_SECONDS))"
	@echo "make load     1,000 clients, 10,000 watchers, floods; figures are printed"
	@echo "make tsan     server tests under ThreadSanitizer"
	@echo "make oracle   compare workbooks with LibreOffice (installs it)"
	@echo "make engines  load SQL into SQLite, PostgreSQL and MariaDB (installs them)"
	@echo "make install  install under DESTDIR and PREFIX ($(PREFIX))"
	@echo "make deb      build $(BUILD)/sheetflow_<version>_<architecture>.deb"

$(BUILD)/build.ninja:
	@scripts/packages build
	@meson setup $(BUILD) . -Dtests=false >$(BUILD)-setup.log 2>&1 || { cat $(BUILD)-setup.log; rm -rf $(BUILD); exit 1; }
	@rm -f $(BUILD)-setup.log

build: $(BUILD)/build.ninja
	@ninja -C $(BUILD) --quiet

run: build
	$(BUILD)/sheetflow serve

test:
	@scripts/packages build test
	@scripts/test

crash:
	@scripts/packages build test crash
	@scripts/crash

bench: build
	@scripts/packages bench
	@tests/bench/run

lint:
	@scripts/packages build test lint
	@scripts/lint

fuzz:
	@scripts/packages build test fuzz
	@scripts/fuzz $(FUZZ_SECONDS) $(FUZZ_TARGETS)

load:
	@scripts/packages build test load
	@scripts/load

tsan:
	@scripts/packages build test
	@scripts/tsan

oracle: build
	@scripts/packages test oracle
	@tests/oracle/run

engines: build
	@scripts/packages test engines
	@SHEETFLOW=$(BUILD)/sheetflow node --test tests/sql/engines.test.mjs

install: build
	@meson setup --reconfigure $(BUILD) . -Dprefix="$(PREFIX)" >/dev/null
	@DESTDIR="$(DESTDIR)" meson install -C $(BUILD) --no-rebuild --quiet

deb: build
	@scripts/deb $(BUILD)/src/cli/sheetflow $(BUILD)

clean:
	rm -rf $(BUILD) $(SAN) $(CLANG) $(FUZZ) $(TSAN)
