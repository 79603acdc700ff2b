# The gateway as one image: no compiler, no shell needed, no root, no configuration and no keys.
# Build: docker build -t dialog-gateway .     Run: see docker-compose.yml.

ARG PYTHON_IMAGE=python:3.12-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
WORKDIR /src
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
# The locked versions first: they change more seldom than the code, so this layer is kept.
COPY requirements.lock requirements-build.lock ./
RUN python -m venv /opt/gateway \
    && /opt/gateway/bin/pip install --require-hashes --only-binary=:all: -r requirements.lock \
    && python -m venv /opt/build \
    && /opt/build/bin/pip install --require-hashes --only-binary=:all: -r requirements-build.lock
COPY pyproject.toml README.md LICENSE ./
COPY gateway gateway
COPY schemas schemas
COPY config/services.toml config/services.toml
# Without build isolation, so that nothing is fetched that no hash was checked of.
RUN /opt/build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /wheel . \
    && /opt/gateway/bin/pip install --no-deps --no-index /wheel/*.whl \
    && /opt/gateway/bin/dialog-gateway --version

FROM ${PYTHON_IMAGE}
# A fixed number, so that key files on the host can be given to it: chown 10001. Whoever else the
# container runs as can write in the folder too; each file there is its maker's own.
RUN groupadd --gid 10001 gateway \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/dialog-gateway \
        --shell /usr/sbin/nologin gateway \
    && install --directory --owner=gateway --group=gateway --mode=1777 /var/lib/dialog-gateway
COPY --from=build /opt/gateway /opt/gateway
# The container's own loopback is reached by nobody else. Publish the port on the host's loopback
# only: /metrics and /health have no login.
ENV PATH=/opt/gateway/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    GATEWAY_CONFIG=/etc/dialog-gateway/gateway.toml \
    GATEWAY__RUNTIME__HTTP_HOST=0.0.0.0 \
    GATEWAY__RUNTIME__HTTP_PORT=9090
USER 10001:10001
# For a journal on SQLite; with PostgreSQL nothing is written here.
WORKDIR /var/lib/dialog-gateway
VOLUME /var/lib/dialog-gateway
EXPOSE 9090 2525
# SIGTERM drains: new work is refused, what runs is finished, the outbox is emptied.
STOPSIGNAL SIGTERM
# Alive, not ready: a broker or database that is away is no reason to restart the gateway.
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f\"http://127.0.0.1:{os.environ['GATEWAY__RUNTIME__HTTP_PORT']}/health/live\", timeout=4)"]
ENTRYPOINT ["dialog-gateway"]
CMD ["run"]
