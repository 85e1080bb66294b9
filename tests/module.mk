# SPDX-License-Identifier: GPL-3.0-or-later
# Unit tests are listed by their floors' module.mk (check_PROGRAMS); each is tests/unit/NAME_test.c with cmocka and speaks TAP.

LDADD += $(CMOCKA_LIBS)
TESTS = $(check_PROGRAMS) $(dist_check_SCRIPTS)
TEST_EXTENSIONS = .sh .py
LOG_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
SH_LOG_DRIVER = $(LOG_DRIVER)
PY_LOG_DRIVER = $(LOG_DRIVER)
# A test that failed has said so in a line of its own; the status would count it once more.
PY_LOG_DRIVER_FLAGS = --ignore-exit
PY_LOG_COMPILER = /usr/bin/python3
AM_TESTS_ENVIRONMENT = CMOCKA_MESSAGE_OUTPUT=TAP; export CMOCKA_MESSAGE_OUTPUT; \
	BEAMLINE=$(abs_builddir)/beamline; export BEAMLINE; \
	SRCDIR=$(abs_top_srcdir); export SRCDIR; \
	BUILDDIR=$(abs_builddir); export BUILDDIR;

# The house's rules, then the end-to-end tests: tests/e2e on the rig of tests/rig.
dist_check_SCRIPTS += tests/house/house.py tests/e2e/run.py
EXTRA_DIST += \
	.clang-format .gitignore .ci/run README.md COPYING tools/setup tools/demo tools/check \
	tests/rig/README.md tests/rig/rig tests/rig/__init__.py tests/rig/__main__.py tests/rig/core.py tests/rig/namespaces.py \
	tests/rig/node.py tests/rig/proxy.py tests/rig/roots.py tests/rig/sshd.py tests/rig/supervisor.py tests/rig/terminal.py tests/rig/tls.py tests/rig/tmux.py \
	tests/e2e/conftest.py tests/e2e/test_cli.py tests/e2e/test_errors.py tests/e2e/test_eval.py tests/e2e/test_hosts.py tests/e2e/test_guard.py tests/e2e/test_hostile.py tests/rig/liar.py tests/rig/lying_sshd.py tests/rig/watch.py tests/e2e/test_lying_sshd.py tests/e2e/test_without_distribution.py tests/e2e/test_promises.py tests/e2e/test_read_only.py \
	tests/e2e/test_rig.py tests/e2e/test_shell.py tests/e2e/test_shell_hostile.py tests/e2e/test_shell_node.py tests/e2e/test_shell_same.py tests/e2e/test_shell_text.py tests/e2e/test_tls.py

# Fuzzing. A target is tests/fuzz/fuzz_NAME.c with its seeds in tests/fuzz/seeds/NAME (and, where it helps, words for the fuzzer in
# tests/fuzz/dictionaries/NAME.dict); adding one takes two lines, FUZZ_TARGETS
# and its _SOURCES, both in the module.mk of its floor. `make check` feeds it the seeds; configured with
# `CC=clang --enable-fuzzing` it is a libFuzzer program, and `make fuzz FUZZ_SECONDS=60` runs them all. What the fuzzer finds
# becomes a seed.
EXTRA_DIST += tests/fuzz/seeds tests/fuzz/dictionaries
if FUZZING
FUZZ_MAIN =
FUZZ_TERMS = tests/fuzz/mutate_terms.c
noinst_PROGRAMS = $(FUZZ_TARGETS)
$(FUZZ_TARGETS): AM_LDFLAGS += -fsanitize=fuzzer
else
FUZZ_MAIN = tests/fuzz/replay.c
FUZZ_TERMS =
check_PROGRAMS += $(FUZZ_TARGETS)
endif
FUZZ_SECONDS = 60
# 256 MiB for a target and 64 MiB at once: an input that wants more is a finding, as is one that takes more than FUZZ_SLOW seconds.
FUZZ_SLOW = 5
FUZZ_FLAGS = -max_total_time=$(FUZZ_SECONDS) -timeout=$(FUZZ_SLOW) -rss_limit_mb=256 -malloc_limit_mb=64 -print_final_stats=1
fuzz: $(FUZZ_TARGETS:tests/fuzz/fuzz_%=fuzz-run-%)
fuzz-run-%: tests/fuzz/fuzz_%
	@dictionary=$(abs_top_srcdir)/tests/fuzz/dictionaries/$*.dict; \
	test -f $$dictionary && dictionary=-dict=$$dictionary || dictionary=; \
	$(MKDIR_P) tests/fuzz/corpus/$* && \
	ASAN_OPTIONS=quarantine_size_mb=16 $< $$dictionary $(FUZZ_FLAGS) -artifact_prefix=tests/fuzz/$*- \
		tests/fuzz/corpus/$* $(abs_top_srcdir)/tests/fuzz/seeds/$*
