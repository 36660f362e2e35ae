# Stands in for the official image caddy:2 if no registry can be reached.
FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends caddy ca-certificates libcap2-bin wget \
    && rm -rf /var/lib/apt/lists/* \
    # Like the official one, it may listen on ports below 1024.
    && setcap cap_net_bind_service=+ep /usr/bin/caddy \
    && mkdir -p /data /config
LABEL fanlight.stand-in="Debian's caddy, no registry could be reached"
CMD ["caddy", "run", "--config", "/etc/caddy/Caddyfile", "--adapter", "caddyfile"]
