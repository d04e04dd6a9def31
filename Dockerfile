# anysyn on the CPU: small, not root, offline when it runs.
#   docker build --tag anysyn .
#   docker run --rm --network none --user "$(id -u):$(id -g)" --volume "$PWD:/data" anysyn synthesize brain-mri \
#     --source T1w=t1.nii.gz --target FLAIR --out flair.nii.gz
FROM python:3.12-slim AS build
# Where there is a mirror: --build-arg TORCH_INDEX=URL --build-arg PIP_INDEX_URL=URL
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
ARG PIP_INDEX_URL
WORKDIR /source
COPY pyproject.toml setup.py setup.cfg README.md LICENSE ./
COPY anysyn ./anysyn
COPY recipes ./recipes
# The CPU build of torch first: what the other packages then ask for is there, and no CUDA comes with it.
RUN python -m venv /opt/anysyn \
    && /opt/anysyn/bin/pip install --no-cache-dir torch torchvision --index-url "$TORCH_INDEX" \
    && /opt/anysyn/bin/pip install --no-cache-dir ".[dicom]"

FROM python:3.12-slim
LABEL org.opencontainers.image.title="anysyn" \
      org.opencontainers.image.description="Any-to-any medical image synthesis. Synthetic, not for clinical use." \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/anysyn /opt/anysyn
RUN useradd --create-home --uid 1000 anysyn && mkdir /data && chown anysyn /data
# Read by the libraries, not by anysyn: a home that any user may write to, and no request to a hub.
ENV PATH=/opt/anysyn/bin:$PATH HOME=/tmp HF_HUB_OFFLINE=1 PYTHONUNBUFFERED=1
USER 1000
WORKDIR /data
ENTRYPOINT ["anysyn"]
CMD ["--help"]
