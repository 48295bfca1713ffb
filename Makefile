# nsgflow: build and test. `make help` lists the targets, tests/README.md says what each test layer asks.
#
# Knobs (on the command line or in the environment):
#   CC=gcc|clang             the compiler
#   SANITIZE=address,undefined | thread
#   COVERAGE=1               counts lines and branches (gcc)
#   DEVELOPER=1              warnings are errors; `git config nsgflow.developer 1` sets it for a clone
#   V=1                      shows the commands
#   T=name                   test targets: only the tests whose name holds this text
# Each set of flags builds in build/<checksum of the flags>/, so objects of two sets never mix.

# ---- Debian packages: the one list; `make deps` installs what is missing of it -------------------
PACKAGES_BUILD := gcc libc6-dev pkg-config libyajl-dev zlib1g-dev libcurl4-openssl-dev libexpat1-dev \
	libssl-dev libsqlite3-dev libmaxminddb-dev libxxhash-dev
PACKAGES_OPTIONAL := libisal-dev
PACKAGES_TEST := libcmocka-dev python3 python3-jsonschema ca-certificates openssl util-linux valgrind
PACKAGES_E2E := nodejs npm
# Peers of the benchmarks: what is missing is left out and said so.
PACKAGES_BENCH := g++ libsimdjson-dev isal libdeflate-tools jq gzip
PACKAGES_DEV := clang clang-tidy clang-format cppcheck libclang-rt-dev

# ---- Tools and knobs ------------------------------------------------------------------------------
ifeq ($(origin CC),default)
CC := gcc
endif
ifeq ($(origin AR),default)
AR := ar
endif
SANITIZE ?=
COVERAGE ?=
FUZZ ?=
FILES ?=
V ?=
T ?=
PREFIX ?= /usr/local
PYTHON ?= $(firstword $(wildcard /usr/bin/python3) python3)
DEVELOPER ?= $(shell git config --get nsgflow.developer 2>/dev/null)
NPROC := $(shell nproc 2>/dev/null || echo 2)

# What an inner make has to be told to build the same way.
KNOBS = CC='$(CC)' SANITIZE='$(SANITIZE)' COVERAGE='$(COVERAGE)' FUZZ='$(FUZZ)' DEVELOPER='$(DEVELOPER)'

comma := ,

.SUFFIXES:
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

# ---- Flags ----------------------------------------------------------------------------------------
WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wstrict-prototypes \
	-Wmissing-prototypes -Wold-style-definition -Wpointer-arith -Wcast-qual -Wcast-align \
	-Wwrite-strings -Wvla -Wundef -Wformat=2 -Wimplicit-fallthrough -Wswitch-enum \
	-Wnull-dereference -Wdouble-promotion -Wredundant-decls
ifeq ($(DEVELOPER),1)
WARNINGS += -Werror
endif

PKGS := yajl zlib libcurl expat libcrypto sqlite3 libmaxminddb libxxhash
PKG_CFLAGS := $(subst -I,-isystem ,$(shell pkg-config --cflags $(PKGS) 2>/dev/null))
# libcurl and libcrypto are loaded when storage is read (core/library.h), not linked.
LIBS := -lyajl -lz -lexpat -lsqlite3 -lmaxminddb -lxxhash -lm

# ISA-L inflates faster where it exists (x86-64 and arm64); HAVE_ISAL is defined then, and only then.
HAVE_ISAL := $(shell pkg-config --exists libisal 2>/dev/null && echo 1)
ifeq ($(HAVE_ISAL),1)
PKG_CFLAGS += -DHAVE_ISAL=1
LIBS += -lisal
endif

ifneq ($(strip $(SANITIZE)$(FUZZ)),)
# No NDEBUG here: assertions hold, and freed arenas are filled with a pattern.
MODE_CFLAGS := -O1 -g -fno-omit-frame-pointer -fno-sanitize-recover=all
ifneq ($(strip $(SANITIZE)),)
MODE_CFLAGS += -fsanitize=$(SANITIZE)
MODE_LDFLAGS := -fsanitize=$(SANITIZE)
endif
ifeq ($(FUZZ),1)
MODE_CFLAGS += -fsanitize=fuzzer-no-link
endif
else ifeq ($(COVERAGE),1)
MODE_CFLAGS := -O0 -g --coverage -fprofile-update=atomic
MODE_LDFLAGS := --coverage
else
MODE_CFLAGS := -O2 -g -DNDEBUG -D_FORTIFY_SOURCE=2
MODE_LDFLAGS := -Wl,-z,relro,-z,now
endif

