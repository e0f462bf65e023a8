# Sourced by quickstart and runtests: installs what is missing and says what. With everything there it needs no network
# and a fraction of a second. Sets PATH so that the project's own tools come first.
#
#   cd ROOT; . ./scripts/setup.sh; setup [--for-tests | --for-benches]

root=$PWD
PATH=$root/node_modules/.bin:$root/.cache/bin:$PATH
export PATH

# command:package. Only what is missing as a command is installed. mount, nsenter, setpriv, unshare, perl and sh are
# Essential on Debian and Ubuntu. curl and nslookup are what pods of examples and walkthroughs call.
needed='ip:iproute2 iptables:iptables nft:nftables conntrack:conntrack curl:curl nslookup:bind9-dnsutils
  nginx:nginx-light busybox:busybox-static ps:procps modprobe:kmod'
# For ./runtests only: openssl looks at certificates with other eyes than ours; haproxy stands in front of a
# cluster; envsubst fills a template.
needed_by_tests='openssl:openssl haproxy:haproxy envsubst:gettext-base'
# For scripts/bench only: the load on the API server.
needed_by_benches='wrk:wrk'

kubectl_oldest=29
kubectl_release=v1.36.0

say() { echo "setup: $*"; }
fail() { echo "setup: $*" >&2; exit 1; }

setup() {
  [ "$(id -u)" = 0 ] || fail "needs root, for packages, namespaces and kernel rules; try: sudo $0"
  packages=$needed
  case $1 in
    --for-tests) packages="$needed $needed_by_tests" ;;
    --for-benches) packages="$needed $needed_by_benches" ;;
  esac
  install_packages "$packages"
  install_modules
  install_kubectl
  prepare_cache
}

install_packages() {
  missing=
  for pair in $1; do
    command -v "${pair%%:*}" >/dev/null || missing="$missing ${pair#*:}"
  done
  # The distribution's npm is large, but it is signed, known and needed only once; it fetches the Node that runs Fairway.
  if [ ! -d "$root/node_modules" ] && ! command -v npm >/dev/null; then missing="$missing npm ca-certificates"; fi
  [ -n "$missing" ] || return 0
  command -v apt-get >/dev/null || fail "missing:$missing; and there is no apt-get: install them by hand"
  say "installing packages:$missing"
  apt_quietly $missing
}

# No package may start a service here: policy-rc.d forbids it while packages are installed, and units that are new are
# disabled, so that a reboot does not start them either.
apt_quietly() {
  policy=/usr/sbin/policy-rc.d
  units_before=$(enabled_units)
  [ ! -e "$policy" ] || mv "$policy" "$policy.fairway-saved"
  trap restore_policy EXIT
  trap 'exit 130' INT TERM
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
  log=$(mktemp)
  export DEBIAN_FRONTEND=noninteractive
  if ! { apt-get update -q && apt-get install -yq --no-install-recommends "$@"; } >"$log" 2>&1 </dev/null; then
    tail -n 20 "$log" >&2
    fail "apt-get failed; its whole output is in $log"
  fi
  rm -f "$log"
  restore_policy
  trap - EXIT INT TERM
  for unit in $(enabled_units); do
    case " $units_before " in
      *" $unit "*) ;;
      *) systemctl disable -q "$unit" 2>/dev/null && say "disabled $unit, which came with a package" ;;
    esac
  done
  return 0
}

restore_policy() {
  rm -f "$policy"
  [ ! -e "$policy.fairway-saved" ] || mv "$policy.fairway-saved" "$policy"
}

enabled_units() {
  command -v systemctl >/dev/null || return 0
  systemctl list-unit-files --state=enabled --type=service --no-legend --no-pager 2>/dev/null | awk '{printf "%s ", $1}'
}

