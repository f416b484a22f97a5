# The command in a container: docker run --rm -v "$PWD:/src" ecolint
# Described in docs/ci.md; .dockerignore lets in only what is copied here.
FROM python:3.13-slim AS build
WORKDIR /build
COPY pyproject.toml hatch_build.py README.md LICENSE ./
COPY ecocompute_lint ecocompute_lint
COPY rules rules
RUN python -m venv /opt/ecolint && /opt/ecolint/bin/pip install --no-cache-dir --disable-pip-version-check .

FROM python:3.13-slim
# git says which files belong to the repository, and what has changed. Its version is that of the base image's release.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends git \
    && rm -rf /var/lib/apt/lists/* \
    # The files that are mounted belong to somebody else than the user below.
    && git config --system --add safe.directory /src \
    && useradd --uid 10001 --create-home ecolint
COPY --from=build /opt/ecolint /opt/ecolint
ENV PATH=/opt/ecolint/bin:$PATH \
    ECOLINT_CACHE_DIR=/tmp/ecolint
USER 10001
WORKDIR /src
ENTRYPOINT ["ecolint"]
