# shellcheck shell=bash
# shellcheck disable=SC2034  # read by the files that source this one
# Every version the playground pins that no lock file of a package manager holds already.
# Go modules: hyperkube/go.mod and addons/go.mod. Python: images/synapse-requirements.txt.
GO_VERSION=1.26.8
KUBERNETES_VERSION=v1.37.2
HELM_VERSION=v4.2.4
SYNAPSE_VERSION=1.163.2

# From Debian 12, unpacked into the cache and never installed: a host's own containerd stays as it is.
CONTAINERD_PACKAGES=(containerd runc containernetworking-plugins)
DEBIAN_SUITE=bookworm

IMAGE_PREFIX=localhost/alphorn
PAUSE_IMAGE=localhost/pause:3.10
POSTGRES_IMAGE=$IMAGE_PREFIX/postgres:15
SYNAPSE_IMAGE=$IMAGE_PREFIX/synapse:v$SYNAPSE_VERSION
NGINX_IMAGE=$IMAGE_PREFIX/nginx:1.22

NODE_ADDRESS=10.250.0.1
POD_RANGE=10.244.0.0/16
SERVICE_RANGE=10.96.0.0/16
API_SERVICE_ADDRESS=10.96.0.1
DNS_ADDRESS=10.96.0.10
