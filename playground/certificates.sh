# shellcheck shell=bash
# The cluster's keys: three authorities and a pair for every program, made once for a cluster's life.

PKI="$STATE/pki"
ADMIN_CONFIG="$STATE/kubeconfig"

make_authority() { # name
  [[ ! -f $PKI/$1.crt ]] || return 0
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -noenc -days 3650 \
    -subj "/CN=alphorn-playground-$1" -addext keyUsage=critical,keyCertSign,cRLSign \
    -keyout "$PKI/$1.key" -out "$PKI/$1.crt" 2>/dev/null
}

# make_pair AUTHORITY NAME SUBJECT USAGE [SAN]
make_pair() {
  local authority="$1" name="$2" subject="$3" usage="$4" names="${5:-}" options
  [[ ! -f $PKI/$name.crt ]] || return 0
  options="keyUsage=critical,digitalSignature
extendedKeyUsage=$usage
basicConstraints=critical,CA:false${names:+
subjectAltName=$names}"
  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -noenc -subj "$subject" \
    -keyout "$PKI/$name.key" 2>/dev/null |
    openssl x509 -req -CA "$PKI/$authority.crt" -CAkey "$PKI/$authority.key" -days 3650 \
      -extfile <(printf '%s\n' "$options") -out "$PKI/$name.crt.part" 2>/dev/null
  mv "$PKI/$name.crt.part" "$PKI/$name.crt"
}

# In a shell of its own: the programs must not inherit the closed umask, they unpack images.
make_certificates() (
  node="/O=system:nodes/CN=system:node:node1"
  umask 077
  mkdir -p "$PKI"
  for name in cluster front-proxy etcd; do make_authority "ca-$name"; done
  api="DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc"
  api+=",DNS:kubernetes.default.svc.cluster.local,DNS:localhost"
  api+=",IP:$API_SERVICE_ADDRESS,IP:$NODE_ADDRESS,IP:127.0.0.1"
  make_pair ca-etcd etcd /CN=etcd serverAuth,clientAuth DNS:localhost,IP:127.0.0.1
  make_pair ca-etcd apiserver-etcd-client /CN=kube-apiserver clientAuth
  make_pair ca-cluster apiserver /CN=kube-apiserver serverAuth "$api"
  make_pair ca-cluster apiserver-kubelet-client /CN=kube-apiserver-kubelet-client clientAuth
  make_pair ca-front-proxy front-proxy-client /CN=front-proxy-client clientAuth
  make_pair ca-cluster kubelet-client "$node" clientAuth
  make_pair ca-cluster kubelet-server "$node" serverAuth "DNS:node1,IP:$NODE_ADDRESS"
  for name in kube-controller-manager kube-scheduler; do
    make_pair ca-cluster "$name" "/CN=system:$name" clientAuth
    make_pair ca-cluster "$name-server" "/CN=$name" serverAuth DNS:localhost,IP:127.0.0.1
  done
  make_pair ca-cluster kube-proxy /CN=system:kube-proxy clientAuth
  make_pair ca-cluster netpol /CN=playground-netpol clientAuth
  make_pair ca-cluster admin /O=system:masters/CN=admin clientAuth
  if [[ ! -f $PKI/service-account.pub ]]; then
    openssl genrsa -out "$PKI/service-account.key" 2048 2>/dev/null
    openssl rsa -in "$PKI/service-account.key" -pubout -out "$PKI/service-account.pub" 2>/dev/null
  fi
  for name in kube-controller-manager kube-scheduler kube-proxy netpol; do
    write_kubeconfig "$name" "$STATE/config/$name.kubeconfig"
  done
  write_kubeconfig kubelet-client "$STATE/config/kubelet.kubeconfig"
  write_kubeconfig admin "$ADMIN_CONFIG"
)

write_kubeconfig() { # pair file
  mkdir -p "$(dirname "$2")"
  cat >"$2.part" <<END
apiVersion: v1
kind: Config
clusters:
- name: alphorn-playground
  cluster:
    server: https://$NODE_ADDRESS:6443
    certificate-authority-data: $(base64 -w0 "$PKI/ca-cluster.crt")
users:
- name: $1
  user:
    client-certificate-data: $(base64 -w0 "$PKI/$1.crt")
    client-key-data: $(base64 -w0 "$PKI/$1.key")
contexts:
- name: alphorn-playground
  context: {cluster: alphorn-playground, user: $1}
current-context: alphorn-playground
END
  mv "$2.part" "$2"
}
