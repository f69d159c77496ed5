#!/usr/bin/env bash
# Starts a house, three agents (two in Python, one in JavaScript) and a plan of three steps, and shows the plan once it has ended.
#
#   examples/research-plan/run.sh [FOLDER]     where all of it is kept; left out: a temporary one, removed at the end
#
# GATEHOUSE_BIN is the binary (build/release/gatehouse), PORT and ADMIN_PORT where it listens on loopback.
set -euo pipefail
here=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)
gatehouse=$(readlink -f "${GATEHOUSE_BIN:-$here/../../build/release/gatehouse}")
port=${PORT:-8455} admin_port=${ADMIN_PORT:-9955}
folder=${1:-$(mktemp -d)}
mkdir -p "$folder"
cd "$folder"
umask 077
started=()

# Agents end first, each when its wait for work is over, then the house.
stop() {
    trap '' INT TERM
    for pids in "${started[*]:1}" "${started[*]:0:1}"; do
        # shellcheck disable=SC2086  # several words
        kill -TERM $pids 2>/dev/null || true
        # shellcheck disable=SC2086
        wait $pids 2>/dev/null || true
    done
    [[ -n ${keep:-} ]] || rm -rf "$folder"
}
keep=${1:-}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

cat > gatehouse.yaml <<END
listeners:
  - name: agents
    bind: 127.0.0.1:$port
    tls: {certificate: internal, client_certificate: optional}
    serve: [api]
  - name: admin
    bind: 127.0.0.1:$admin_port
    serve: [health, api]
routes: []
END
house() { "$gatehouse" "$@" --config gatehouse.yaml; }

"$gatehouse" serve --config gatehouse.yaml > house.log 2>&1 &
started+=($!)
for _ in {1..100}; do
    curl --silent --fail --output ready "http://127.0.0.1:$admin_port/health/ready" && break
    kill -0 "${started[0]}" || { tail -n 20 house.log >&2; exit 1; }
    sleep 0.1
done

# An operator announces each agent; whoever runs it gets the one-time token.
begin() {
    local name=$1 capability=$2
    shift 2
    house agents add "$name" --capability "$capability" > "$name.token" 2> "$name.log"
    "$@" --folder "state/$name" --url "https://localhost:$port" --ca data/ca.pem --token-file "$name.token" >> "$name.log" 2>&1 &
    started+=($!)
}
begin retriever data_retrieval python3 "$here/retrieve.py"
begin analyst data_analysis python3 "$here/analyze.py"
begin writer synthesis node "$here/synthesize.mjs"

plan=test_research_plan_$(date +%Y%m%d_%H%M%S)
jq --arg id "$plan" '{id: $id} + .' "$here/plan.json" > plan.json
house plans create -f plan.json
if ! timeout 60 "$gatehouse" plans watch "$plan" --config gatehouse.yaml; then
    for log in retriever analyst writer; do tail -n 20 "$log.log" >&2; done
    exit 1
fi
house plans show "$plan"
