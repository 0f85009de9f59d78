# shellcheck shell=bash
# The one-node cluster: its programs started in order, waited for, and stopped in order.

PIDS="$RUN/pids"

# in_use hyperkube|runtime: the folder of the programs that run, which an updated checkout may no
# longer name; before the first start, the folder that will be used.
in_use() { cat "$STATE/programs/$1" 2>/dev/null || "$1_folder"; }

kubectl() {
  KUBECACHEDIR="$STATE/kubectl-cache" "$(in_use hyperkube)/kubectl" --kubeconfig "$ADMIN_CONFIG" "$@"
}
helm() {
  HELM_CACHE_HOME="$STATE/helm" HELM_CONFIG_HOME="$STATE/helm" HELM_DATA_HOME="$STATE/helm" \
    "$(in_use hyperkube)/helm" --kubeconfig "$ADMIN_CONFIG" "$@"
}
ctr() { "$(in_use runtime)/usr/bin/ctr" --address "$CONTAINERD_SOCKET" --namespace k8s.io "$@"; }

# running NAME: prints the pid of a program we started, fails when it is not running. Field 22 of
# /proc/PID/stat, when it was started, and the file that it runs tell a process from a later one of its
# number. Asked seven times by every call of ./dev, so the shell does it alone.
running() {
  local pid time exe fields
  [[ -f $PIDS/$1 ]] || return 1
  read -r pid time exe <"$PIDS/$1"
  { read -r fields <"/proc/$pid/stat"; } 2>/dev/null || return 1
  read -r -a fields <<<"${fields##*) }"
  [[ /proc/$pid/exe -ef $exe && ${fields[19]} == "$time" ]] || return 1
  printf '%s\n' "$pid"
}

# launch NAME PROGRAM ARGUMENT...: effect: runs it in a session of its own, unless it runs already.
launch() {
  local name="$1" program pid
  program="$(readlink -f "$2")"
  if running "$name" >/dev/null; then return 0; fi
  mkdir -p "$PIDS" "$STATE/logs"
  rm -f "$PIDS/$name"
  shift
  setsid --fork "$PLAYGROUND/launch.sh" "$PIDS/$name" "$program" "$@" \
    >>"$STATE/logs/$name.log" 2>&1 </dev/null 9>&-
  await "$name (its log: $STATE/logs/$name.log)" 60 running "$name"
}

# What the running programs were started from: another key means they must be started again.
cluster_key() {
  key_of "$(hyperkube_folder) $(runtime_folder)" \
    "$(declare -f start_programs start_etcd start_apiserver start_controllers start_node)" -- \
    playground/{config,certificates}.sh
}

cluster_running() {
  local name
  for name in containerd etcd kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy; do
    running "$name" >/dev/null || return 1
  done
}

start_cluster() {
  if cluster_running && [[ $(cat "$STATE/key" 2>/dev/null) == "$(cluster_key)" ]]; then
    await "the API server" 300 kubectl get --raw /readyz
    return
  fi
  if [[ -f $STATE/key && $(cat "$STATE/key") != "$(cluster_key)" ]]; then stop_programs; fi
  mkdir -p "$STATE" "$RUN"
  chmod 711 "$STATE" # Pods' volumes are below; keys and configuration have their own, closed folders.
  prepare_host
  make_certificates
  write_config
  mkdir -p "$STATE/programs"
  hyperkube_folder >"$STATE/programs/hyperkube"
  runtime_folder >"$STATE/programs/runtime"
  cluster_key >"$STATE/key"
  start_programs
}

start_programs() {
  local bin
  bin="$(hyperkube_folder)"
  PATH="$(runtime_folder)/usr/bin:$(runtime_folder)/usr/sbin:$PATH" \
    launch containerd "$(runtime_folder)/usr/bin/containerd" --config "$CONFIG/containerd.toml"
  start_etcd "$bin"
  start_apiserver "$bin"
  await "containerd" 300 ctr version
  # The pause image must be there before the kubelet asks for it, or a 10 s back-off follows.
  import_images no
  await "the API server" 300 kubectl get --raw /readyz
  start_controllers "$bin"
  start_node "$bin"
}

