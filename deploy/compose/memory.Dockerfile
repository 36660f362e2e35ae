# Nothing but a name for what the containers of a host share: docker-compose.yml says why.
FROM debian:bookworm-slim
LABEL org.opencontainers.image.title="fanlight memory" \
    org.opencontainers.image.description="Does nothing; its IPC namespace is everybody's" \
    org.opencontainers.image.licenses="Apache-2.0" \
    org.opencontainers.image.base.name="docker.io/library/debian:bookworm-slim"
USER 10001:10001
CMD ["sleep", "infinity"]
