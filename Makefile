# The commands of README.md, and what they are made of.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help demo docs images check advisories test bench-logs bench-ssh bench-capture bench-flow judge lab-versions soak bench-trace bench-fault bench-language image

# Without libpcap's headers everything works, except that filters are compiled on the nodes only. Asked after they were installed.
features = $$(printf '\#include <pcap.h>\n' | cc -E - >/dev/null 2>&1 || echo --no-default-features)
RECORDING = tests/recordings/node-firewall-drops-only-routed-client-network.lbdiag

help: ## this list
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

demo: ## the main job on a recording of a broken Service: no cluster, no root
	@[ "$$(id -u)" != 0 ] || .ci/packages libpcap-dev
	@[ -z "$(features)" ] || echo "libpcap's headers are not here (Debian: apt install libpcap-dev): building without the libpcap feature"
	cargo build --quiet $(features)
	@echo '$$ lbdiag run playbooks/metallb-flow.rhai --replay $(RECORDING)'; echo
	@target/debug/lbdiag run playbooks/metallb-flow.rhai --quiet --replay $(RECORDING); \
	  status=$$?; echo; echo "Exit code $$status; 3 means fail."; [ $$status = 3 ]
	@echo; echo 'On a cluster of your own, with its kubeconfig and SSH to its nodes:'
	@echo '  target/debug/lbdiag run metallb-flow                                                lists its Services, as commands'
	@echo '  target/debug/lbdiag run metallb-flow --set namespace=NAMESPACE --set service=NAME   follows one'

docs: ## docs/findings.md, docs/words.md and docs/schema, from what `lbdiag explain`, `words` and `schema` say
	cargo build --quiet $(features)
	@mkdir -p docs
	target/debug/lbdiag explain --markdown > docs/findings.md
	target/debug/lbdiag words --markdown > docs/words.md
	@mkdir -p docs/schema
	for name in outcome plan trace site; do target/debug/lbdiag schema $$name > docs/schema/$$name.json || exit 1; done

images: ## docs/images, the pages of five recorded faults in Debian's Chromium, which has to open each without an error and without a request
	@.ci/packages chromium pngquant python3
	cargo build --quiet $(features)
	tests/pictures/take

check: ## format, clippy, licences and sources of dependencies
	@.ci/packages libpcap-dev
	cargo fmt --check
	cargo clippy --quiet --all-targets $(features) -- -D warnings
	@command -v cargo-deny >/dev/null || cargo install --quiet --locked cargo-deny
	cargo deny --log-level error check licenses bans sources

advisories: ## known holes in dependencies, for a machine that reaches their database
	@command -v cargo-deny >/dev/null || cargo install --quiet --locked cargo-deny
	cargo deny check advisories

test: check ## everything, the lab's part where it can run; LAB_REQUIRED=1 makes that mandatory
	@.ci/packages openssh-client openssh-server sudo fish tcsh zsh ksh tshark python3 curl ca-certificates iproute2 iptables nftables conntrack procps python3-junitparser
	@.ci/promtool
	LAB_SKIP=1 cargo test --quiet $(features)
	RUSTDOCFLAGS='-D warnings' cargo doc --quiet --no-deps $(features)
	.ci/lab

bench-ssh: ## 20 hosts asked from nothing, beside OpenSSH and Ansible (in a virtualenv of its own, where pip can get it); root
	@.ci/packages openssh-client openssh-server python3-venv
	@[ -x target/ansible/bin/ansible-playbook ] || { python3 -m venv target/ansible && target/ansible/bin/pip install --quiet ansible-core; } || echo "Ansible cannot be installed here: left out"
	ANSIBLE="$$(ls $(CURDIR)/target/ansible/bin/ansible-playbook 2>/dev/null || true)" tests/bench/ssh

bench-logs: ## a million lines of log, beside kubectl and stern (where Go can install it) with sort | grep | tail
	cargo build --quiet --release $(features)
	@command -v stern >/dev/null || [ -x target/stern/stern ] || GOBIN=$(CURDIR)/target/stern go install github.com/stern/stern@v1.33.0 || echo "stern cannot be installed here: left out"
	tests/bench/logs

bench-language: ## what Rhai's feature `debugging` costs a loop: without it, with it, and with the callback that the coverage of `lbdiag test` registers
	cargo build --quiet --release $(features)
	tests/bench/language

bench-trace: ## two captures of 336,000 packets joined: lbdiag beside tcptrace and tshark; fails when a packet is paired wrongly or not at all
	@.ci/packages tcptrace tshark python3
	cargo build --quiet --release $(features)
	tests/bench/trace

lab-versions: ## MetalLB's own elections against the computed ones, in labs of every version; root and Go
	cargo build --quiet --release $(features)
	tests/lab/versions

judge: ## all faults, in a usual lab, one with nftables, one that speaks BGP, one of both families and one with Calico; root and Go. LAB_RESUME=1 goes on where it stopped
	LAB_REQUIRED=1 LAB_FAULTS=tests/lab/faults:tests/lab/unseen/lab:tests/lab/unseen/cases cargo test --quiet --test lab
	LAB_REQUIRED=1 LAB=judge-nft LAB_PROXY=nftables cargo test --quiet --test lab
	LAB_REQUIRED=1 LAB=judge-bgp LAB_BGP=native LAB_SET=own cargo test --quiet --test lab
	LAB_REQUIRED=1 LAB=judge-dual LAB_STACK=dual LAB_SET=own cargo test --quiet --test lab
	LAB_REQUIRED=1 LAB=judge-calico LAB_CNI=calico LAB_SET=calico cargo test --quiet --test lab
	LAB_REQUIRED=1 LAB=judge-calico LAB_CNI=calico LAB_FAULTS=tests/lab/unseen/calico cargo test --quiet --test lab

bench-capture: ## captures beside `ssh host tcpdump -w -` at the same load, on a lab that is up; root
	cargo build --quiet --release $(features)
	tests/lab/bench/capture

bench-flow: ## a healthy run beside the best shell script and the manual sequence, on a lab that is up and quiet; root. Fails when it is too slow or asks too much
	@.ci/packages jq curl openssh-client tcpdump
	cargo build --quiet --release $(features)
	tests/lab/bench/flow

bench-fault: ## where runs on the faults of tests/lab/sets/ci spend their time, on a lab that is up and quiet; root. FAULTS names others, BENCH_MOST=SECONDS bounds the median
	@.ci/packages python3-yaml
	cargo build --quiet --release $(features)
	tests/lab/bench/fault $(FAULTS)

image: ## a static binary without libpcap (target/x86_64-unknown-linux-musl/release/lbdiag), and an image of it alone (target/lbdiag-image.tar)
	@.ci/packages musl-tools python3
	rustup target add x86_64-unknown-linux-musl
	CC_x86_64_unknown_linux_musl=musl-gcc cargo build --quiet --release --no-default-features --target x86_64-unknown-linux-musl
	python3 tests/lab/mkimage.py registry.example/lbdiag:0.1.0 target/lbdiag-image.tar /usr/bin/lbdiag=target/x86_64-unknown-linux-musl/release/lbdiag /tmp= -- /usr/bin/lbdiag

soak: ## captures and their leavings, a hundred times each, on a lab that is up; root; takes hours
	cargo build --quiet --release $(features)
	tests/lab/soak
