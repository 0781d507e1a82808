# One image for web, workers, beat and trainer; docker-compose.yml says which command each runs.
FROM node:24-slim AS assets
WORKDIR /luthier
COPY package.json package-lock.json ./
COPY static static
RUN apt-get update && apt-get install -y --no-install-recommends python3 && python3 static/fill_vendor.py

FROM python:3.11-slim
ENV PYTHONUNBUFFERED=1 LUTHIER_HOME=/var/lib/luthier LUTHIER_HOST=0.0.0.0
WORKDIR /luthier
COPY requirements/run.txt requirements/run.txt
RUN pip install --no-cache-dir --require-hashes -r requirements/run.txt
COPY . .
COPY --from=assets /luthier/static/vendor static/vendor
RUN useradd --system --uid 10001 luthier && install -d -o luthier -m 0700 /var/lib/luthier
USER luthier
VOLUME /var/lib/luthier
EXPOSE 8000
CMD ["python", "-m", "app", "web"]