CPPFLAGS_ALL := -Isrc -Iinclude -D_GNU_SOURCE=1 $(PKG_CFLAGS) $(CPPFLAGS)
CFLAGS_ALL := -std=c11 $(WARNINGS) $(MODE_CFLAGS) -fstack-protector-strong -fno-common -pthread $(CFLAGS)
LDFLAGS_ALL := $(MODE_LDFLAGS) -pthread -Wl,--as-needed $(LDFLAGS)

# ---- Where things go ------------------------------------------------------------------------------
FLAGS_SUM := $(shell printf '%s' "$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) $(LDFLAGS_ALL) $(LIBS)" | cksum | tr -d ' ')
B := build/$(FLAGS_SUM)
LABEL := $(or $(subst $(comma),-,$(SANITIZE)),$(if $(filter 1,$(COVERAGE)),coverage),default)
PLAN := build/plans/$(LABEL).plan

# ---- Sources, found by folder ---------------------------------------------------------------------
FOUND := $(shell find src include tests bench -name node_modules -prune -o -type f -print 2>/dev/null | LC_ALL=C sort)
SRC := $(filter src/%.c,$(FOUND))
HDR := $(filter src/%.h include/%.h,$(FOUND))
LIB_OBJ := $(patsubst %.c,$(B)/%.o,$(filter-out src/main.c,$(SRC)))
MAIN_OBJ := $(patsubst %.c,$(B)/%.o,$(filter src/main.c,$(SRC)))
LIB := $(B)/libnsgflow.a
NSGFLOW := $(B)/nsgflow

# tests/<layer>/test_*.c are programs; tests/support/*.c is linked into each of them.
TEST_SRC := $(foreach f,$(FOUND),$(if $(filter tests/%.c,$(f)),$(if $(filter test_%,$(notdir $(f))),$(f))))
TEST_BIN := $(patsubst %.c,$(B)/%,$(TEST_SRC))
UNIT_BIN := $(filter $(B)/tests/unit/%,$(TEST_BIN))
# tests/e2e/*.c are programs that its scripts run.
E2E_BIN := $(patsubst %.c,$(B)/%,$(filter-out $(TEST_SRC),$(filter tests/e2e/%.c,$(FOUND))))
SUPPORT_OBJ := $(patsubst %.c,$(B)/%.o,$(filter tests/support/%.c,$(FOUND)))
FUZZ_SRC := $(filter tests/fuzz/fuzz_%.c,$(FOUND))
FUZZ_BIN := $(patsubst tests/fuzz/fuzz_%.c,$(B)/replay/%,$(FUZZ_SRC))
# tests/fault/preload_*.c are put in front of the C library by the fault tests.
PRELOAD := $(patsubst %.c,$(B)/%.so,$(filter tests/fault/preload_%.c,$(FOUND)))
TEST_SCRIPTS := $(foreach f,$(filter tests/%.sh tests/%.py,$(FOUND)),$(if $(filter test_%,$(notdir $(f))),$(f))) \
	$(filter tests/e2e/run.sh,$(FOUND))

# bench/*.c are programs; bench/lib/*.c is linked into each of them.
BENCH_SRC := $(foreach f,$(filter bench/%.c,$(FOUND)),$(if $(filter bench/,$(dir $(f))),$(f)))
BENCH_BIN := $(patsubst %.c,$(B)/%,$(BENCH_SRC))
BENCH_OBJ := $(patsubst %.c,$(B)/%.o,$(filter bench/lib/%.c,$(FOUND)))
# bench/peers/*.c and *.cpp are other readers of the same logs, on their own; C++ ones only where their library is.
PEER_BIN := $(patsubst %.c,$(B)/%,$(filter bench/peers/%.c,$(FOUND)))
ifneq ($(wildcard /usr/include/simdjson.h /usr/local/include/simdjson.h),)
ifneq ($(shell command -v g++ 2>/dev/null),)
PEER_BIN += $(B)/bench/peers/simdjson
endif
endif

