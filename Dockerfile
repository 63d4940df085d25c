# docker build -t hesp_mmaction . && docker run --gpus all --shm-size 8g -v DATA:/hesp_mmaction/data -it hesp_mmaction
FROM pytorch/pytorch:2.6.0-cuda12.4-cudnn9-devel
RUN apt-get update && apt-get install -y --no-install-recommends git libgl1 libglib2.0-0 \
    && rm -rf /var/lib/apt/lists/*
# Not root; where DATA or a folder for results is mounted, give the owner's: --build-arg UID=$(id -u)
ARG UID=1000
RUN useradd --create-home --non-unique --uid ${UID} hesp
WORKDIR /hesp_mmaction
COPY --chown=hesp . .
# torch stays the image's own, all else has the versions of the tests; mmcv-lite is enough (README,
# "Good to know").
RUN grep -vE '^(torch|torchvision)==' requirements/tested.txt > /tmp/constraints.txt \
    && pip install --no-cache-dir -e .[lite,slurm,xlsx] -c /tmp/constraints.txt \
    && chown -R hesp /hesp_mmaction
USER hesp
CMD ["bash"]
