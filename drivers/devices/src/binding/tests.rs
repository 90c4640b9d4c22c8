//! Binding tables: by serial number, port, path; twins, moves, hints.

use super::*;
use crate::config::{DeviceKind, Role, Share};
use crate::identity::{UsbFacts, identify};
use crate::line_scanner::LineScannerConfig;

const MODEL: Model = Model {
    vendor: 0x1a86,
    product: 0x7523,
    interface: 0,
};

fn node(name: &str, port: &str, serial: &str) -> (PathBuf, Option<UsbFacts>) {
    let usb = UsbFacts {
        model: MODEL,
        serial: serial.to_owned(),
        product_name: String::new(),
        port: port.to_owned(),
    };
    (PathBuf::from(name), Some(usb))
}

fn config(name: &str, selector: &str) -> DeviceConfig {
    DeviceConfig {
        name: name.to_owned(),
        selector: selector.parse().unwrap(),
        kind: DeviceKind::LineScanner(LineScannerConfig::default()),
        role: Role::Till("1".to_owned()),
        share: Share::Exclusive,
    }
}

fn bound(configs: &[DeviceConfig], nodes: Vec<(PathBuf, Option<UsbFacts>)>) -> Bindings {
    bind(
        configs,
        &identify(nodes),
        &BTreeMap::new(),
        &BTreeMap::new(),
    )
}

fn at(bindings: &Bindings, name: &str) -> Option<String> {
    bindings.bound.get(name).map(|p| p.display().to_string())
}

#[test]
fn selectors_read_back_as_written() {
    for text in [
        "serial:AB 12:3",
        "port:pci-0000:00:14.0-usb-0:1.2",
        "port:usb-1-1/1a86:7523:00",
        "path:/dev/ttyS0",
    ] {
        assert_eq!(text.parse::<Selector>().unwrap().to_string(), text);
    }
    for bad in [
        "",
        "serial",
        "serial:",
        "path:ttyS0",
        "port:x/1a86",
        "port:x/1:2:3:4",
        "usb:1",
    ] {
        let error = bad.parse::<Selector>().unwrap_err().to_string();
        assert!(
            error.contains(&format!("`{bad}`")) && error.contains("serial:NUMBER"),
            "{error}"
        );
    }
}

#[test]
fn every_identity_is_a_selector_that_finds_it() {
    let nodes = vec![
        node("/dev/ttyUSB0", "p1", "AB1"),
        node("/dev/ttyUSB1", "p2", ""),
        (PathBuf::from("/dev/ttyS0"), None),
    ];
    for found in identify(nodes) {
        let selector: Selector = found.identity.to_string().parse().unwrap();
        assert!(selected(&selector, &found), "{selector}");
    }
}

#[test]
fn a_unit_is_found_in_any_port_by_serial_number() {
    let b = bound(
        &[config("hand", "serial:AB1")],
        vec![node("/dev/ttyUSB5", "p9", "AB1")],
    );
    assert_eq!(at(&b, "hand").as_deref(), Some("/dev/ttyUSB5"));
    assert!(b.unbound.is_empty() && b.missing.is_empty());
}

#[test]
fn twins_are_never_guessed_between() {
    let nodes = vec![
        node("/dev/ttyUSB0", "p1", "AB1"),
        node("/dev/ttyUSB1", "p2", "AB1"),
    ];
    let b = bound(&[config("hand", "serial:AB1")], nodes);
    assert_eq!(at(&b, "hand"), None);
    let why = &b.missing["hand"];
    assert!(
        why.contains("2 devices match") && why.contains("port:p2/1a86:7523:00"),
        "{why}"
    );
    assert!(
        b.unbound[0].hint.contains("same serial number"),
        "{}",
        b.unbound[0].hint
    );
}

#[test]
fn a_working_device_is_not_taken_away_when_its_twin_appears() {
    let configs = [config("hand", "serial:AB1")];
    let nodes = vec![
        node("/dev/ttyUSB0", "p1", "AB1"),
        node("/dev/ttyUSB1", "p2", "AB1"),
    ];
    let current = BTreeMap::from([("hand".to_owned(), PathBuf::from("/dev/ttyUSB1"))]);
    let b = bind(&configs, &identify(nodes), &current, &BTreeMap::new());
    assert_eq!(at(&b, "hand").as_deref(), Some("/dev/ttyUSB1"));
}

