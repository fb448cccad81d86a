//! The words of a place's state, asked of a real network: one that is made for it, with routes, rules and a connection that are known.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

/// What `here.rhai` said in the network that `network.sh` makes; `None` where no such network can be made.
#[expect(clippy::print_stderr, reason = "whoever runs the tests is to know that this one was left out")]
fn said() -> Option<(Value, Value)> {
    let able = |word: &str, arguments: &[&str]| Command::new(word).args(arguments).output().is_ok_and(|output| output.status.success());
    if !able("unshare", &["--net", "true"])
        || !able("iptables", &["--version"])
        || !able("conntrack", &["--version"])
        || !able("nft", &["--version"])
    {
        eprintln!("left out: it needs root, unshare, iptables, nft and conntrack");
        return None;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("kubeconfig");
    // Nobody is asked there: the playbook may not read the cluster.
    let text = r#"{"apiVersion":"v1","kind":"Config","current-context":"a","contexts":[{"name":"a","context":{"cluster":"a","user":"a"}}],"clusters":[{"name":"a","cluster":{"server":"https://127.0.0.1:1"}}],"users":[{"name":"a","user":{}}]}"#;
    std::fs::write(&config, text).expect("a kubeconfig");
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/states");
    let mut command = Command::new("unshare");
    command.args(["--net", "sh"]).arg(tests.join("network.sh")).arg(env!("CARGO_BIN_EXE_lbdiag")).arg("run").arg(tests.join("here.rhai"));
    command.arg("--kubeconfig").arg(&config).args(["--quiet", "--report", "json"]);
    let output = command.output().expect("unshare runs");
    let shown = || format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let outcome: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", shown()));
    let mut all = json!({});
    for fact in outcome["steps"][0]["facts"].as_array().expect("facts") {
        let said: Value = serde_json::from_str(fact.as_str().expect("text")).unwrap_or_else(|_| panic!("{fact}"));
        all[said["what"].as_str().expect("a name")] = said["rows"].clone();
    }
    Some((all, outcome))
}

fn row(rows: &Value, which: impl Fn(&Value) -> bool) -> Value {
    rows.as_array()
        .unwrap_or_else(|| panic!("no rows: {rows:#}"))
        .iter()
        .find(|row| which(row))
        .unwrap_or_else(|| panic!("{rows:#}"))
        .clone()
}

#[test]
fn every_word_says_what_is_there() {
    let Some((said, outcome)) = said() else { return };
    let veth = row(&said["interfaces"], |row| row["name"] == "veth0");
    assert_eq!((&veth["mtu"], &veth["up"], &veth["kind"]), (&json!(1400), &json!(true), &json!("veth")));
    assert!(veth["addresses"].as_array().expect("addresses").contains(&json!("10.77.0.1/24")), "{veth}");

    let route = row(&said["routes"], |row| row["dst"] == "10.78.0.0/24");
    assert_eq!(
        (&route["via"], &route["dev"], &route["metric"], &route["table"]),
        (&json!("10.77.0.9"), &json!("veth0"), &json!(7), &json!("main"))
    );
    assert_eq!(row(&said["routes"], |row| row["dst"] == "10.79.0.0/24")["kind"], "blackhole");
    assert_eq!(row(&said["routes"], |row| row["dst"] == "default")["table"], "100");
    assert_eq!(row(&said["rules"], |row| row["mark"] == "0x5")["table"], "100");
    let neighbour = row(&said["neighbours"], |row| row["address"] == "10.77.0.9");
    assert_eq!((&neighbour["mac"], &neighbour["state"]), (&json!("02:00:00:00:00:09"), &json!("PERMANENT")));

    let ways: Vec<(&Value, &Value)> = said["ways"].as_array().expect("ways").iter().map(|way| (&way["via"], &way["refused"])).collect();
    assert_eq!((ways[0].0, ways[0].1), (&json!("10.77.0.9"), &Value::Null));
    assert!(ways[1].1.is_string() && ways[2].1 == "Network is unreachable", "{ways:?}");
    assert_eq!((ways[3].0, ways[3].1), (&json!("10.77.0.8"), &Value::Null));
    assert_eq!((ways[4].0, ways[4].1), (&json!("10.77.0.9"), &Value::Null));
    assert!(ways[5].1.as_str().is_some_and(|why| why.contains("nowhere")), "{ways:?}");

    assert_eq!(said["sysctl"], json!({"net.ipv4.ip_forward": 1, "net/ipv4/conf/veth0/rp_filter": 2, "net.ipv4.no_such": null}));
    assert_eq!(said["one sysctl"], 1);
    let entry = row(&said["conntrack"], |row| row["dst"] == "10.77.0.100");
    assert_eq!(
        (&entry["state"], &entry["dnat"], &entry["reply_src"], &entry["reply_sport"]),
        (&json!("ESTABLISHED"), &json!(true), &json!("10.77.0.1"), &json!(4180))
    );
    assert_eq!(said["none of that port"], json!([]));
    let programmed = &said["proxy_rules"];
    assert_eq!(
        (&programmed["mode"], &programmed["endpoints"], &programmed["reached"]),
        (&json!("iptables"), &json!(["10.77.0.1:4180"]), &json!(true))
    );
    assert_eq!(row(&programmed["rules"], |row| row["path"] == "nat/KUBE-SEP-A/1")["packets"], 1);

    let filtered = said["firewall"].as_array().expect("walks");
    let path = |walk: &Value| (walk["taken"].clone(), walk["rule"]["path"].clone());
    assert_eq!(path(&filtered[0]), (json!("yes"), json!("raw/PREROUTING/1")));
    assert_eq!(filtered[0]["rule"]["text"], "-A PREROUTING -s 10.80.0.0/16 -i veth0 -j DROP");
    assert_eq!(
        (path(&filtered[1]), &filtered[1]["translated"]),
        ((json!("no"), Value::Null), &json!(["10.77.0.1:4180"])),
        "{}",
        filtered[1]
    );
    assert_eq!(filtered[1]["hooks"], json!(["prerouting", "input"]));
    assert_eq!(path(&filtered[2]), (json!("yes"), json!("filter/OUTPUT/1")));

    let by_nftables: Vec<_> = said["by nftables"].as_array().expect("walks").iter().map(path).collect();
    let rule = |chain: &str| json!(format!("inet-guard/{chain}"));
    let taken = [(0, "in/1"), (1, "in/1"), (2, "in/2"), (3, "late/1"), (4, "refuse/1"), (6, "in/4")];
    for (number, chain) in taken {
        assert_eq!(by_nftables[number], (json!("yes"), rule(chain)), "{number}");
    }
    assert_eq!(by_nftables[5], (json!("no"), Value::Null));
    // Who sends it is not known, so that it may be one of those who are blocked, or of the other network.
    assert_eq!(by_nftables[7].0, "maybe");

    let listener = row(&said["sockets"], |row| row["port"] == 4180);
    assert_eq!(
        (&listener["protocol"], &listener["address"], &listener["waiting"], &listener["most"]),
        (&json!("tcp"), &json!("10.77.0.1"), &json!(1), &json!(9))
    );
    let received = &said["counters"]["kernel"]["IpInReceives"];
    assert!(received.as_u64().is_some_and(|packets| packets >= 3), "{received}");
    assert!(said["counters"]["interfaces"]["lo"]["rx_packets"].as_u64().is_some_and(|packets| packets >= 3));

    assert_eq!(outcome["gaps"], json!([]));
    assert_eq!(outcome["verdict"], "pass");
    let touched: Vec<&Value> = outcome["touched"].as_array().expect("touches").iter().map(|touch| &touch["kind"]).collect();
    assert!(touched.iter().all(|kind| **kind == json!("command")), "{touched:?}");
}
