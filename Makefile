# What to run while working on Tertulia. Everything needs Go; check and cover also gcc, for
# the race detector.

STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOVULNCHECK = golang.org/x/vuln/cmd/govulncheck@v1.9.0
FUZZTIME = 10s

.DEFAULT_GOAL := help
.PHONY: help check lint test build demo fuzz bench cover fmt clean

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /\1|/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "  make %-8s %s\n", $$1, $$2 }'

check: lint test ## all that has to hold before you push

# A program or a database that cannot be fetched is said and passed over; what they find is not.
lint: ## gofmt, vet, staticcheck, known vulnerabilities
	@unformatted=$$(gofmt -l .) && test -z "$$unformatted" || { echo "not formatted, run make fmt: $$unformatted"; exit 1; }
	go vet ./...
	go run $(STATICCHECK) ./...
	@if go run $(GOVULNCHECK) -version 2>/dev/null | grep -q '^DB updated'; then go run $(GOVULNCHECK) ./...; \
	else echo "govulncheck: passed over, it or its database cannot be reached"; fi

test: ## every test, with the race detector and in any order
	go test -race -shuffle=on -timeout 30m ./...

build: ## the program, as one static binary
	CGO_ENABLED=0 go build -trimpath -o tertulia ./cmd/tertulia

demo: ## a post, a reply from another site, and the conversation
	go run ./cmd/tertulia demo

fuzz: ## ten seconds with each Fuzz function there is
	.ci/fuzz $(FUZZTIME)

bench: ## the benchmarks: what is reached, and the goals
	go test -run '^$$' -bench . -timeout 30m ./...

cover: ## which statements the tests reach, by package and in cover.out
	go test -coverpkg=./... -coverprofile=cover.out ./... >/dev/null
	go tool cover -func=cover.out | tail -n 1

fmt: ## format the code
	gofmt -w .

clean: ## remove what the targets above made, never data
	rm -f tertulia cover.out *.test
	go clean -fuzzcache
