# For those who work on bizond; users need scripts/run and scripts/test alone.
.PHONY: build run test bench lint crash faults fmt setup clean

build: setup
	cmake --preset release >/dev/null
	cmake --build --preset release

run:
	scripts/run

test:
	scripts/test

# Every benchmark, as a ratio to a minimal program in the same run.
bench: setup-tests
	bench/run

# clang-format-19, clang-tidy-19 and the rules of the house over the whole tree.
lint: setup-tests
	scripts/lint --all

# kill -9 at every failpoint and at many random moments.
crash: build
	tests/crash/run $(if $(DEATHS),--deaths $(DEATHS)) $(if $(SEED),--seed $(SEED))

# Failing system calls, a full disk and lost power; LONG=1 for the long form.
faults: build setup-tests
	tests/faults/run $(if $(LONG),--long) $(if $(SEED),--seed $(SEED))

fmt: setup-tests
	scripts/lint --fix

setup:
	@scripts/setup

setup-tests:
	@scripts/setup --tests

clean:
	rm -rf build build-dev build-asan build-tsan build-bench
