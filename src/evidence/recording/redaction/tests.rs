//! What stands for names and addresses; `tests/redacted.rs` replays what comes of recordings.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::*;

fn addresses(all: &[(&str, Option<u8>)], key: u8) -> Addresses {
    let mut addresses = Addresses::new([key; 32]);
    for (address, length) in all {
        addresses.seen(address.parse().unwrap(), *length);
    }
    addresses.closed()
}

fn shared(one: IpAddr, other: IpAddr) -> u32 {
    match (one, other) {
        (IpAddr::V4(one), IpAddr::V4(other)) => (one.to_bits() ^ other.to_bits()).leading_zeros(),
        (IpAddr::V6(one), IpAddr::V6(other)) => (one.to_bits() ^ other.to_bits()).leading_zeros(),
        _ => 0,
    }
}

#[test]
fn networks_and_order_stay() {
    let texts = ["10.88.64.100", "10.88.64.50", "10.88.192.50", "10.96.60.198", "192.168.7.9", "fd10:88:64::100", "fd10:88:131::15"];
    let all: Vec<(&str, Option<u8>)> = texts.iter().map(|text| (*text, None)).chain([("10.88.192.0", Some(24))]).collect();
    let mut moved = 0;
    for key in 0..20 {
        let addresses = addresses(&all, key);
        let of = |text: &str| addresses.of(text.parse().unwrap(), None);
        for one in texts {
            for other in texts.iter().filter(|other| other.contains(':') == one.contains(':')) {
                let (a, b): (IpAddr, IpAddr) = (one.parse().unwrap(), other.parse().unwrap());
                assert_eq!((shared(a, b), a.cmp(&b)), (shared(of(one), of(other)), of(one).cmp(&of(other))), "{one} {other}");
            }
        }
        moved += texts.iter().filter(|text| of(text).to_string() != **text).count();
        let network = addresses.of("10.88.192.0".parse().unwrap(), Some(24));
        assert!(network.to_string().ends_with(".0") && shared(network, of("10.88.192.50")) >= 24, "{network}");
    }
    assert!(moved > 80, "only {moved} of 140 are others");
}

#[test]
fn what_means_the_same_everywhere_stays() {
    let addresses = addresses(&[("127.0.0.1", None), ("169.254.1.1", None), ("224.0.0.18", None), ("fe80::1", None)], 3);
    for text in ["127.0.0.1", "169.254.1.1", "224.0.0.18", "255.255.255.255", "0.0.0.0", "::1", "fe80::1", "::"] {
        assert_eq!(addresses.of(text.parse().unwrap(), None).to_string(), text);
    }
    assert_eq!(addresses.of("10.0.0.0".parse().unwrap(), Some(8)).to_string(), "10.0.0.0");
}

#[test]
fn whole_names_alone_are_replaced_in_any_text() {
    let names: BTreeSet<String> = ["c1", "n2", "shop"].map(str::to_owned).into();
    let words = names::words(&names, &[7; 32]);
    let order: Vec<&String> = words.values().collect();
    assert!(order.is_sorted() && order.len() == 3);
    let mut addresses = Addresses::new([1; 32]);
    let tokens = Tokens::of(&["c1", "n2", "shop"]).unwrap();
    tokens.addresses("10.88.64.100", &mut addresses);
    let redaction = Redaction { names: words.clone(), addresses: addresses.closed(), tokens };
    let other = redaction.addresses.of("10.88.64.100".parse().unwrap(), None);
    let IpAddr::V4(four) = other else { panic!("{other}") };
    let text = "n2/eth0: shop-79cb5df4b5-svmfd of c1, at 10.88.64.100:443 (0xa584064), by 52:d9:c1:ce:c5:c5; n21, xn2, workshop, 17:36:39, ssh:c1: 16";
    let expected = format!(
        "{}/eth0: {}-79cb5df4b5-svmfd of {}, at {other}:443 (0x{:x}), by 52:d9:c1:ce:c5:c5; n21, xn2, workshop, 17:36:39, ssh:{}: 16",
        words["n2"],
        words["shop"],
        words["c1"],
        four.to_bits(),
        words["c1"]
    );
    assert_eq!(redaction.text(text), expected);
}
