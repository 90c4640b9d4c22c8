//! Discovery over made-up sysfs trees: converters, CDC, composite units, twins, on-board ports.

use std::os::unix::fs::symlink;

use super::*;

/// A sysfs in a temporary directory; removed when dropped.
struct Tree(tempfile::TempDir);

impl Tree {
    fn new() -> Self {
        let tree = Self(tempfile::tempdir().unwrap());
        fs::create_dir_all(tree.0.path().join("class/tty")).unwrap();
        tree
    }

    fn file(&self, path: &str, text: &str) {
        let path = self.0.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// A port `tty` on interface `if` of the USB device at `usb` under `controller`.
    fn usb_port(&self, tty: &str, device: &str, interface: u8, converter: bool) {
        let name = device.rsplit('/').next().unwrap();
        let iface = format!("{device}/{name}:1.{interface}");
        self.file(
            &format!("{iface}/bInterfaceNumber"),
            &format!("{interface:02x}\n"),
        );
        // A converter's tty hangs below a port device; a CDC-ACM tty directly at the interface.
        let at = if converter {
            format!("{iface}/{tty}")
        } else {
            iface
        };
        self.file(&format!("{at}/tty/{tty}/dev"), "188:0\n");
        self.link(tty, &at);
    }

    fn link(&self, tty: &str, device: &str) {
        let class = self.0.path().join("class/tty").join(tty);
        fs::create_dir_all(&class).unwrap();
        symlink(self.0.path().join(device), class.join("device")).unwrap();
    }

    fn unit(&self, device: &str, vendor: &str, product: &str, serial: Option<&str>) {
        self.file(&format!("{device}/idVendor"), vendor);
        self.file(&format!("{device}/idProduct"), product);
        self.file(&format!("{device}/product"), "Voyager\n");
        if let Some(serial) = serial {
            self.file(&format!("{device}/serial"), serial);
        }
    }

    fn scan(&self) -> Vec<(String, String)> {
        Sysfs::new(self.0.path(), "/dev")
            .scan()
            .unwrap()
            .into_iter()
            .map(|f| (f.node.display().to_string(), f.identity.to_string()))
            .collect()
    }
}

const HUB: &str = "devices/pci0000:00/0000:00:14.0/usb1/1-1";

fn pair(node: &str, identity: &str) -> (String, String) {
    (node.to_owned(), identity.to_owned())
}

#[test]
fn cdc_port_is_known_by_its_serial_number() {
    let tree = Tree::new();
    tree.unit(
        &format!("{HUB}/1-1.2"),
        "0c2e\n",
        "0b6a\n",
        Some(" 19155B45C8 \n"),
    );
    tree.usb_port("ttyACM0", &format!("{HUB}/1-1.2"), 1, false);
    assert_eq!(tree.scan(), [pair("/dev/ttyACM0", "serial:19155B45C8")]);
}

#[test]
fn converter_without_serial_number_is_known_by_its_port() {
    let tree = Tree::new();
    tree.unit(&format!("{HUB}/1-1.4"), "1a86", "7523", None);
    tree.usb_port("ttyUSB7", &format!("{HUB}/1-1.4"), 0, true);
    assert_eq!(
        tree.scan(),
        [pair(
            "/dev/ttyUSB7",
            "port:pci-0000:00:14.0-usb-0:1.4/1a86:7523:00"
        )]
    );
}

#[test]
fn twins_fall_back_to_their_ports() {
    let tree = Tree::new();
    for (tty, port) in [("ttyACM0", "1-1.1"), ("ttyACM1", "1-1.3")] {
        tree.unit(&format!("{HUB}/{port}"), "05f9", "4204", Some("G1234"));
        tree.usb_port(tty, &format!("{HUB}/{port}"), 0, false);
    }
    let found = Sysfs::new(tree.0.path(), "/dev").scan().unwrap();
    assert!(found.iter().all(|f| f.twin));
    assert_eq!(
        found[1].identity.to_string(),
        "port:pci-0000:00:14.0-usb-0:1.3/05f9:4204:00"
    );
}

#[test]
fn platform_controllers_and_bare_trees_have_ports_too() {
    let tree = Tree::new();
    let soc = "devices/platform/soc/fe980000.usb/usb3/3-2";
    tree.unit(soc, "067b", "2303", None);
    tree.usb_port("ttyUSB0", soc, 0, true);
    let bare = "devices/virtual/9-4";
    tree.unit(bare, "067b", "2303", Some("0123456789"));
    tree.usb_port("ttyUSB1", bare, 0, true);
    assert_eq!(
        tree.scan(),
        [
            pair(
                "/dev/ttyUSB0",
                "port:platform-fe980000.usb-usb-0:2/067b:2303:00"
            ),
            pair("/dev/ttyUSB1", "port:usb-9-4/067b:2303:00"),
        ]
    );
}

#[test]
fn consoles_and_absent_chips_are_not_ports() {
    let tree = Tree::new();
    fs::create_dir_all(tree.0.path().join("class/tty/tty0")).unwrap();
    for (tty, kind) in [("ttyS0", "4\n"), ("ttyS1", "0\n")] {
        let device = format!("devices/pnp0/{tty}");
        fs::create_dir_all(tree.0.path().join(&device)).unwrap();
        tree.link(tty, &device);
        tree.file(&format!("class/tty/{tty}/type"), kind);
    }
    assert_eq!(tree.scan(), [pair("/dev/ttyS0", "path:/dev/ttyS0")]);
}

#[test]
fn half_gone_and_garbled_entries_do_no_harm() {
    let tree = Tree::new();
    let gone = tree.0.path().join("class/tty/ttyUSB9");
    fs::create_dir_all(&gone).unwrap();
    symlink("/nonexistent/device", gone.join("device")).unwrap();
    let odd = "devices/pci0000:00/0000:00:14.0/usb1/1-9";
    tree.file(&format!("{odd}/idVendor"), "05e0");
    fs::write(tree.0.path().join(odd).join("serial"), [0xff, 0xfe, 0x00]).unwrap();
    tree.usb_port("ttyACM3", odd, 2, false);
    assert_eq!(
        tree.scan(),
        [pair(
            "/dev/ttyACM3",
            "port:pci-0000:00:14.0-usb-0:9/05e0:0000:02"
        )]
    );
}

#[test]
fn a_missing_sysfs_says_where_it_looked() {
    let error = Sysfs::new("/nonexistent", "/dev").scan().unwrap_err();
    assert!(
        error.to_string().contains("/nonexistent/class/tty"),
        "{error}"
    );
}
