//! Descriptions of devices that are right, and what is said of those that are wrong.

use shelf_devices::config::{DeviceConfig, DeviceKind, Share};

use super::*;

fn read(device: &str) -> Result<DeviceConfig, String> {
    let tills = "[[till]]\nname = \"front\"\n[[till]]\nname = \"pos\"\nsales_source = \"api\"\n";
    let text = format!("{tills}[[device]]\nname = \"it\"\n{device}");
    let config: Config = toml::from_str(&text).map_err(|error| error.to_string())?;
    configured(&config).map(|it| it.into_iter().next().unwrap())
}

fn complaint(device: &str) -> String {
    read(device).unwrap_err()
}

const USUAL: &str = "select = \"serial:A1\"\nrole = \"till:front\"\n";

#[test]
fn what_contradicts_itself_is_refused_in_words() {
    for (device, expected) in [
        (
            "role = \"till:front\"\nselect = \"a\"\n",
            "device `it`, key `select`: `a` selects no",
        ),
        (
            "role = \"till:x\"\nselect = \"serial:1\"\n",
            "device `it`, key `role`: till `x` is not defined",
        ),
        (
            "role = \"payment:front\"\nselect = \"serial:1\"\n",
            "device `it`, key `role`: a payment terminal is no",
        ),
        (
            "role = \"scale:front\"\nselect = \"serial:1\"\n",
            "device `it`, key `role`: a scanner can't be `scale:front`: give it till:NAME",
        ),
        (
            "kind = \"badge_reader\"\nrole = \"till:front\"\nselect = \"serial:1\"\n",
            "device `it`, key `role`: a badge_reader can't be",
        ),
        (
            "kind = \"hid_scanner\"\nselect = \"tcp:h:1\"\nrole = \"counting\"\n",
            "device `it`, key `select`: a hid_scanner is not reached over",
        ),
        (
            "share = \"shared\"\nrole = \"counting\"\nselect = \"serial:1\"\n",
            "device `it`, key `share`: each byte of a serial line",
        ),
        (
            "share = \"relay\"\nrelay_to = \"screen\"\nrole = \"counting\"\nselect = \"serial:1\"\n",
            "device `it`, key `relay_to`: `screen` is no way",
        ),
        (
            "share = \"relay\"\nrelay_to = \"serial:/dev/ttyS1\"\nrelay_line = \"fast\"\nrole = \"counting\"\nselect = \"serial:1\"\n",
            "device `it`, key `relay_line`: `fast` are no line",
        ),
        (
            "layout = \"de\"\nrole = \"counting\"\nselect = \"serial:1\"\n",
            "device `it`, key `layout`: means nothing for a scanner",
        ),
        (
            "kind = \"hid_scanner\"\nbaud = 1200\nrole = \"counting\"\nselect = \"serial:1\"\n",
            "device `it`, key `baud`: means nothing for a hid_scanner",
        ),
        (
            "kind = \"keyboard_scanner\"\nlayout = \"dvorak\"\nrole = \"counting\"\nselect = \"serial:1\"\n",
            "device `it`, key `layout`: no layout is called `dvorak`: there are us, uk",
        ),
        (
            "terminators = [\"dot\"]\nrole = \"counting\"\nselect = \"serial:1\"\n",
            "device `it`, key `terminators`: no terminator is called `dot`",
        ),
        (
            "data_bits = 9\nrole = \"counting\"\nselect = \"serial:1\"\n",
            "device `it`, key `data_bits`: 9: give 7 or 8",
        ),
        (
            "beep_accepted = \"hex:0\"\nrole = \"counting\"\nselect = \"serial:1\"\n",
            "device `it`, key `beep_accepted`: `hex:0`: write hex:",
        ),
        (
            "scan_off = \"D\"\nrole = \"counting\"\nselect = \"serial:1\"\n",
            "device `it`, key `scan_off`: name both scan_on and scan_off",
        ),
    ] {
        let said = complaint(device);
        assert!(said.starts_with(expected), "{device}\ngave {said:?}");
    }
}

