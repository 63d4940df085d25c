# docker build -t hesp_mmaction . && docker run --gpus all --shm-size 8g -v DATA:/hesp_mmaction/data -it hesp_mmaction
FROM pytorch/pytorch:2.6.0-cuda12.4-cudnn9-devel
RUN apt-get update && apt-get install -y --no-install-recommends git libgl1 libglib2.0-0 \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /hesp_mmaction
COPY . .
# torch stays the image's own; mmcv-lite is enough (README, "Good to know").
RUN pip install --no-cache-dir -e .[lite,slurm,xlsx]
CMD ["bash"]