start_etcd() {
  launch etcd "$1/etcd" --name node1 --data-dir "$STATE/etcd" --log-level warn \
    --listen-client-urls https://127.0.0.1:2379 --advertise-client-urls https://127.0.0.1:2379 \
    --listen-peer-urls https://127.0.0.1:2380 --initial-advertise-peer-urls https://127.0.0.1:2380 \
    --initial-cluster node1=https://127.0.0.1:2380 \
    --cert-file "$PKI/etcd.crt" --key-file "$PKI/etcd.key" --trusted-ca-file "$PKI/ca-etcd.crt" \
    --client-cert-auth --peer-cert-file "$PKI/etcd.crt" --peer-key-file "$PKI/etcd.key" \
    --peer-trusted-ca-file "$PKI/ca-etcd.crt" --peer-client-cert-auth
}

start_apiserver() {
  launch kube-apiserver "$1/kube-apiserver" --bind-address "$NODE_ADDRESS" --advertise-address "$NODE_ADDRESS" \
    --secure-port 6443 --allow-privileged=true --profiling=false \
    --etcd-servers https://127.0.0.1:2379 --etcd-cafile "$PKI/ca-etcd.crt" \
    --etcd-certfile "$PKI/apiserver-etcd-client.crt" --etcd-keyfile "$PKI/apiserver-etcd-client.key" \
    --service-cluster-ip-range "$SERVICE_RANGE" --authorization-mode Node,RBAC \
    --enable-admission-plugins NodeRestriction,PodSecurity,ValidatingAdmissionPolicy \
    --client-ca-file "$PKI/ca-cluster.crt" --tls-cert-file "$PKI/apiserver.crt" \
    --tls-private-key-file "$PKI/apiserver.key" --kubelet-certificate-authority "$PKI/ca-cluster.crt" \
    --kubelet-client-certificate "$PKI/apiserver-kubelet-client.crt" \
    --kubelet-client-key "$PKI/apiserver-kubelet-client.key" \
    --kubelet-preferred-address-types InternalIP,Hostname \
    --service-account-issuer https://kubernetes.default.svc.cluster.local \
    --service-account-key-file "$PKI/service-account.pub" \
    --service-account-signing-key-file "$PKI/service-account.key" \
    --requestheader-client-ca-file "$PKI/ca-front-proxy.crt" --requestheader-allowed-names front-proxy-client \
    --requestheader-username-headers X-Remote-User --requestheader-group-headers X-Remote-Group \
    --requestheader-extra-headers-prefix X-Remote-Extra- --enable-aggregator-routing=true \
    --proxy-client-cert-file "$PKI/front-proxy-client.crt" --proxy-client-key-file "$PKI/front-proxy-client.key" \
    --audit-policy-file "$CONFIG/audit-policy.yaml" --audit-log-path "$AUDIT_LOG" \
    --audit-log-maxsize 100 --audit-log-maxbackup 3
}

start_controllers() {
  local config="$CONFIG/kube-controller-manager.kubeconfig"
  launch kube-controller-manager "$1/kube-controller-manager" --kubeconfig "$config" \
    --authentication-kubeconfig "$config" --authorization-kubeconfig "$config" --bind-address 127.0.0.1 \
    --tls-cert-file "$PKI/kube-controller-manager-server.crt" \
    --tls-private-key-file "$PKI/kube-controller-manager-server.key" \
    --cluster-signing-cert-file "$PKI/ca-cluster.crt" --cluster-signing-key-file "$PKI/ca-cluster.key" \
    --root-ca-file "$PKI/ca-cluster.crt" --service-account-private-key-file "$PKI/service-account.key" \
    --use-service-account-credentials=true --allocate-node-cidrs=true --cluster-cidr "$POD_RANGE" \
    --service-cluster-ip-range "$SERVICE_RANGE" --node-cidr-mask-size 24 --leader-elect=false \
    --profiling=false
  config="$CONFIG/kube-scheduler.kubeconfig"
  launch kube-scheduler "$1/kube-scheduler" --config "$CONFIG/kube-scheduler.yaml" \
    --authentication-kubeconfig "$config" --authorization-kubeconfig "$config" --bind-address 127.0.0.1 \
    --tls-cert-file "$PKI/kube-scheduler-server.crt" --tls-private-key-file "$PKI/kube-scheduler-server.key"
}

start_node() {
  launch kubelet "$1/kubelet" --config "$CONFIG/kubelet.yaml" --kubeconfig "$CONFIG/kubelet.kubeconfig" \
    --root-dir "$STATE/kubelet" --cert-dir "$STATE/kubelet-pki" --hostname-override node1 \
    --node-ip "$NODE_ADDRESS"
  launch kube-proxy "$1/kube-proxy" --config "$CONFIG/kube-proxy.yaml"
}

