# One line each; the work is in scripts/, demo/ and e2e/, and CI runs the same targets.
.DEFAULT_GOAL := help
.PHONY: help build release demo test fmt lint deny chart docs images e2e soak parity bench differential go-cases bao-cases clean

help: ## this list
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "  make %-12s %s\n", $$1, $$2}'

build: ## both programs, for trying things out (target/debug)
	cargo build --locked -p pannier
	cargo build --locked -p pannier-agent-cli

release: ## both programs as static files (dist/)
	scripts/static-build

demo: build ## a pod gets its secret: the guide with a real OpenBao, no cluster
	scripts/with-tools bao -- python3 -m demo

test: lint ## formats, lints and all tests, those against the real OpenBao and Go among them
	scripts/with-tools bao go helm hvac -- scripts/tests

fmt: ## format the sources
	cargo fmt --all

lint: ## what must be clean: formats, clippy, shell, Python, workflows, Dockerfile, chart and manifests
	scripts/with-tools hadolint helm zizmor -- scripts/lint

deny: ## licences, banned crates and sources of everything we depend on
	scripts/deny

chart: ## write deploy/ again from charts/pannier
	scripts/with-tools helm -- python3 -m scripts.chart write

docs: ## write docs/reference/ again from the tables in the code
	PANNIER_WRITE_REFERENCE=1 cargo test --quiet --locked -p pannier --test reference

images: ## both images as OCI tars, no container engine needed (dist/; ARGS="--here" for this processor only)
	python3 -m scripts.images $(ARGS)

e2e: ## the end-to-end suite on a real cluster: KUBECONFIG, else ../shared/cluster, else kind
	python3 -m e2e --which
	python3 -m scripts.images --here
	scripts/with-tools bao helm -- python3 -m e2e

soak: build ## replicas die, certificates live for seconds, admissions go on (ARGS="--seconds 300" for the whole; root)
	python3 -m e2e.soak $(ARGS)

parity: build ## the agent beside the original: same configurations, faults, dynamic credentials (ARGS="compare --only auth")
	PANNIER_AGENT=target/debug/pannier-agent scripts/with-tools bao hvac -- python3 e2e/parity $(or $(ARGS),all)

bench: ## how fast and how big
	scripts/with-tools go -- scripts/bench

differential: ## random templates, given to Go and to us: no difference (ARGS="--cases 20000 --seed 7")
	scripts/with-tools go -- cargo run --quiet --locked -p pannier-template --example differential -- $(ARGS)

go-cases: ## ask Go again for the recorded answers about templates
	scripts/with-tools go -- cargo run --quiet --locked -p pannier-template --example differential -- --record

bao-cases: ## ask `bao agent` again for the recorded answers about functions (ARGS="NAME..." of crates/template/oracle/cases)
	scripts/with-tools bao -- crates/template/oracle/ask_bao.py $(ARGS)

clean: ## remove what was built (not the cache of tools)
	cargo clean
	rm -rf dist
