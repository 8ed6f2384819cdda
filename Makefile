# make demo         the command on a photograph and a feature map; pictures in out/
# make test         all tests; installs the emulators they need, if it may
# make vet          gofmt, go vet for every kind of build, assembly up to date
# make fuzz         the fuzz targets, a fixed number of inputs each
# make bench        every operation beside a copy and beside others; pictures in bench/results, tables in docs/benchmarks.md
# make against      the working tree beside another revision, BEFORE=main, turn by turn; fails if something is slower
# make generate     the assembly, from gen/ and asm/
# make model-arm64  what llvm-mca predicts for the NEON kernels
# make bench-arm64  tests and benchmarks for arm64 machines, as binaries in out/

GO ?= go
FUZZ_COUNT ?= 200000
BENCH_FLAGS ?=
BEFORE ?= main
MODEL_FLAGS ?=

.PHONY: demo test vet fuzz bench against generate model-arm64 bench-arm64

demo:
	@scripts/demo.sh

test:
	@scripts/test.sh

vet:
	@scripts/vet.sh

fuzz:
	@scripts/fuzz.sh $(FUZZ_COUNT)

bench:
	$(GO) run ./bench -peers all -sweep 11 -o bench/results $(BENCH_FLAGS); status=$$?; \
	$(GO) run ./bench render bench/results docs/benchmarks.md && exit $$status

against:
	@scripts/against.sh $(BEFORE) -check $(BENCH_FLAGS)

generate:
	$(GO) generate .

model-arm64:
	$(GO) run ./bench/model $(MODEL_FLAGS)

bench-arm64:
	@scripts/bench-arm64.sh