#[test]
fn a_scale_must_say_what_it_speaks_and_where_it_weighs() {
    for (device, expected) in [
        (
            "kind = \"scale\"\nrole = \"till:front\"\nselect = \"serial:1\"\nprotocol = \"dialog\"\n",
            "device `it`, key `role`: a scale can't be `till:front`: give it scale:TILL",
        ),
        (
            "kind = \"scale\"\nrole = \"scale:front\"\nselect = \"serial:1\"\n",
            "device `it`, key `protocol`: must say what the scale speaks: toledo-8217",
        ),
        (
            "kind = \"scale\"\nprotocol = \"x\"\nrole = \"scale:front\"\nselect = \"serial:1\"\n",
            "device `it`, key `protocol`: no protocol is called `x`",
        ),
        (
            "kind = \"scale\"\nprotocol = \"st-gs\"\nunit = \"st\"\nrole = \"scale:front\"\nselect = \"serial:1\"\n",
            "device `it`, key `unit`: no unit is written `st`",
        ),
        (
            "kind = \"counter_scanner\"\nrole = \"counting\"\nselect = \"serial:1\"\n",
            "device `it`, key `role`: a counter_scanner can't be `counting`",
        ),
        (
            "unit = \"lb\"\nrole = \"counting\"\nselect = \"serial:1\"\n",
            "device `it`, key `unit`: means nothing for a scanner",
        ),
    ] {
        let said = complaint(device);
        assert!(said.starts_with(expected), "{device}\ngave {said:?}");
    }
}

#[test]
fn every_line_setting_arrives() {
    let device = read(&format!(
        "{USUAL}baud = 4800\ndata_bits = 7\nparity = \"even\"\nstop_bits = 2\nflow = \"rtscts\"\n\
         terminators = [\"etx\"]\ngs_substitute = \"|\"\nprefix = \"honeywell\"\nbinary = true\n\
         length_min = 3\nbeep_accepted = \"hex:16 07 0D\"\nscan_on = \"E\"\nscan_off = \"D\"\n"
    ));
    let DeviceKind::LineScanner(it) = device.unwrap().kind else {
        panic!("no scanner of lines");
    };
    assert_eq!(it.serial, "4800-7E2/rtscts".parse().unwrap());
    assert_eq!(it.accepted_bytes, [0x16, 0x07, 0x0D]);
    assert_eq!(
        (&it.enable_bytes[..], &it.disable_bytes[..]),
        (&b"E"[..], &b"D"[..])
    );
    assert!(it.line.binary && it.line.length_min == 3 && it.line.gs_substitute == Some(b'|'));
}

#[test]
fn a_scanner_of_another_programs_till_stays_that_programs_too() {
    let pos = "select = \"serial:A1\"\nrole = \"till:pos\"\n";
    for (device, expected) in [
        (format!("{pos}kind = \"hid_scanner\"\n"), Share::Shared),
        (format!("{pos}kind = \"keyboard_scanner\"\n"), Share::Shared),
        (
            format!("{pos}kind = \"hid_scanner\"\nshare = \"exclusive\"\n"),
            Share::Exclusive,
        ),
        (format!("{pos}kind = \"scanner\"\n"), Share::Exclusive),
        (format!("{USUAL}kind = \"hid_scanner\"\n"), Share::Exclusive),
    ] {
        assert_eq!(read(&device).unwrap().share, expected, "{device}");
    }
    let relayed = read(&format!(
        "{pos}share = \"relay\"\nrelay_to = \"serial:/dev/ttyS9\"\n"
    ));
    assert!(matches!(relayed.unwrap().share, Share::Relay(_)));
}

#[test]
fn a_line_is_as_the_factory_set_it_unless_it_is_configured() {
    let line = |device: &str| match read(device).unwrap().kind {
        DeviceKind::Scale(it) => it.serial,
        DeviceKind::UhfReader(it) => it.serial,
        DeviceKind::SsiScanner(it) => it.serial,
        DeviceKind::CounterScanner(it) => it.serial,
        other => panic!("{other:?}"),
    };
    let scale = "select = \"serial:A1\"\nrole = \"scale:front\"\nkind = \"scale\"\n";
    for (device, expected) in [
        (format!("{scale}protocol = \"toledo-8217\"\n"), "9600-7E1"),
        (
            format!("{scale}protocol = \"dialog\"\nbaud = 2400\n"),
            "2400-7O1",
        ),
        (
            format!("{scale}protocol = \"nci-scp-01\"\nparity = \"none\"\ndata_bits = 8\n"),
            "9600-8N1",
        ),
        (format!("{USUAL}kind = \"ssi_scanner\"\n"), "9600-8N1"),
        (
            format!("{USUAL}kind = \"counter_scanner\"\nunit = \"lb\"\n"),
            "9600-8N1",
        ),
    ] {
        assert_eq!(line(&device), expected.parse().unwrap(), "{device}");
    }
}
