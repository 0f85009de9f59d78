#!/bin/sh
# Starts nginx with what only the pod knows: the cluster's DNS server and domain. nginx asks DNS for
# the servers behind it again and again, so a Service that was made anew is found without a restart.
# Usage: start_gateway.sh CONFIG HOMESERVER-SERVICE RESULT
set -eu

config=$1
service=$2
result=$3

resolvers=""
domain=""
while read -r word first _; do
  case "$word" in
    nameserver)
      case "$first" in
        *:*) resolvers="$resolvers [$first]" ;;
        *) resolvers="$resolvers $first" ;;
      esac
      ;;
    # The first search domain of a pod is its namespace's: NAMESPACE.svc.CLUSTER-DOMAIN
    search) domain=$first ;;
  esac
done </etc/resolv.conf

if [ -z "$resolvers" ] || [ -z "$domain" ]; then
  echo "/etc/resolv.conf names no DNS server or no search domain: the pod needs dnsPolicy ClusterFirst" >&2
  exit 1
fi
cat >"$result" <<END
resolver$resolvers valid=5s ipv6=off;
map "" \$homeserver { default $service.$domain; }
map "" \$services { default $domain; }
END
exec nginx -c "$config" -e stderr -g 'daemon off;'