# What a check of minutes can do: each target for 3 seconds.
fuzz-short: $(FUZZ_TARGETS)
	$(MAKE) $(AM_MAKEFLAGS) fuzz FUZZ_SECONDS=3
fuzz-names:
	@echo $(FUZZ_TARGETS)
# How many lines of the decoders the seeds reach (and what `make fuzz` has gathered); builds by itself, with clang.
fuzz-coverage:
	BUILDDIR=$(abs_builddir) SRCDIR=$(abs_top_srcdir) /usr/bin/python3 $(abs_top_srcdir)/tests/tools/fuzz_coverage.py $(FUZZ_COVERAGE_FLAGS)
EXTRA_DIST += tests/tools/fuzz_coverage.py docs/fuzzing.md
.PHONY: fuzz-short fuzz-names fuzz-coverage

# The faults of tests/e2e/test_faults.py: a library for LD_PRELOAD, with and without an allocator (sanitizers have their own).
FAULTS = tests/rig/faults.so tests/rig/faults_alloc.so
check_DATA = $(FAULTS)
$(FAULTS): $(srcdir)/tests/rig/faults.c
	$(AM_V_CCLD)$(MKDIR_P) tests/rig && case $@ in *alloc*) alloc=-DFAULTS_ALLOC ;; esac; \
		$(CC) $(WARN_CFLAGS) -O1 -g -shared -fPIC -fvisibility=hidden $$alloc -o $@ $(srcdir)/tests/rig/faults.c
# The clock of tests/e2e/test_kept.py.
check_DATA += tests/rig/clock.so
tests/rig/clock.so: $(srcdir)/tests/rig/clock.c
	$(AM_V_CCLD)$(MKDIR_P) tests/rig && $(CC) $(WARN_CFLAGS) -O1 -g -shared -fPIC -fvisibility=hidden -o $@ $(srcdir)/tests/rig/clock.c
CLEANFILES += $(FAULTS) tests/rig/clock.so
EXTRA_DIST += tests/rig/clock.c tests/rig/faults.c tests/rig/faults.py tests/e2e/test_faults.py docs/faults.md

# Everything on every release and in every build, for hours; root only. tests/tools/check_long.py --help tells of its parts.
check-long:
	BUILDDIR=$(abs_builddir) /usr/bin/python3 $(abs_top_srcdir)/tests/tools/check_long.py
EXTRA_DIST += tests/tools/check_long.py tests/tools/cells.py tests/tools/on_release.sh docs/compatibility.md
.PHONY: check-long

# Measures against the peers (docs/performance.md); all figures are in bench.json, the tables in bench.md too. Not part of `make check`: a
# busy machine shows in them. libei comes with Debian's erlang-dev, which nothing else needs.
bench: beamline$(EXEEXT) tests/bench/call_bench$(EXEEXT) tests/bench/libei_calls$(EXEEXT)
	BEAMLINE=$(abs_builddir)/beamline BUILDDIR=$(abs_builddir) BENCH_JSON=$${BENCH_JSON:-$(abs_builddir)/bench.json} \
		BENCH_MARKDOWN=$${BENCH_MARKDOWN:-$(abs_builddir)/bench.md} PYTHONPATH=$(abs_top_srcdir)/tests /usr/bin/python3 -B -m bench
tests/bench/libei_calls$(EXEEXT): $(srcdir)/tests/bench/libei_calls.c
	$(AM_V_CC)$(MKDIR_P) tests/bench && erl=`command -v erl` && erl=`readlink -f "$$erl"` && \
		for folder in "$${erl%/bin/erl}"/lib/erl_interface-*; do :; done && \
		{ test -e "$$folder/lib/libei.a" || { echo "libei is missing: apt-get install erlang-dev" >&2; exit 1; }; } && \
		$(CC) -D_DEFAULT_SOURCE -pthread $(AM_CFLAGS) $(CFLAGS) -isystem "$$folder/include" -o $@ $(srcdir)/tests/bench/libei_calls.c -L"$$folder/lib" -lei
EXTRA_DIST += docs/performance.md tests/bench/__init__.py tests/bench/__main__.py tests/bench/bulk.py tests/bench/calls.py \
	tests/bench/cold.py tests/bench/instructions.py tests/bench/libei_calls.c tests/bench/lines.py tests/bench/many.py tests/bench/memory.py \
	tests/bench/peers.py tests/bench/report.py tests/bench/rtt.py tests/bench/serve.py tests/bench/shell.py tests/bench/startup.py tests/bench/timing.py \
	tests/bench/trace.py tests/bench/warm.py tests/bench/world.py
CLEANFILES += bench.json bench.md tests/bench/libei_calls$(EXEEXT)
.PHONY: fuzz bench
clean-local:
	rm -rf tests/fuzz/corpus fuzz-coverage
