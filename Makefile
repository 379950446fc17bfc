# The project's commands; `make help` lists them.

# Databases that `make etl` builds.
SOURCES ?= oqmd jarvis matbench
# Folder with the published files as <database>/<name>, for machines without a network.
MIRROR ?=
# MatBench task of `make etl`.
MATBENCH_TASK ?= jdft2d
# JARVIS dataset of `make etl`.
JARVIS_TASK ?= dft_3d
# Stores that `make analysis` looks at: every finished one in data/ unless given.
STORES ?=
# How much `make torture` tries: `long` or `short`.
TORTURE ?= long
# Where `make install` puts things. The user's own tree: it needs no rights that a user of a cluster has
# not, and shells and `man` look into it as they do into /usr/local.
ifeq ($(origin PREFIX),undefined)
PREFIX := $(value HOME)/.local
endif
# Root of the tree that a package is made of; empty for this machine.
DESTDIR ?=

ETL := target/release/etl
TRAINER := target/release/trainer
VENV := .venv
# pyspark for the test of etl/dist, where `make spark` has installed it.
SPARK_VENV := .venv-spark
# Environments of the Python package: that of its tests, and what builds the wheel.
PYTHON_VENVS := .venv-python .venv-wheel
# Whether `make wheel` makes one for every Linux with glibc 2.28 and later: everything is compiled anew for it.
PORTABLE ?=

# libtorch, where LIBTORCH names one or `make libtorch` has made it, and MPI, where there is a compiler for it and the
# libclang that reads its header: everything is then built with them, because two feature sets would
# compile the trainer and parts of burn twice.
LIBTORCH ?= $(firstword $(realpath $(CURDIR)/.libtorch/cuda) $(wildcard $(CURDIR)/.libtorch/cpu))
ifneq ($(LIBTORCH),)
export LIBTORCH
TCH := mmpt-trainer/tch
else
unexport LIBTORCH
endif
# Whether `make libtorch` installs the one for CUDA.
CUDA ?=
LIBCLANG := $(wildcard $(addsuffix /libclang.so*,$(LIBCLANG_PATH)) \
	$(foreach name,libclang.so libclang-[0-9]*.so*,/usr/lib/$(name) /usr/lib64/$(name) /usr/lib/*/$(name) \
	/usr/lib/llvm*/lib/$(name) /usr/local/lib/$(name)))
ifneq ($(and $(shell command -v mpicc),$(LIBCLANG)),)
MPI := mmpt-trainer/mpi
endif
# The value of a variable as one word of a shell, whatever is in it: what a user gives is no text of make.
quote = '$(subst ','\'',$(value $1))'
FEATURES := $(addprefix --features ,$(TCH) $(MPI))

.PHONY: help build install uninstall wheel etl demo test extensions torture lint deny analysis spark libtorch bench-etl \
	bench-memory bench-trainer docs fuzz sanitize clean

help: ## List the commands
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

build: ## Compile the programs
	cargo build --release --workspace $(FEATURES)

# Not `cargo install`, which brings neither manual nor completions.
install: build ## Install programs, manual and completions under PREFIX (~/.local); DESTDIR=dir for packages
	@PREFIX=$(call quote,PREFIX) DESTDIR=$(call quote,DESTDIR) docs/manual/install.sh target/release

uninstall: ## Remove what `make install` put under PREFIX
	@PREFIX=$(call quote,PREFIX) DESTDIR=$(call quote,DESTDIR) docs/manual/install.sh --remove

wheel: ## Build the Python wheel, with both programs, into target/wheels; PORTABLE=yes for every Linux
	@python/wheel.sh $(if $(PORTABLE),--portable)

etl: build ## Build data/<source>/*.parquet; SOURCES="oqmd jarvis matbench" MIRROR=dir
	@SOURCES=$(call quote,SOURCES) MIRROR=$(call quote,MIRROR) ETL=$(call quote,ETL) \
		MATBENCH_TASK=$(call quote,MATBENCH_TASK) JARVIS_TASK=$(call quote,JARVIS_TASK) data/build.sh

demo: build ## From the embedded sample's CIFs to band gaps and a report: four minutes, no network
	@$(ETL) build cif --input data/sample --name textbook --out data/textbook
	@$(TRAINER) finetune --task textbook_band_gap --weights mmpt-mp \
		--shards data/textbook --out runs/demo/band_gap --overwrite --quiet --epochs 40
	@$(TRAINER) evaluate runs/demo/band_gap
	@$(TRAINER) predict data/sample --weights runs/demo/band_gap --overwrite \
		--out runs/demo/predictions.csv
	@echo "open runs/demo/band_gap/evaluation/report.html"

test: ## Run every test; those of Python need PyPI once, those of libtorch `make libtorch`
	@$(MAKE) --no-print-directory $(VENV)/complete || echo "make test: no DuckDB, its tests are skipped"
	@[ -n "$(TCH)" ] || echo "make test: no libtorch (make libtorch), its tests are skipped"
	@[ -n "$(MPI)" ] || echo "make test: no mpicc or no libclang, the tests of several processes are skipped"
	@# libtorch with several OpenMP threads collapses on cores that other tests keep busy.
	OMP_NUM_THREADS=1 cargo test --release --workspace --no-fail-fast $(FEATURES)
	@# The module is no part of any test of Rust.
	cargo build --release --workspace $(FEATURES)
	@python/test.sh target/release

