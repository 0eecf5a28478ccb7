# Both images from source:
#
#   docker build --target injector      -t pannier .
#   docker build --target agent         -t pannier-agent .
#   docker build --target agent-busybox -t pannier-agent:busybox .
#
# `make images` makes the same three without an engine; release builds come from there.

FROM rust:1.95-bookworm AS build
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
# Debian removes a version when the next one comes, so a pinned one would soon be gone.
# hadolint ignore=DL3008
RUN apt-get update && apt-get install -y --no-install-recommends busybox-static ca-certificates musl-tools \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/src/target \
    scripts/static-build /out
# User 100 in group 1000, as in the images that ours stand in for.
RUN mkdir -p /base/etc /base/home/vault /base/tmp \
 && printf 'root:x:0:0:root:/:/sbin/nologin\nvault:x:100:1000:vault:/home/vault:/sbin/nologin\n' >/base/etc/passwd \
 && printf 'root:x:0:\nvault:x:1000:\n' >/base/etc/group \
 && cp LICENSE /base/LICENSE && chown 100:1000 /base/home/vault && chmod 1777 /base/tmp \
 && mkdir -p /injector/bin /agent/bin /agent/etc/ssl/certs /shell/bin /busybox/bin \
 && cp /out/pannier /injector/bin/ && ln -s pannier /injector/bin/vault-k8s \
 && cp /out/pannier-agent /agent/bin/ && ln -s pannier-agent /agent/bin/vault \
 && cp /etc/ssl/certs/ca-certificates.crt /agent/etc/ssl/certs/ \
 && ln -s pannier-agent /shell/bin/sh \
 && cp /bin/busybox /busybox/bin/ && for applet in $(busybox --list | grep -vx busybox); do ln -s busybox "/busybox/bin/$applet"; done

FROM scratch AS injector
COPY --from=build /base/ /
COPY --from=build /injector/ /
ENV HOME=/home/vault
USER 100:1000
ENTRYPOINT ["/bin/pannier"]

FROM scratch AS agent-base
COPY --from=build /base/ /
COPY --from=build /agent/ /
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/home/vault
USER 100:1000
ENTRYPOINT ["/bin/vault"]

# For template commands that need a shell.
FROM agent-base AS agent-busybox
COPY --from=build /busybox/ /

# No shell: /bin/sh is the agent itself, for the injector's own command lines. Last, so that it is what a plain build gives.
FROM agent-base AS agent
COPY --from=build /shell/ /
