# syntax=docker/dockerfile:1
#
# Both programs in an image of their own; the folder of the host is /data:
#
#   docker build -t crystal-mmpt .
#   docker run --rm -v "$PWD:/data" crystal-mmpt etl build cif --input cifs --out store
#
# What is written belongs to user 1000; --user "$(id -u):$(id -g)" makes it another's. For training in several
# processes: docker build --build-arg FEATURES=mpi -t crystal-mmpt-mpi . libtorch is left out: its
# libraries are ten times the image.

# The bases. A tag may be given to another image later; a build that must be the same again names digests:
#
#   docker build --build-arg BUILD_BASE=rust:1.95-slim-trixie@sha256:... --build-arg BASE=debian:trixie-slim@sha256:... .
#
# `docker buildx imagetools inspect debian:trixie-slim` prints the digest of today's image.
ARG BUILD_BASE=rust:1.95-slim-trixie
ARG BASE=debian:trixie-slim

FROM ${BUILD_BASE} AS build
# Features of the trainer, separated by commas: mpi or nothing.
ARG FEATURES=""
RUN case ",$FEATURES," in *,mpi,*) \
        apt-get update \
        && apt-get install -y --no-install-recommends openmpi-bin libopenmpi-dev libclang-dev \
        && rm -rf /var/lib/apt/lists/* ;; \
    esac
WORKDIR /source
COPY Cargo.toml Cargo.lock LICENSE-APACHE LICENSE-MIT CHANGELOG.md ./
COPY features features
COPY schemas schemas
COPY docs/manual docs/manual
COPY etl etl
COPY trainer trainer
COPY data/weights data/weights
# A member of the workspace that the image has no use for.
COPY python/Cargo.toml python/Cargo.toml
COPY python/src python/src
# Crates and objects outlive a change of the sources.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/source/target \
    cargo build --release --locked --workspace --exclude mmpt-python --features "$FEATURES" \
    && DESTDIR=/installed PREFIX=/usr/local docs/manual/install.sh target/release

FROM ${BASE}
LABEL org.opencontainers.image.title="Crystal MMPT" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0"
ARG FEATURES=""
RUN case ",$FEATURES," in *,mpi,*) \
        apt-get update \
        && apt-get install -y --no-install-recommends openmpi-bin \
        && rm -rf /var/lib/apt/lists/* ;; \
    esac
RUN useradd --uid 1000 --create-home crystal && install -d -o crystal -g crystal /data
COPY --from=build /installed/usr/local /usr/local
# By number, so that a cluster sees that it is not root.
USER 1000:1000
WORKDIR /data
CMD ["etl", "--help"]
