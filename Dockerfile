# The course in a container: `docker build -t digits-uth .`, then `docker run --rm -p 127.0.0.1:8888:8888 -v "$PWD/my_work:/home/learner/course" digits-uth`
# and open the address that it prints. Podman takes the same commands. What is saved lies in my_work.
FROM python:3.11-slim
RUN useradd --create-home --uid 1000 learner
COPY --chown=learner . /tmp/project
# PyTorch's CPU build first: a third of the size of PyPI's, which needs a GPU's driver to be of use.
RUN pip install --no-cache-dir --index-url https://download.pytorch.org/whl/cpu -c /tmp/project/constraints.txt torch torchvision \
 && pip install --no-cache-dir -c /tmp/project/constraints.txt "/tmp/project[lab]" \
 && python -c "import matplotlib.font_manager" \
 && rm -r /tmp/project
USER learner
RUN mkdir /home/learner/course
WORKDIR /home/learner/course
EXPOSE 8888
CMD ["digits-uth", "lab", "--port", "8888", "--no-browser", "--ServerApp.ip=0.0.0.0"]