extensions: ## Add a property, a source and a loss term to a copy of the tree, as CONTRIBUTING says
	@.ci/extensions --release $(FEATURES)

torture: build ## Kill, fill, damage and deceive the programs: one table, half an hour; TORTURE=short: minutes
	TORTURE=$(call quote,TORTURE) OMP_NUM_THREADS=1 cargo test --release --workspace $(FEATURES) --test torture

lint: ## Check format, lints and documentation
	cargo fmt --all --check
	cargo fmt --manifest-path fuzz/Cargo.toml --check
	cargo clippy --release --workspace $(FEATURES) --all-targets -- -D warnings
	@# No target of a plain `cargo test`, and so none of --all-targets.
	cargo clippy --release --workspace $(FEATURES) --test torture -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --release --no-deps --workspace $(FEATURES)
	@# A workspace of its own, which nothing else compiles; into fuzz/target.
	cargo check --locked --manifest-path fuzz/Cargo.toml

deny: ## Check licences, sources and known faults of the dependencies (needs cargo-deny)
	cargo deny --all-features --locked check --hide-inclusion-graph bans licenses sources
	@# Nothing before has fetched what the fuzz targets alone depend on.
	cargo fetch --quiet --locked --manifest-path fuzz/Cargo.toml
	cargo deny --manifest-path fuzz/Cargo.toml --offline --config deny.toml check --hide-inclusion-graph \
		bans licenses sources
	@# The faults are in a database of their own: without a network they cannot be known.
	@if cargo deny fetch db 2>/dev/null; then \
		cargo deny --all-features --offline check --hide-inclusion-graph advisories && \
		cargo deny --manifest-path fuzz/Cargo.toml --offline --config deny.toml check --hide-inclusion-graph advisories; \
	else echo "make deny: the database of known faults cannot be reached, they are not looked for"; fi

$(VENV)/complete: tests/requirements.txt
	python3 -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check --require-hashes -r tests/requirements.txt
	touch $@

analysis: $(VENV)/complete ## Run the DuckDB analyses over the stores; STORES="data/oqmd ..."
	@# Names of folders are no words of make, nor of a shell.
	@set -- $(STORES); [ $$# -gt 0 ] || for manifest in data/*.store/manifest.json; do \
		[ ! -f "$$manifest" ] || set -- "$$@" "$${manifest%.store/manifest.json}"; done; \
		$(VENV)/bin/python tests/analysis/run.py "$$@"

spark: ## Install pyspark into .venv-spark (400 MB from PyPI; Java 17) and test the ETL on it
	@$(MAKE) --no-print-directory $(SPARK_VENV)/complete
	cargo test --release --workspace $(FEATURES) --test etl -- --nocapture spark::

$(SPARK_VENV)/complete: tests/dist/requirements.txt
	python3 -m venv $(SPARK_VENV)
	$(SPARK_VENV)/bin/pip install --quiet --disable-pip-version-check --require-hashes \
		-r tests/dist/requirements.txt
	touch $@

libtorch: ## Install libtorch for the CPU into .libtorch (543 MB from PyPI); CUDA=yes: for CUDA (3 GB)
	@tests/libtorch/install.sh $(if $(CUDA),--cuda)

bench-etl: build ## Measure the ETL, part by part and against Python (needs ../shared)
	cargo bench --workspace $(FEATURES) --bench features --bench parts
	tests/bench/bench_etl.sh

bench-memory: build ## Measure the ETL's memory on 800,000 rows (needs ../shared)
	tests/bench/memory_etl.sh

bench-trainer: build ## Measure the search among embeddings, and a training step against PyTorch (needs ../shared)
	cargo bench --workspace $(FEATURES) --bench nearest
	@DEVICES="$${DEVICES:-cpu $(if $(TCH),libtorch)}" tests/bench/bench_trainer.sh

docs: ## Build the book from docs/src into docs/book (needs mdbook)
	@command -v mdbook >/dev/null || { echo "make docs: no mdbook; cargo install mdbook, or read docs/src as it is" >&2; exit 1; }
	mdbook build docs

fuzz: ## Fuzz every reader for a minute each (needs cargo-fuzz)
	for target in $$(basename -a fuzz/seeds/*); do fuzz/run.sh $$target -max_total_time=60 || exit 1; done

sanitize: ## Test the unsafe code under AddressSanitizer and, where installed, Valgrind
	fuzz/sanitize.sh

clean: ## Remove everything that was built, stores in data/ included; runs/ stays
	cargo clean
	rm -rf docs/book fuzz/target
	rm -rf $(VENV) $(SPARK_VENV) $(PYTHON_VENVS) .libtorch
	data/clean.sh
