//! What is read out of `ssh -G`, and who is asked for.

use std::path::PathBuf;

use super::answer::Answer;
use super::place::Surroundings;
use super::*;
use crate::evidence::site::Site;

fn place() -> Surroundings {
    Surroundings { home: PathBuf::from("/home/me"), user: "me".to_owned(), agent: Some(PathBuf::from("/run/agent")) }
}

const SAID: &str = "user root\nhostname 10.88.0.12\nport 2222\nidentitiesonly yes\nidentityfile ~/.ssh/lab\nidentityfile %d/.ssh/%r@%h\n\
                    userknownhostsfile /a ~/b\nglobalknownhostsfile /c\nproxyjump none\nhostkeyalias rack-7\nidentityagent none\n";

#[test]
fn what_ssh_says_becomes_a_target() {
    let target = Answer::parse(SAID).target("n2", &Site::default(), &place()).unwrap();
    assert_eq!((target.hostname.as_str(), target.port, target.user.as_str()), ("10.88.0.12", 2222, "root"));
    assert_eq!(target.identity_files, [PathBuf::from("/home/me/.ssh/lab"), PathBuf::from("/home/me/.ssh/root@10.88.0.12")]);
    assert_eq!(target.known_hosts, ["/a", "/home/me/b", "/c"].map(PathBuf::from));
    assert_eq!((target.host_key_alias.as_deref(), target.agent, target.identities_only), (Some("rack-7"), None, true));
}

#[test]
fn the_agent_of_the_environment_is_the_default() {
    for text in ["user x\n", "identityagent SSH_AUTH_SOCK\n"] {
        let target = Answer::parse(text).target("n2", &Site::default(), &place()).unwrap();
        assert_eq!(target.agent, Some(PathBuf::from("/run/agent")));
    }
    let target = Answer::parse("identityagent ~/agent\n").target("n2", &Site::default(), &place()).unwrap();
    assert_eq!(target.agent, Some(PathBuf::from("/home/me/agent")));
}

#[test]
fn the_site_names_keys_and_known_hosts() {
    let mut site = Site::default();
    site.ssh.keys = vec![PathBuf::from("~/k")];
    site.ssh.known_hosts = vec![PathBuf::from("/site")];
    let target = Answer::parse(SAID).target("n2", &site, &place()).unwrap();
    assert_eq!(target.site_keys, [PathBuf::from("/home/me/k")]);
    assert_eq!(target.known_hosts, [PathBuf::from("/site")]);
}

#[test]
fn without_a_client_the_usual_places_do() {
    let target = usual("admin@n2", &Site::default(), &place());
    assert_eq!((target.user.as_str(), target.hostname.as_str(), target.port), ("admin", "n2", 22));
    assert_eq!(target.identity_files[0], PathBuf::from("/home/me/.ssh/id_ed25519"));
}

#[test]
fn jump_hosts_may_have_ports() {
    let split = |name: &str| {
        let (name, port) = split_port(name);
        (name, port.unwrap_or_default())
    };
    assert_eq!(split("bastion"), ("bastion".to_owned(), 0));
    assert_eq!(split("me@bastion:2222"), ("me@bastion".to_owned(), 2222));
    assert_eq!(split("[fd10::1]:22"), ("fd10::1".to_owned(), 22));
    assert_eq!(split("me@[fd10::1]:22"), ("me@fd10::1".to_owned(), 22));
    assert_eq!(split("fd10::1"), ("fd10::1".to_owned(), 0));
}

fn routed(config: &str, host: &Host) -> Option<Result<Vec<Target>, EvidenceError>> {
    std::process::Command::new("ssh").arg("-V").output().ok()?;
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("config");
    std::fs::write(&file, config).unwrap();
    let mut site = Site::default();
    site.ssh.config = Some(file);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    Some(runtime.block_on(route(host, &site)))
}

fn node(name: &str, address: &str) -> Host {
    Host { name: name.to_owned(), address: address.to_owned(), kind: HostKind::Node }
}