#[test]
fn a_unit_that_was_followed_stays_beside_another_of_its_model() {
    let configs = [config("hand", "port:p1/1a86:7523:00")];
    let both = || {
        identify(vec![
            node("/dev/ttyUSB0", "p2", ""),
            node("/dev/ttyUSB1", "p3", ""),
        ])
    };
    let held = |now: &str| BTreeMap::from([("hand".to_owned(), PathBuf::from(now))]);
    for now in ["/dev/ttyUSB0", "/dev/ttyUSB1"] {
        let b = bind(&configs, &both(), &held(now), &BTreeMap::new());
        assert_eq!(at(&b, "hand").as_deref(), Some(now));
        assert!(b.moved.contains("hand"));
    }
    let none = bind(&configs, &both(), &BTreeMap::new(), &BTreeMap::new());
    assert_eq!(at(&none, "hand"), None);
}

#[test]
fn a_moved_unit_is_followed_only_when_it_is_the_only_one() {
    let hand = config("hand", "port:p1/1a86:7523:00");
    let b = bound(
        std::slice::from_ref(&hand),
        vec![node("/dev/ttyUSB0", "p7", "")],
    );
    assert_eq!(at(&b, "hand").as_deref(), Some("/dev/ttyUSB0"));
    assert!(b.moved.contains("hand"));

    let two = vec![
        node("/dev/ttyUSB0", "p7", ""),
        node("/dev/ttyUSB1", "p8", ""),
    ];
    assert_eq!(at(&bound(std::slice::from_ref(&hand), two), "hand"), None);

    let rivals = [hand, config("table", "port:p2/1a86:7523:00")];
    let b = bound(&rivals, vec![node("/dev/ttyUSB0", "p7", "")]);
    assert!(b.bound.is_empty(), "{b:?}");
}

#[test]
fn one_device_never_serves_two_names() {
    let configs = [config("a", "serial:AB1"), config("b", "port:p1")];
    let b = bound(&configs, vec![node("/dev/ttyUSB0", "p1", "AB1")]);
    assert_eq!(at(&b, "a").as_deref(), Some("/dev/ttyUSB0"));
    assert!(b.missing.contains_key("b"));
}

#[test]
fn a_path_is_bound_whether_or_not_it_is_known_to_sysfs() {
    let b = bound(&[config("pty", "path:/tmp/x/scanner")], vec![]);
    assert_eq!(at(&b, "pty").as_deref(), Some("/tmp/x/scanner"));
}

#[test]
fn what_has_no_role_is_listed_with_the_line_to_write() {
    let b = bound(&[], vec![node("/dev/ttyUSB0", "p1", "0123456789")]);
    assert!(
        b.unbound[0]
            .hint
            .contains("select = \"port:p1/1a86:7523:00\""),
        "{:?}",
        b.unbound
    );
}

#[test]
fn roles_read_back_as_written() {
    for text in ["till:front", "receiving", "counting"] {
        assert_eq!(text.parse::<Role>().unwrap().to_string(), text);
    }
    for bad in ["", "till", "till:", "receiving:1", "Counting"] {
        assert!(bad.parse::<Role>().is_err(), "{bad:?}");
    }
}

#[test]
fn a_link_and_what_it_leads_to_are_one_device() {
    let found = identify(vec![node("/dev/ttyUSB0", "p1", "AB1")]);
    let link = PathBuf::from("/dev/serial/by-id/usb-x");
    let links = BTreeMap::from([(link.clone(), PathBuf::from("/dev/ttyUSB0"))]);
    let configs = [
        config("hand", "path:/dev/serial/by-id/usb-x"),
        config("table", "serial:AB1"),
        config("third", "path:/dev/ttyUSB0"),
    ];
    let b = bind(&configs, &found, &BTreeMap::new(), &links);
    assert_eq!(b.bound, BTreeMap::from([("hand".to_owned(), link)]));
    assert!(b.unbound.is_empty() && b.missing.len() == 2, "{b:?}");
    assert!(
        b.missing["third"].contains("already serves"),
        "{:?}",
        b.missing
    );
}
