# make demo   records a camera made of software and mounts its footage
# make test   everything that must hold before a change lands
# make build  only the program, ./moonfirefs

DEMO ?= /tmp/moonfirefs-demo
LINT  = .tools/golangci-lint-$(shell cat tools/golangci-lint.version)

# Tests mount file systems, also for other users, and unmount them.
AS_ROOT = $(if $(filter-out 0,$(shell id -u)),-exec 'sudo -E')

.PHONY: build demo test lint

build:
	@tools/setup.sh build
	go build -o moonfirefs ./cmd/moonfirefs

demo: build
	./moonfirefs demo $(DEMO)

test:
	@tools/setup.sh test
	$(LINT) run
	go test -race -timeout 9m $(AS_ROOT) ./...

lint:
	@tools/setup.sh test
	$(LINT) run
