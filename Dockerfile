# One image for every part; the command chooses. Built in steps so that the
# image carries neither compilers nor sources.
FROM node:22-bookworm-slim AS web
WORKDIR /src
COPY scripts/web.sh scripts/
COPY docs docs
COPY dashboard dashboard
RUN scripts/web.sh

FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
COPY --from=web /src/dashboard/dist dashboard/dist
RUN go build -trimpath -ldflags "-s -w -X main.version=$(cat VERSION 2>/dev/null || echo image)" -o /out/dianchi . && \
    make influxd && cp bin/influxd /out/influxd

FROM debian:bookworm-slim
RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates && \
    rm -rf /var/lib/apt/lists/* && groupadd --system --gid 10001 dianchi && useradd --system --uid 10001 --gid 10001 dianchi && install -d -o dianchi -m 0700 /data /accounts && \
    install -d -o dianchi -g dianchi -m 0755 /broker
COPY --from=build /out/ /usr/local/bin/
USER dianchi
ENV DIANCHI_DATA=/data
VOLUME /data
EXPOSE 8080 1883
ENTRYPOINT ["dianchi"]