#[test]
fn a_node_is_found_by_name_or_else_by_address() {
    let config = "Host n2\n HostName 192.0.2.2\nHost 192.0.2.3\n User three\n";
    let Some(Ok(route)) = routed(config, &node("n2", "10.0.0.2")) else { return };
    assert_eq!(route[0].hostname, "192.0.2.2");
    let Some(Ok(route)) = routed(config, &node("n3", "192.0.2.3")) else { return };
    assert_eq!((route[0].hostname.as_str(), route[0].user.as_str()), ("192.0.2.3", "three"));
}

#[test]
fn jump_hosts_come_in_the_order_of_the_way() {
    let config = "Host n2\n HostName 192.0.2.2\n ProxyJump a,me@b:2222\nHost a\n HostName 192.0.2.10\n ProxyJump z\nHost b\n HostName 192.0.2.11\n ProxyJump y\n";
    let Some(Ok(route)) = routed(config, &node("n2", "10.0.0.2")) else { return };
    let way: Vec<(&str, u16)> = route.iter().map(|hop| (hop.hostname.as_str(), hop.port)).collect();
    assert_eq!(way, [("z", 22), ("192.0.2.10", 22), ("192.0.2.11", 2222), ("192.0.2.2", 22)]);
    assert_eq!(route[2].user, "me");
}

#[test]
fn a_loop_of_jump_hosts_ends() {
    let Some(looped) = routed("Host n2\n HostName 192.0.2.2\n ProxyJump a\nHost a\n ProxyJump b\nHost b\n ProxyJump a\n", &node("n2", "x"))
    else {
        return;
    };
    assert!(looped.unwrap_err().reason.contains("do not end"));
}

#[test]
fn a_proxy_command_is_kept_with_its_tokens_replaced() {
    let config = "Host n2\n HostName 192.0.2.2\n ProxyCommand nc -X 5 %h %p\n";
    let Some(Ok(route)) = routed(config, &node("n2", "x")) else { return };
    assert_eq!(route[0].proxy_command.as_deref(), Some("nc -X 5 192.0.2.2 22"));
    let config = "Host *\n ProxyCommand nc %h %p\n";
    let Some(refused) = routed(config, &node("x;id", "192.0.2.2;id")) else { return };
    // By a new client or, where it is older, by us.
    refused.unwrap_err();
}

#[test]
fn rules_without_an_address_are_found_by_name_too() {
    // `ssh localhost` would work by these rules, so the node named so is reached by them.
    let config = "Host localhost\n User by-name\n Port 2022\nHost 10.0.0.*\n User by-address\n";
    let Some(Ok(route)) = routed(config, &node("localhost", "192.0.2.9")) else { return };
    assert_eq!((route[0].hostname.as_str(), route[0].user.as_str(), route[0].port), ("localhost", "by-name", 2022));
    assert_eq!(route[0].node_name.as_deref(), Some("localhost"));
    let Some(Ok(route)) = routed(config, &node("localhost", "10.0.0.9")) else { return };
    assert_eq!((route[0].hostname.as_str(), route[0].user.as_str()), ("10.0.0.9", "by-address"));
    // A name that nobody resolves is reached by its rules at its address.
    let config = "Host *.invalid\n Port 2022\n";
    let Some(Ok(route)) = routed(config, &node("n2.invalid", "192.0.2.9")) else { return };
    assert_eq!((route[0].hostname.as_str(), route[0].port), ("192.0.2.9", 22), "a rule about every such name says nothing of this one");
    let config = "Host n2.invalid\n Port 2022\n";
    let Some(Ok(route)) = routed(config, &node("n2.invalid", "192.0.2.9")) else { return };
    assert_eq!((route[0].hostname.as_str(), route[0].port), ("192.0.2.9", 2022));
}