import_images() { image_archives "$1" | import_archives; } # WITH_OPERATOR

# Imports the archives named on standard input, each once: what containerd has is marked by its name.
import_archives() {
  local archive mark
  mkdir -p "$STATE/imported"
  while read -r archive; do
    [[ -f $archive ]] || continue
    mark="$STATE/imported/$(basename "$archive")-$(stat -c '%s-%Y' "$archive")"
    [[ ! -f $mark ]] || continue
    printf 'importing %s\n' "$archive"
    ctr images import "$archive" || fail "containerd did not take $archive as an image archive"
    touch "$mark"
  done
}

# Effect: NetworkPolicies are enforced, by the program that was built last.
start_netpol() {
  local program pid
  program="$(readlink -f "$(built_netpol)/alphorn-netpol")"
  pid="$(running netpol || true)"
  if [[ -n $pid && $(readlink "/proc/$pid/exe") != "$program" ]]; then stop netpol 10; fi
  launch netpol "$program" "$CONFIG/netpol.kubeconfig" "$STATE/netpol.nft"
  await "NetworkPolicies (see: ./dev logs netpol)" 300 nft list table "${NETPOL_TABLE[@]}"
}

# Effect: name service, storage and the node itself are ready, not only said to be from before.
start_addons() {
  sed "s|ADDONS_IMAGE|$(addons_image)|; s|DNS_ADDRESS|$DNS_ADDRESS|; s|NODE_ADDRESS|$NODE_ADDRESS|; s|VOLUMES|$STATE/volumes|" \
    "$PLAYGROUND/manifests/cluster.yaml" | kubectl apply --server-side --force-conflicts -f -
  start_netpol
  kubectl wait --for=condition=Ready node/node1 --timeout=300s
  kubectl -n kube-system rollout status deployment/coredns --timeout=300s
  kubectl -n kube-system rollout status deployment/volume-provisioner --timeout=300s
}

# stop NAME SECONDS: asks, waits, and only then insists.
stop() {
  local pid deadline=$((SECONDS + $2))
  pid="$(running "$1")" || { rm -f "$PIDS/$1"; return 0; }
  kill -TERM "$pid" 2>/dev/null || true
  while running "$1" >/dev/null && ((SECONDS < deadline)); do sleep 0.1; done
  if running "$1" >/dev/null; then
    printf '%s ignored SIGTERM for %s s\n' "$1" "$2"
    kill -KILL "$pid" 2>/dev/null || true
    while running "$1" >/dev/null; do sleep 0.1; done
  fi
  rm -f "$PIDS/$1"
}

# playground_processes: pids of everything that runs from our cache or holds a pod of ours.
playground_processes() {
  local entry exe
  for entry in /proc/[0-9]*; do
    exe="$(readlink "$entry/exe" 2>/dev/null)" || continue
    case "$exe" in
      "$CACHE"/bin/hyperkube-*/hyperkube* | "$CACHE"/bin/containerd-* | "$CACHE"/bin/netpol-*)
        # Somebody's own use of the same programs (contract tests, kubectl) is not the cluster's.
        ! tr '\0' ' ' <"$entry/cmdline" 2>/dev/null | grep -qE "$STATE|$RUN" || printf '%s\n' "${entry#/proc/}"
        ;;
    esac
  done
}

stop_programs() {
  stop kubelet 10
  if running containerd >/dev/null; then
    "$(in_use hyperkube)/cri-clean" "unix://$CONTAINERD_SOCKET" ||
      printf 'cri-clean could not remove every pod; the rest is ended by force\n'
  fi
  local name
  for name in netpol kube-scheduler kube-controller-manager kube-proxy; do stop "$name" 10; done
  stop kube-apiserver 15
  stop etcd 10
  stop containerd 10
  end_stragglers
}

# After a crash the containers' shims, and what they hold, live on without their daemon.
end_stragglers() {
  local pid child
  for pid in $(playground_processes); do
    for child in $(pgrep -P "$pid" || true); do kill -KILL "$child" 2>/dev/null || true; done
    kill -KILL "$pid" 2>/dev/null || true
  done
  local group
  for group in $(pod_cgroups); do
    find "$group" -name cgroup.procs -exec cat {} + 2>/dev/null | sort -u |
      while read -r pid; do kill -KILL "$pid" 2>/dev/null || true; done
  done
}