# ---- How commands are shown -----------------------------------------------------------------------
SILENT := $(findstring s,$(filter-out --%,$(firstword -$(MAKEFLAGS))))
Q := $(if $(V),,@)
say = $(if $(V)$(SILENT),,@printf '  %-7s %s\n' '$(1)' '$(2)')
# Jobs for an inner make: what the caller asked for, else one a processor.
JOBS = $$(case " $$MAKEFLAGS" in *" -j"*|*jobserver*) ;; *) echo -j$(NPROC);; esac)

.PHONY: all
all: $(if $(MAIN_OBJ),$(NSGFLOW),$(LIB)) ## builds the program: build/nsgflow (the default target)
ifeq ($(LABEL),default)
	@[ "$$(readlink build/nsgflow)" = "$(FLAGS_SUM)/nsgflow" ] || ln -sfn $(FLAGS_SUM)/nsgflow build/nsgflow
else
	@echo "built $(NSGFLOW)"
endif

.PHONY: help
help: ## this list
	@sed -n 's/^\([a-z][a-z0-9-]*\):.*## /\1\t/p' Makefile | LC_ALL=C sort | expand -t 18
	@sed -n '/^# Knobs/,/^# Each/p' Makefile | sed 's/^# \{0,1\}//'

# ---- Build ----------------------------------------------------------------------------------------
$(NSGFLOW): $(MAIN_OBJ) $(LIB)
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $(MAIN_OBJ) $(LIB) $(LIBS)

# The archive is made anew, also when a source file went away: its list is a prerequisite.
$(LIB): $(LIB_OBJ) $(B)/objects.list
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $(LIB_OBJ)

.PHONY: always
$(B)/objects.list: always
	@mkdir -p $(@D)
	@printf '%s\n' $(LIB_OBJ) | cmp -s - $@ || printf '%s\n' $(LIB_OBJ) >$@

# gcc 12 keeps locals that outlive their function for ASan in frames aligned to 32 bytes, and AVX-512 stores to them as if
# they were aligned to 64 (GCC bug 110027).
ifneq ($(findstring address,$(SANITIZE)),)
ifeq ($(findstring clang,$(CC)),)
$(B)/src/flow/tuple_avx512.o $(B)/src/flow/tuple_vbmi.o: CFLAGS_ALL += --param asan-use-after-return=0
endif
endif

$(B)/src/%.o: src/%.c
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

# cmocka hands every test a state pointer that most do not use.
$(B)/tests/%.o: tests/%.c
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS_ALL) -Itests $(CFLAGS_ALL) -Wno-unused-parameter -MMD -MP -c -o $@ $<

$(B)/bench/%.o: bench/%.c
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS_ALL) -Ibench $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

$(TEST_BIN) $(E2E_BIN): $(B)/%: $(B)/%.o $(SUPPORT_OBJ) $(LIB)
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $< $(SUPPORT_OBJ) $(LIB) -lcmocka $(LIBS)

$(FUZZ_BIN): $(B)/replay/%: $(B)/tests/fuzz/fuzz_%.o $(B)/tests/fuzz/replay_main.o $(LIB)
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $^ $(LIBS)

$(B)/fuzz/%: $(B)/tests/fuzz/fuzz_%.o $(LIB)
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS_ALL) -fsanitize=fuzzer -o $@ $^ $(LIBS)

$(PRELOAD): $(B)/%.so: %.c
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -std=c11 -D_GNU_SOURCE=1 $(filter -W%,$(WARNINGS)) -Wno-redundant-decls -O1 -g -fPIC -shared -o $@ $<

$(BENCH_BIN): $(B)/%: $(B)/%.o $(BENCH_OBJ) $(LIB)
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $< $(BENCH_OBJ) $(LIB) $(LIBS)

# Peers are no part of the program: plain flags, optimised in every set of them.
$(B)/bench/peers/%: bench/peers/%.c
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) -std=c11 -D_GNU_SOURCE=1 -Wall -Wextra -O2 -o $@ $< -lyajl

$(B)/bench/peers/%: bench/peers/%.cpp
	$(call say,CXX,$<)
	@mkdir -p $(@D)
	$(Q)g++ -std=c++17 -Wall -Wextra -O2 -o $@ $< -lsimdjson

.SECONDARY:
-include $(LIB_OBJ:.o=.d) $(MAIN_OBJ:.o=.d) $(TEST_BIN:=.d) $(E2E_BIN:=.d) $(SUPPORT_OBJ:.o=.d)
-include $(patsubst tests/%.c,$(B)/tests/%.d,$(FUZZ_SRC)) $(B)/tests/fuzz/replay_main.d
-include $(BENCH_BIN:=.d) $(BENCH_OBJ:.o=.d)

