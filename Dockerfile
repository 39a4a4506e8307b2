# Node and Python with its venv module: all that the project needs of a machine.
#
#   docker build -t optimal-grokking .
#   docker run --name grokking optimal-grokking
#   docker cp grokking:/home/node/optimal-grokking/output/site site
#
# The development container (.devcontainer) uses the first stage alone.
FROM node:22-bookworm-slim AS tools
RUN apt-get update \
  && apt-get install -y --no-install-recommends ca-certificates git procps python3 python3-venv \
  && rm -rf /var/lib/apt/lists/*

FROM tools AS notebooks
RUN install -d -o node -g node /home/node/optimal-grokking
USER node
WORKDIR /home/node/optimal-grokking
COPY --chown=node package.json package-lock.json .npmrc ./
COPY --chown=node lib/package.json lib/
RUN npm ci
COPY --chown=node . .
CMD ["npm", "start"]
