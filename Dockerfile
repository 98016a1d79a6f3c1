# The version that the tests run on.
FROM python:3.11-slim-bookworm AS build

# A mirror of the package index, where one is needed: --build-arg PIP_INDEX_URL=...
ARG PIP_INDEX_URL
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1
WORKDIR /src
RUN python -m venv /opt/venv
COPY requirements-server.lock ./
RUN /opt/venv/bin/pip install --require-hashes -r requirements-server.lock
COPY pyproject.toml README.md LICENSE ./
COPY app ./app
RUN /opt/venv/bin/pip install --no-deps --no-build-isolation .


FROM python:3.11-slim-bookworm

# 1 puts the model files into the image; otherwise they are fetched at the first start.
ARG BAKE_MODELS=0
ARG PIP_INDEX_URL

ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    HOME=/tmp \
    HOST=0.0.0.0 \
    PORT=8000 \
    DATA_DIR=/app/data \
    UPLOAD_DIR=/app/uploads \
    EMBEDDING_DIR=/app/embeddings \
    MODELS_AUTO_PULL=true

COPY --from=build /opt/venv /opt/venv
COPY deploy/entrypoint.sh /usr/local/bin/entrypoint
WORKDIR /app

# User 1000 is the first user of most Linux hosts, whose bind mounts then have the same owner on both sides.
RUN useradd --uid 1000 --user-group --no-create-home --home-dir /app --shell /usr/sbin/nologin voice \
    && mkdir data uploads embeddings \
    && if [ "$BAKE_MODELS" = 1 ]; then voice-cloning models pull; fi \
    && chown -R voice:voice data uploads embeddings

# Declared after they are filled, so that a new volume starts with the baked models.
VOLUME ["/app/data", "/app/uploads", "/app/embeddings"]
EXPOSE 8000

# The start period covers fetching the models on a slow line.
HEALTHCHECK --interval=15s --timeout=5s --start-period=10m --retries=3 \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(f\"http://127.0.0.1:{os.environ['PORT']}/health/live\", timeout=4)"]

# The entry point leaves root before it starts the command.
ENTRYPOINT ["/usr/local/bin/entrypoint"]
CMD ["voice-cloning", "serve"]