.PHONY: install
install: all ## installs the program under PREFIX (/usr/local) of DESTDIR
	install -D -m 755 $(NSGFLOW) $(DESTDIR)$(PREFIX)/bin/nsgflow

.PHONY: clean
clean: ## removes build/
	rm -rf build

.PHONY: deps
deps: ## installs what is missing for build and tests (Debian packages; needs root or sudo only then)
	@sh tests/tools/install_packages.sh "$(PACKAGES_BUILD) $(PACKAGES_TEST)" "$(PACKAGES_OPTIONAL)"

.PHONY: deps-dev
deps-dev: deps ## installs what lint, format and fuzz need as well
	@sh tests/tools/install_packages.sh "$(PACKAGES_DEV)" ""

.PHONY: deps-e2e
deps-e2e: deps
	@command -v node >/dev/null && command -v npm >/dev/null || sh tests/tools/install_packages.sh "$(PACKAGES_E2E)" ""

# ---- Demo -----------------------------------------------------------------------------------------
.PHONY: demo
demo: deps ## builds all that is needed and reviews the demonstration logs
	@$(MAKE) $(JOBS) demo-run

.PHONY: demo-run
demo-run: all
	@echo '$$ build/nsgflow review --rules fixtures/demo/nsgs.json fixtures/demo/logs'
	@$(NSGFLOW) review --rules fixtures/demo/nsgs.json fixtures/demo/logs

# ---- Tests ----------------------------------------------------------------------------------------
RUN = $(PYTHON) tests/tools/run_tests.py $(if $(T),--filter '$(T)')

.PHONY: programs
programs: all $(TEST_BIN) $(E2E_BIN) $(FUZZ_BIN) $(if $(filter default,$(LABEL)),$(BENCH_BIN) $(PRELOAD))

# One line a test program: layer, program, arguments. The runner reads them.
.PHONY: plan
plan:
	@mkdir -p build/plans
	@{ echo "build $(B)"; \
	$(foreach t,$(TEST_BIN),echo "$(word 2,$(subst /, ,$(patsubst $(B)/%,%,$(t)))) $(t)"; ) \
	$(foreach t,$(FUZZ_BIN),echo "fuzz $(t) fixtures/corpus/$(notdir $(t))"; ) \
	$(foreach t,$(TEST_SCRIPTS),echo "$(word 2,$(subst /, ,$(t))) $(t)"; ) \
	echo "races tests/e2e/run.sh --threads"; echo "races tests/diff/test_store.py --seeds 1-2"; \
	$(foreach t,$(CHECKS),echo "checks make $(t) $(KNOBS)"; ) \
	echo "golden tests/tools/golden.py"; } >$(PLAN).new
	@mv $(PLAN).new $(PLAN)

# Builds what the layers need, keeps going past what does not compile, and lets the runner report both.
# $(1) knobs, $(2) what to build; the shell variable "broken" collects the failures.
build_for = $(MAKE) $(JOBS) -k $(1) plan $(2) || broken="$$broken --broken '$(2) $(1)'"

LAYERS := e2e,unit,golden,checks,diff,fuzz,fault,tools,cost
LAYERS_ASAN := unit,golden,diff,fuzz,fault
LAYERS_TSAN := unit,golden,races

.PHONY: test
test: deps ## everything below but lint and long fuzz; the last line counts passed and failed
	-@$(MAKE) deps-e2e
	@$(MAKE) test-run

.PHONY: test-run
test-run:
	+@broken=; \
	$(call build_for,SANITIZE= COVERAGE= FUZZ=,programs); \
	$(call build_for,SANITIZE=address$(comma)undefined COVERAGE= FUZZ=,programs); \
	$(call build_for,SANITIZE=thread COVERAGE= FUZZ=,programs-tsan); \
	eval "$(RUN) $$broken default:$(LAYERS) address-undefined:$(LAYERS_ASAN) thread:$(LAYERS_TSAN)"

.PHONY: programs-tsan
programs-tsan: all $(UNIT_BIN) $(E2E_BIN)

