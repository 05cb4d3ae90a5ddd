# make demo   records a camera made of software and mounts its footage
# make test   everything that must hold before a change lands
# make build  only the program, ./moonfirefs

DEMO ?= /tmp/moonfirefs-demo
LINT  = .tools/golangci-lint-$(shell cat tools/golangci-lint.version)

.PHONY: build demo test lint

build:
	@tools/setup.sh build
	go build -o moonfirefs ./cmd/moonfirefs

demo: build
	./moonfirefs demo $(DEMO)

test:
	@tools/setup.sh test
	$(LINT) run
	go test -race -timeout 9m ./...

lint:
	@tools/setup.sh test
	$(LINT) run
