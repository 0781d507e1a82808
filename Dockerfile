# One image for web, workers, beat and trainer; docker-compose.yml says which command each runs.
FROM node:24-slim AS assets
WORKDIR /luthier
RUN apt-get update && apt-get install -y --no-install-recommends python3
COPY package.json package-lock.json ./
COPY static/fill_vendor.py static/fill_vendor.py
RUN python3 static/fill_vendor.py

FROM python:3.11-slim
ENV PYTHONUNBUFFERED=1 LUTHIER_HOME=/var/lib/luthier LUTHIER_HOST=0.0.0.0
WORKDIR /luthier
COPY requirements/run.txt requirements/run.txt
RUN pip install --no-cache-dir --require-hashes -r requirements/run.txt
# By name: nothing that happens to lie beside them gets into the image.
COPY LICENSE alembic.ini ./
COPY app app
COPY examples examples
COPY migrations migrations
COPY static static
COPY templates templates
COPY --from=assets /luthier/static/vendor static/vendor
RUN python -m compileall -q app migrations \
  && useradd --uid 10001 --no-create-home luthier \
  && install -d -o luthier -m 0700 /var/lib/luthier
USER 10001
VOLUME /var/lib/luthier
EXPOSE 8000
CMD ["python", "-m", "app", "web"]
