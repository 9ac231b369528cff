# A model behind HTTP: docs/serving.md. The data, the checkpoint and the photos are mounted.
FROM python:3.11-slim AS build
WORKDIR /source
RUN python -m venv /opt/showcase
ENV PATH=/opt/showcase/bin:$PATH PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
# The CPU build of PyTorch; that of https://pypi.org/simple is for CUDA, and several times as large.
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
RUN pip install torch torchvision --index-url "$TORCH_INDEX"
COPY . .
RUN pip install '.[serve]'

FROM python:3.11-slim
# A number, by which Kubernetes can tell that it is not root.
RUN useradd --create-home --uid 10001 showcase
COPY --from=build /opt/showcase /opt/showcase
ENV PATH=/opt/showcase/bin:$PATH PYTHONUNBUFFERED=1
USER 10001
# RecBole writes logs where it is started.
WORKDIR /home/showcase
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --start-period=5m CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/live')"]
ENTRYPOINT ["recbole-showcase"]
CMD ["serve", "--help"]