#[test]
fn what_openssh_reads_is_read() {
    let directory = tempfile::tempdir().unwrap();
    let included = directory.path().join("more");
    std::fs::write(&included, "Host n?\n Port 2200\n IdentityFile /keys/%h-%r\n").unwrap();
    let config = format!(
        "Include {}\nHost * !n3\n User all-but-three\nHost n2 n3\n HostName %h.lab.invalid\n CertificateFile /keys/cert\nMatch host *.lab.invalid user all-but-three\n BindAddress 192.0.2.7\n AddressFamily inet\nMatch exec \"exit 0\"\n BatchMode yes\n",
        included.display()
    );
    let Some(Ok(route)) = routed(&config, &node("n2", "x")) else { return };
    let target = &route[0];
    assert_eq!((target.hostname.as_str(), target.port, target.user.as_str()), ("n2.lab.invalid", 2200, "all-but-three"));
    assert_eq!(target.identity_files, [PathBuf::from("/keys/n2.lab.invalid-all-but-three")]);
    assert_eq!(target.certificate_files, [PathBuf::from("/keys/cert")]);
    assert_eq!((target.from.as_deref(), target.family, target.unattended), (Some("192.0.2.7"), Family::Four, true));
    let Some(Ok(route)) = routed(&config, &node("n3", "x")) else { return };
    assert_ne!(route[0].user, "all-but-three");
    assert_eq!(route[0].from, None);
}

#[test]
fn the_site_file_s_address_comes_first_and_then_its_pattern() {
    let mut site = Site::default();
    site.nodes.addresses.insert("n2".to_owned(), "192.0.2.2".to_owned());
    site.nodes.address_pattern = Some("{name}.mgmt.example".to_owned());
    assert_eq!(mapped(&node("n2", "10.0.0.2"), &site).as_deref(), Some("192.0.2.2"));
    assert_eq!(mapped(&node("n3", "10.0.0.3"), &site).as_deref(), Some("n3.mgmt.example"));
    let client = Host { name: "c1".to_owned(), address: "c1".to_owned(), kind: HostKind::Client };
    assert_eq!(mapped(&client, &site), None, "a client is no node");
    site.nodes.address_pattern = Some("{address}".to_owned());
    assert_eq!(mapped(&node("n3", "10.0.0.3"), &site).as_deref(), Some("10.0.0.3"));
}

#[test]
fn without_a_client_what_could_not_be_read_is_told() {
    let mut site = Site::default();
    site.ssh.config = Some(PathBuf::from("/site/ssh_config"));
    let refused = without_a_client(&node("n2", "10.0.0.2"), &site, &place()).unwrap_err();
    assert!(refused.reason.contains("/site/ssh_config"), "{refused}");
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join(".ssh")).unwrap();
    std::fs::write(directory.path().join(".ssh/config"), "Host *\n").unwrap();
    let home = Surroundings { home: directory.path().to_owned(), ..place() };
    let target = without_a_client(&node("n2", "10.0.0.2"), &Site::default(), &home).unwrap();
    assert_eq!(target.unread, Some(directory.path().join(".ssh/config")));
    assert_eq!(without_a_client(&node("n2", "10.0.0.2"), &Site::default(), &place()).unwrap().unread, None);
}

#[test]
fn a_name_that_looks_like_an_option_is_no_option() {
    let Some(result) = routed("", &node("-oProxyCommand=touch /tmp/x", "-V")) else { return };
    assert!(result.is_err());
}

#[test]
fn whatever_ssh_says_is_read() {
    let paths = "identityfile %%%d%h%p%r%i%L%C%k ${HOME}/x ~/y\nproxycommand ssh -W %h:%p b\nbindaddress ::1\nrevokedhostkeys /r\n";
    crate::readers::hold("ssh_settings", crate::readers::all(&[SAID, paths]), |was, is| {
        let read = |bytes: &[u8]| Answer::parse(&String::from_utf8_lossy(bytes));
        let _ = read(is).target("n2", &Site::default(), &place());
        let _ = read(is).says_the_same(&read(was));
        let _ = split_port(&String::from_utf8_lossy(is));
    });
}
