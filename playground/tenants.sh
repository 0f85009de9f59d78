# shellcheck shell=bash
# Tenants as the cluster reports them: their addresses made usable from this machine.

TENANT_FOLDER="$STATE/tenants"

# tenants: prints the JSON list that "status --json" shows; writes each tenant's CA certificate.
# Before the chart is installed the API knows no tenants, which is no failure.
tenants() {
  local list='{"items": []}' known
  { known="$(kubectl get crd companyhomeservers.alphorn.dev --ignore-not-found -o name)" &&
    { [[ -z $known ]] || list="$(kubectl get companyhomeservers.alphorn.dev -A -o json)"; }; } ||
    fail "the API server does not say which tenants there are; its log: ./dev logs kube-apiserver"
  write_authorities "$list"
  jq --arg folder "$TENANT_FOLDER" '[.items[] | {
    name: .metadata.name,
    namespace: .metadata.namespace,
    ready: ([.status.conditions[]? | select(.type == "Ready") | .status == "True"] | any),
    reason: ([.status.conditions[]? | select(.type == "Ready") | .reason // ""] | first // ""),
    message: ([.status.conditions[]? | select(.type == "Ready") | .message // ""] | first // ""),
    address: (.status.address // ""),
    webAddress: (.status.webAddress // ""),
    hosts: (.status.hosts // []),
    caFile: (if .status.certificateAuthority.configMapName then
             "\($folder)/\(.metadata.namespace)-\(.metadata.name)-ca.crt" else "" end),
    adminUser: (.status.administrator.userId // ""),
    adminSecret: (.status.administrator.secretName // "")}]' <<<"$list"
}

# All in one question: there is one of these for each tenant, and stories ask often.
write_authorities() { # JSON of all tenants
  local namespace name text file
  mkdir -p "$TENANT_FOLDER"
  [[ $(jq '.items | length' <<<"$1") != 0 ]] || return 0
  while IFS=$'\t' read -r namespace name text; do
    file="$TENANT_FOLDER/$namespace-$name-ca.crt"
    base64 --decode <<<"$text" >"$file.part"
    mv "$file.part" "$file"
  done < <(jq -r --slurpfile maps <(kubectl get configmaps -A -l alphorn.dev/tenant -o json) '
    ($maps[0].items | map({key: "\(.metadata.namespace)/\(.metadata.name)", value: .data["ca.crt"]})
      | from_entries) as $texts |
    .items[] | .metadata as $tenant | .status.certificateAuthority.configMapName | select(.) |
    ($texts["\($tenant.namespace)/\(.)"] // empty) as $text |
    [$tenant.namespace, $tenant.name, ($text | @base64)] | @tsv' <<<"$1")
}

# Every tenant's host names lead to the node, where its NodePort listens.
publish_hosts() {
  set_host_names "$(jq -r '[.[].hosts[]] | unique | join(" ")' <<<"$1")"
}

# Prints what tenants prints; effect: this machine knows their host names. Whoever asks at the same time
# waits, and so nobody takes away names that another has just made known.
known_tenants() {
  local list
  exec 8>"$RUN/tenants.lock"
  flock 8
  list="$(tenants)"
  publish_hosts "$list"
  printf '%s\n' "$list"
}

# How a person logs in; prints nothing secret.
describe_tenant() { # JSON of one tenant
  local name namespace ready reason address web authority user secret
  IFS=$'\t' read -r name namespace ready reason address web authority user secret < <(jq -r \
    '[.name, .namespace, .ready, (if .message == "" then "-" else .message end), .address, .webAddress, .caFile,
      .adminUser, .adminSecret] | map(if . == "" then "-" else . end) | @tsv' <<<"$1")
  if [[ $ready == true ]]; then reason=ready; else reason="not ready: $reason"; fi
  cat <<END

  $name (namespace $namespace): $reason
    in a browser    $web
                    on this machine, once the browser trusts the CA file; docs/web-client.md says how
    address         $address
    CA file         $authority
    administrator   $user
    password        ./dev kubectl -n $namespace get secret $secret -o go-template='{{.data.password|base64decode}}{{"\n"}}'
    log in          curl --cacert $authority $address/_matrix/client/v3/login -d '{"type": "m.login.password",
                      "identifier": {"type": "m.id.user", "user": "$user"}, "password": "THE PASSWORD"}'
                    or any Matrix client on this machine that trusts the CA file: homeserver $address
END
}

# "built" says whether "up" has nothing left to build.
status_json() {
  local list='[]' up=false built=false
  need_root
  if everything_built; then built=true; fi
  if cluster_running; then
    up=true
    list="$(known_tenants)"
  fi
  jq -n --argjson up "$up" --argjson built "$built" --arg kubeconfig "$ADMIN_CONFIG" --arg audit "$AUDIT_LOG" --argjson tenants "$list" \
    '{cluster: {running: $up, built: $built, kubeconfig: $kubeconfig, auditLog: $audit},
      tenants: [$tenants[] | {name, namespace, ready, address, webAddress, caFile, adminUser, adminSecret}]}'
}

status_text() {
  local list count index
  need_root
  if ! cluster_running; then
    say "The cluster is not running. Start it: ./dev up"
    return
  fi
  say "Cluster    running, kubeconfig $ADMIN_CONFIG"
  say "Audit log  $AUDIT_LOG"
  if running netpol >/dev/null; then
    say "Policies   enforced, as $STATE/netpol.nft says"
  else
    say "Policies   NOT enforced any more when they change: netpol has ended; start it: ./dev up"
  fi
  list="$(known_tenants)"
  count="$(jq length <<<"$list")"
  ((count)) || say "No tenant yet."
  for ((index = 0; index < count; index++)); do describe_tenant "$(jq ".[$index]" <<<"$list")"; done
}