.PHONY: test-quick
test-quick: ## unit tests, golden tests and checks of the developer's build: before every landing
	+@broken=; \
	$(call build_for,DEVELOPER=1,test-quick-programs); \
	eval "$(RUN) $$broken default:unit,golden,checks"

.PHONY: test-quick-programs
test-quick-programs: all $(UNIT_BIN) $(BENCH_BIN)

.PHONY: test-unit
test-unit: all plan $(UNIT_BIN) ## unit tests (cmocka), one program a module
	@$(RUN) $(LABEL):unit

.PHONY: test-golden
test-golden: all plan ## runs fixtures/cases and compares with what a person approved
	@$(RUN) $(LABEL):golden

.PHONY: test-diff
test-diff: programs plan ## two ways of doing the same agree
	@$(RUN) $(LABEL):diff

.PHONY: test-fault
test-fault: programs plan ## what fails half-way fails well
	@$(RUN) $(LABEL):fault

.PHONY: test-tools
test-tools: all plan ## the test tools find what they are made to find
	@$(RUN) $(LABEL):tools

.PHONY: test-cost
test-cost: bench-programs plan ## instructions counted by callgrind are not more than recorded
	@$(RUN) $(LABEL):cost

.PHONY: cost-record
cost-record: deps bench-programs ## records what test-cost counts now (gcc)
	@$(BENCH_ENV) $(PYTHON) tests/cost/test_instructions.py --record
	@git --no-pager diff -- tests/cost

.PHONY: fuzz-replay
fuzz-replay: plan $(FUZZ_BIN) ## each fuzz target over its corpus, and over truncations of it
	@$(RUN) $(LABEL):fuzz

.PHONY: test-sanitize
test-sanitize: deps ## unit, golden, differential and replay under ASan+UBSan; unit, golden and races under TSan
	+@broken=; \
	$(call build_for,SANITIZE=address$(comma)undefined COVERAGE= FUZZ=,programs); \
	$(call build_for,SANITIZE=thread COVERAGE= FUZZ=,programs-tsan); \
	eval "$(RUN) $$broken address-undefined:$(LAYERS_ASAN) thread:$(LAYERS_TSAN)"

.PHONY: e2e
e2e: deps-e2e ## against a real blob server on loopback
	+@broken=; $(call build_for,,programs); eval "$(RUN) $$broken $(LABEL):e2e"

.PHONY: golden-update
golden-update: all ## writes what the program prints into fixtures/cases and shows the difference
	@NSGFLOW=$(CURDIR)/$(NSGFLOW) $(PYTHON) tests/tools/golden.py --update $(if $(T),--filter '$(T)')
	@git --no-pager diff --stat -- fixtures/cases
	@git --no-pager diff -- fixtures/cases
	@git ls-files --others --exclude-standard -- fixtures/cases | sed 's/^/new: /'

SECONDS ?= 60
TARGET ?=
.PHONY: fuzz
fuzz: deps-dev ## TARGET=name SECONDS=60: libFuzzer with ASan+UBSan (clang); finds go to build/fuzz/<name>
	@[ -f tests/fuzz/fuzz_$(TARGET).c ] || { echo "fuzz: TARGET is one of: $(notdir $(FUZZ_BIN))"; exit 2; }
	@$(MAKE) $(JOBS) CC=clang FUZZ=1 SANITIZE=address,undefined fuzz-run TARGET=$(TARGET) SECONDS=$(SECONDS)

.PHONY: fuzz-run
fuzz-run: $(B)/fuzz/$(TARGET)
	@mkdir -p build/fuzz/$(TARGET)/corpus
	$(B)/fuzz/$(TARGET) -max_total_time=$(SECONDS) -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
		-artifact_prefix=build/fuzz/$(TARGET)/ build/fuzz/$(TARGET)/corpus fixtures/corpus/$(TARGET)

# ---- Checks that fail the build -------------------------------------------------------------------
CHECKS := check-headers check-layers check-symbols check-banned check-text

HDR_OK := $(patsubst %.h,$(B)/hdr/%.ok,$(HDR))
.PHONY: check-headers
check-headers: $(HDR_OK) ## every header compiles alone, and twice

