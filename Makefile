# make demo    the command on a photograph and a feature map; pictures in out/
# make test    all tests; installs the emulators they need, if it may
# make fuzz    the fuzz targets, a fixed number of inputs each
# make bench   every operation beside a copy of the same feature map
# make generate  the assembly, from gen/

GO ?= go
FUZZ_COUNT ?= 200000
BENCH_FLAGS ?=

.PHONY: demo test vet fuzz bench generate

demo:
	@scripts/demo.sh

test:
	@scripts/test.sh

vet:
	@scripts/vet.sh

fuzz:
	@scripts/fuzz.sh $(FUZZ_COUNT)

bench:
	$(GO) run ./bench $(BENCH_FLAGS)

generate:
	$(GO) generate . ./bench