# Node, the compiler, the linter and the libraries, at the versions of package-lock.json.
install_modules() {
  lock=$root/package-lock.json
  stamp=$root/node_modules/.fairway-lock
  if [ -d "$root/node_modules" ]; then
    if cmp -s "$lock" "$stamp"; then return 0; fi
    # Somebody ran npm by hand: as good.
    if [ ! -e "$stamp" ] && [ "$root/node_modules/.package-lock.json" -nt "$lock" ]; then return 0; fi
  fi
  # npm would empty the directory that it leads to, which other checkouts use.
  if [ -L "$root/node_modules" ]; then
    fail "node_modules is a link to packages of another package-lock.json; remove the link, then run this again"
  fi
  say 'installing Node and libraries (npm ci)'
  # Beside what is there, which npm would delete before it knows that it can fetch the new: nobody is left with neither.
  staging=$root/.cache/install
  rm -rf "$staging" && mkdir -p "$staging" && cp "$root/package.json" "$lock" "$staging"
  (cd "$staging" && npm ci --no-audit --no-fund --loglevel=error) || fail 'npm ci failed; nothing was changed'
  cp "$lock" "$staging/node_modules/.fairway-lock"
  rm -rf "$root/node_modules" && mv "$staging/node_modules" "$root/node_modules" && rm -rf "$staging"
}

install_kubectl() {
  if kubectl_is_new_enough; then return 0; fi
  # A sandbox has no network to get one by.
  if [ -n "$FAIRWAY_NO_KUBECTL$FAIRWAY_SANDBOX" ]; then return 0; fi
  case $(uname -m) in aarch64) arch=arm64 ;; *) arch=amd64 ;; esac
  if distribution_has_kubectl; then
    say 'installing kubectl from the distribution (package kubernetes-client)'
    apt_quietly kubernetes-client
    return 0
  fi
  url=https://dl.k8s.io/release/$kubectl_release/bin/linux/$arch/kubectl
  say "downloading kubectl $kubectl_release from dl.k8s.io"
  mkdir -p "$root/.cache/bin"
  file=$root/.cache/bin/kubectl
  if curl -fsSL --retry 2 --connect-timeout 10 -o "$file.new" "$url" && sum=$(curl -fsSL --retry 2 "$url.sha256"); then
    if echo "$sum  $file.new" | sha256sum -c --status; then
      chmod 755 "$file.new" && mv "$file.new" "$file"
      return 0
    fi
    rm -f "$file.new"
    fail 'the checksum of the downloaded kubectl is wrong; it is removed again'
  fi
  rm -f "$file.new"
  say "kubectl could not be had; going on with Fairway's own client"
}

kubectl_is_new_enough() {
  command -v kubectl >/dev/null || return 1
  minor=$(kubectl version --client -o json 2>/dev/null | sed -n 's/.*"gitVersion": *"v1\.\([0-9]*\)\..*/\1/p' | head -n 1)
  [ -n "$minor" ] && [ "$minor" -ge "$kubectl_oldest" ]
}

distribution_has_kubectl() {
  command -v apt-cache >/dev/null || return 1
  minor=$(apt-cache policy kubernetes-client 2>/dev/null | sed -n 's/^ *Candidate: 1\.\([0-9]*\)\..*/\1/p')
  [ -n "$minor" ] && [ "$minor" -ge "$kubectl_oldest" ]
}

# Texts for `kubectl explain`, the OpenAPI documents they are in, and compiled code. All follow from files of the
# checkout, whose names, sizes and times say whether they are still right.
prepare_cache() {
  now=$(cd "$root" && find src scripts package-lock.json -type f -printf '%p %s %T@\n' | sort | cksum)
  [ "$now" != "$(cat "$root/.cache/state" 2>/dev/null)" ] || return 0
  say 'preparing descriptions and compiled code'
  mkdir -p "$root/.cache"
  if [ ! "$root/.cache/descriptions" -nt "$root/scripts/generate-api.ts" ]; then
    "$root/scripts/node" "$root/scripts/generate-api.ts" --descriptions "$root/.cache/descriptions" >/dev/null ||
      fail 'the field descriptions could not be generated'
    touch "$root/.cache/descriptions"
  fi
  rm -rf "$root/.cache/compile"
  "$root/scripts/node" --disable-warning=ExperimentalWarning "$root/scripts/warm.ts" || fail 'compiling ahead failed'
  echo "$now" >"$root/.cache/state"
}