$(B)/hdr/%.ok: %.h
	@mkdir -p $(@D)
	@printf '#include "%s"\n#include "%s"\nextern int nsf_not_empty;\n' $(patsubst src/%,%,$(patsubst include/%,%,$<)) \
		$(patsubst src/%,%,$(patsubst include/%,%,$<)) >$(@:.ok=.c)
	$(Q)$(CC) $(CPPFLAGS_ALL) $(filter-out -fsanitize% --coverage,$(CFLAGS_ALL)) -Werror -MMD -MP -MF $(@:.ok=.d) -MT $@ \
		-fsyntax-only $(@:.ok=.c)
	@touch $@

-include $(HDR_OK:.ok=.d)

.PHONY: check-layers
check-layers: ## includes point down, one library is seen in one file, a .c file begins with nsf_common.h
	@$(PYTHON) tests/tools/check_layers.py

.PHONY: check-symbols
check-symbols: $(LIB) ## every global symbol is nsf_, and only core/mem.c allocates
	@$(PYTHON) tests/tools/check_symbols.py symbols $(LIB)

.PHONY: check-banned
check-banned: $(LIB) ## no object calls a banned function, no source names one
	@$(PYTHON) tests/tools/check_symbols.py banned $(LIB)

.PHONY: check-text
check-text: ## no machine's paths, marks of unfinished work or overlong files
	@$(PYTHON) tests/tools/check_text.py

# The tuple variant of arm64, where there is no such machine: Debian's gcc-aarch64-linux-gnu and qemu-user. What the fuzz
# target compares needs no library.
ARM64_CC ?= aarch64-linux-gnu-gcc
ARM64_RUN ?= qemu-aarch64
ARM64_SRC := tests/fuzz/fuzz_tuple.c tests/fuzz/replay_main.c $(wildcard src/flow/tuple*.c) src/flow/batch.c \
	$(patsubst %,src/core/%.c,mem err buf arena slice ipaddr problem)

.PHONY: check-neon
check-neon: ## the tuple variant of arm64 against the portable one, run by qemu; skipped where there are no such tools
	@if ! command -v $(ARM64_CC) >/dev/null || ! command -v $(ARM64_RUN) >/dev/null; then \
		echo "skip check-neon: $(ARM64_CC) and $(ARM64_RUN) are not both here"; \
	else \
		mkdir -p build && \
		$(ARM64_CC) -Isrc -D_GNU_SOURCE=1 -std=c11 $(WARNINGS) -O2 -static -ffunction-sections -Wl,--gc-sections \
			-o build/tuple-arm64 $(ARM64_SRC) && \
		$(ARM64_RUN) build/tuple-arm64 fixtures/corpus/tuple; \
	fi

# ---- For developers -------------------------------------------------------------------------------
.PHONY: lint
lint: deps-dev ## clang-tidy, cppcheck and gcc -fanalyzer over src/
	@$(PYTHON) tests/tools/lint.py --cc '$(CC)' $(if $(T),--filter '$(T)') -- $(CPPFLAGS_ALL) -std=c11

FORMATTED := $(filter %.c %.h,$(FOUND))
.PHONY: format
format: ## rewrites the sources as .clang-format says
	@clang-format -i $(FORMATTED)

.PHONY: format-check
format-check: ## says which sources .clang-format would change
	@clang-format --dry-run --Werror $(FORMATTED)

.PHONY: coverage
coverage: deps ## lines and branches the tests run, and functions never run; FILES=src/core: of these only
	+@broken=; find build -name '*.gcda' -delete 2>/dev/null; \
	$(call build_for,SANITIZE= FUZZ= COVERAGE=1,programs); \
	eval "$(RUN) $$broken coverage:unit,golden,diff,fuzz,fault" >build/coverage.log 2>&1 || true; tail -1 build/coverage.log
	@$(PYTHON) tests/tools/coverage.py build/plans/coverage.plan $(if $(FILES),--filter '$(FILES)')

# npm install takes what the lock file names, by check sum; npm ci wants the packages of all other processors in it as well.
.PHONY: deps-bench
deps-bench: deps
	@sh tests/tools/install_packages.sh "" "$(PACKAGES_BENCH) $(if $(shell command -v npm),,nodejs npm)"
	@command -v npm >/dev/null || exit 0; mkdir -p build/bench-node && cd build/bench-node && \
	cp ../../bench/peers/package.json ../../bench/peers/package-lock.json . && \
	{ [ -d node_modules/@duckdb ] || npm install --ignore-scripts --no-audit --no-fund >npm.log 2>&1 || \
	  echo "bench: no DuckDB: npm install fails, see build/bench-node/npm.log"; }

