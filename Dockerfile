# syntax=docker/dockerfile:1

# One image for both programs, /edge and /router, and nothing else: no shell, no libraries, a user without rights, and
# nothing that is written but /data, which only an edge with embedded stores uses.
#
#   docker build --build-arg VERSION=$(git describe --always --dirty) -t limegrove .

FROM --platform=$BUILDPLATFORM golang:1.26-bookworm AS build
WORKDIR /src
# The modules are a layer of their own, which stays while only sources change.
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod \
    go mod download
COPY . .
ARG TARGETOS
ARG TARGETARCH
ARG VERSION=unknown
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 GOOS="$TARGETOS" GOARCH="$TARGETARCH" go build -trimpath -buildvcs=false \
    -ldflags="-s -w -X limegrove/internal/version.stamp=$VERSION" -o /out/ ./cmd/edge ./cmd/router
RUN mkdir -p /out/data

FROM scratch
# For what is asked over HTTPS: keys of issuers, webhooks, a platform's API.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /out/edge /out/router /
COPY --from=build --chown=65532:65532 /out/data /data
USER 65532:65532
# Sessions, the HTTP API, health and metrics, sessions over TCP, gossip.
EXPOSE 8080 8085 8090 55321 7946/tcp 7946/udp
STOPSIGNAL SIGTERM
ENTRYPOINT ["/edge"]
