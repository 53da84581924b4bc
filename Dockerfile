# One image with the five stage programs. What it runs by default is a worker of Prefect's pool:
#
#   docker build -t covid .
#   docker run --rm covid --help
#   docker run --rm -e PREFECT_API_URL=https://prefect.example.org/api covid
#   docker run --rm --entrypoint /usr/local/bin/monitoring covid --help
#
# The tag names the series of Rust that the project is built with, on the Debian of the final stage, for its C library.
FROM rust:1.95-slim-bookworm AS build
WORKDIR /src
COPY . .
# The caches live on the building machine, not in a layer: the programs are copied out of the one that has `target`.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked -p eda -p exp-track-mod-reg -p deployment -p monitoring -p delivery \
    && mkdir /out \
    && cp target/release/eda target/release/exp-track-mod-reg target/release/deployment target/release/monitoring \
       target/release/delivery /out/

# The C library, certificates, time zones and the user 65532, `nonroot`: no shell, no package manager.
FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /out/ /usr/local/bin/
# The user's own folder: without COVID_STORE the store is made here, and downloads go below .cache.
WORKDIR /home/nonroot
USER 65532
# What `worker` and `serve` say of themselves. A program that does its work and ends is gone before it is asked.
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s --retries=3 CMD ["/usr/local/bin/deployment", "health"]
ENTRYPOINT ["/usr/local/bin/deployment"]
CMD ["worker"]