# BYTES=100000000 ROUNDS=5 CLOCK=wall|cpu ONLY=typical,vnet,flood,gz,small,memory,scan
BENCH_ARGS = $(if $(BYTES),--bytes $(BYTES)) $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(CLOCK),--clock $(CLOCK)) \
	$(if $(ONLY),--only $(ONLY))
BENCH_ENV = NSGFLOW=$(CURDIR)/$(NSGFLOW) NSGFLOW_BUILD=$(CURDIR)/$(B)

.PHONY: bench
bench: deps-bench ## the tables of bench/README.md: peers, goals; BYTES= ROUNDS= CLOCK=cpu ONLY=typical,...
	@$(MAKE) $(JOBS) bench-programs
	@$(BENCH_ENV) $(PYTHON) bench/run.py $(BENCH_ARGS)

MOST = $(if $(MOST_BYTES),--most-bytes $(MOST_BYTES)) $(if $(MOST_BLOBS),--most-blobs $(MOST_BLOBS)) \
	$(if $(MOST_SOURCES),--most-sources $(MOST_SOURCES))
.PHONY: bench-curves
bench-curves: bench-programs ## cost by bytes, blobs and sources, with a plot; MOST_BYTES= MOST_BLOBS= MOST_SOURCES= ONLY=bytes,...
	@$(BENCH_ENV) $(PYTHON) bench/curves.py --plot build/bench-curves.svg $(MOST) $(if $(ONLY),--only $(ONLY))

.PHONY: bench-costs
bench-costs: bench-programs ## where the instructions of a review go, by part and function (callgrind); BYTES=
	@$(BENCH_ENV) $(PYTHON) bench/costs.py $(if $(BYTES),--bytes $(BYTES))

.PHONY: bench-compare
bench-compare: bench-programs ## REV=main~5: that revision and this tree side by side; BYTES= ROUNDS=
	@[ -n "$(REV)" ] || { echo "bench-compare: REV=what?"; exit 2; }
	@$(BENCH_ENV) $(PYTHON) bench/compare.py '$(REV)' $(if $(BYTES),--bytes $(BYTES)) $(if $(ROUNDS),--rounds $(ROUNDS))

.PHONY: bench-record
bench-record: deps-bench ## bench, costs and curves, written into bench/README.md: on a quiet machine, a quarter of an hour
	@$(MAKE) $(JOBS) bench-programs
	@$(BENCH_ENV) $(PYTHON) bench/record.py --bench="$(BENCH_ARGS)" --curves="$(MOST)" $(RECORD_ARGS)

.PHONY: bench-stages
bench-stages: bench-programs ## reading stage by stage, on generated logs: MB/s and ns a tuple; BYTES=
	@for k in typical vnet flood; do $(B)/bench/gen_logs $$k --bytes $(or $(BYTES),100000000) build/bench-stages.json && \
	echo && echo "$$k:" && $(B)/bench/stages build/bench-stages.json || exit 1; done; rm -f build/bench-stages.json

.PHONY: bench-storage
bench-storage: bench-programs $(E2E_BIN) ## reading from storage beside curl, on loopback; MB= BLOBS= ROUNDS= URL=
	@NSGFLOW_BUILD=$(CURDIR)/$(B) bench/storage.sh $(if $(URL),'$(URL)')

.PHONY: bench-programs
bench-programs: all $(BENCH_BIN) $(PEER_BIN)

.PHONY: eval
eval: all ## how often verdicts are right, on generated worlds whose truth is known
	@NSGFLOW=$(CURDIR)/$(NSGFLOW) $(PYTHON) tests/eval/evaluate.py
	@NSGFLOW=$(CURDIR)/$(NSGFLOW) $(PYTHON) tests/eval/rule_verdicts.py

.PHONY: ci
ci: deps deps-dev ## what a release passes: both compilers, all tests, lint, end to end, a short fuzz of each target
	@$(MAKE) $(JOBS) DEVELOPER=1 CC=clang programs
	@$(MAKE) $(JOBS) DEVELOPER=1 CC=gcc programs
	@$(MAKE) format-check
	@$(MAKE) lint
	@for t in $(notdir $(FUZZ_BIN)); do $(MAKE) fuzz TARGET=$$t SECONDS=60 || exit 1; done
	@$(MAKE) e2e
	@$(MAKE) test
