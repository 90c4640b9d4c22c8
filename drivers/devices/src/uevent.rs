//! Kernel and udev events, read from netlink datagrams. Pure and total: any bytes give an event or
//! `None`. Nothing in an event is trusted beyond "look again": what is plugged in is then read from
//! sysfs, so a forged or garbled datagram can cost a rescan and nothing else.

/// Bytes of one datagram that are looked at; udev's own limit is 8 KiB.
pub const DATAGRAM_BYTES_MAX: usize = 8 * 1024;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// A device appeared.
    Add,
    /// A device went away.
    Remove,
    /// Anything else: change, bind, unbind, move, online, offline.
    Other,
}

/// One event about one device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uevent {
    /// What happened.
    pub action: Action,
    /// Kernel subsystem: `tty`, `usb`, `hidraw`, `input`…
    pub subsystem: String,
    /// Path below sysfs.
    pub devpath: String,
    /// Node name below `/dev`, for example `ttyUSB0`; empty if it has none.
    pub devname: String,
}

impl Uevent {
    /// Whether the set of devices that this crate serves may have changed.
    #[must_use]
    pub fn concerns_us(&self) -> bool {
        matches!(
            self.subsystem.as_str(),
            "tty" | "hidraw" | "input" | "usb" | "usb-serial"
        )
    }
}

/// Reads one datagram: the kernel's form `add@/devices/…\0KEY=value\0…` or udev's, which starts with
/// `libudev\0` and says where its properties are.
#[must_use]
pub fn parse(datagram: &[u8]) -> Option<Uevent> {
    let properties = match datagram.strip_prefix(b"libudev\0") {
        Some(_) => udev_properties(datagram)?,
        None => {
            let end = datagram.iter().position(|&b| b == 0)?;
            if !datagram[..end].contains(&b'@') {
                return None;
            }
            &datagram[end + 1..]
        }
    };
    from_properties(properties)
}

/// udev's header: "libudev\0", magic 0xfeedcafe (big endian), header size, offset and length of the
/// properties (native endian), hashes for filters that we don't use.
fn udev_properties(datagram: &[u8]) -> Option<&[u8]> {
    let word = |at: usize| -> Option<[u8; 4]> { datagram.get(at..at + 4)?.try_into().ok() };
    if u32::from_be_bytes(word(8)?) != 0xfeed_cafe {
        return None;
    }
    let offset = usize::try_from(u32::from_ne_bytes(word(16)?)).ok()?;
    let length = usize::try_from(u32::from_ne_bytes(word(20)?)).ok()?;
    datagram.get(offset..offset.checked_add(length)?)
}

fn from_properties(properties: &[u8]) -> Option<Uevent> {
    let mut action = None;
    let (mut subsystem, mut devpath, mut devname) = (String::new(), String::new(), String::new());
    for property in properties.split(|&b| b == 0) {
        let Ok(property) = std::str::from_utf8(property) else {
            continue;
        };
        match property.split_once('=') {
            Some(("ACTION", "add")) => action = Some(Action::Add),
            Some(("ACTION", "remove")) => action = Some(Action::Remove),
            Some(("ACTION", _)) => action = Some(Action::Other),
            Some(("SUBSYSTEM", v)) => v.clone_into(&mut subsystem),
            Some(("DEVPATH", v)) => v.clone_into(&mut devpath),
            Some(("DEVNAME", v)) => {
                v.strip_prefix("/dev/")
                    .unwrap_or(v)
                    .clone_into(&mut devname);
            }
            _ => {}
        }
    }
    let action = action?;
    (!subsystem.is_empty()).then_some(Uevent {
        action,
        subsystem,
        devpath,
        devname,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KERNEL: &[u8] = b"add@/devices/pci0000:00/usb1/1-1/ttyUSB0/tty/ttyUSB0\0ACTION=add\0\
        DEVPATH=/devices/x/ttyUSB0\0SUBSYSTEM=tty\0DEVNAME=ttyUSB0\0SEQNUM=4711\0";

    fn udev(properties: &[u8]) -> Vec<u8> {
        let mut d = b"libudev\0".to_vec();
        d.extend(0xfeed_cafe_u32.to_be_bytes());
        for word in [
            40u32,
            40,
            u32::try_from(properties.len()).unwrap(),
            0,
            0,
            0,
            0,
        ] {
            d.extend(word.to_ne_bytes());
        }
        d.extend(properties);
        d
    }

    #[test]
    fn kernel_and_udev_forms_say_the_same() {
        let expected = Uevent {
            action: Action::Add,
            subsystem: "tty".to_owned(),
            devpath: "/devices/x/ttyUSB0".to_owned(),
            devname: "ttyUSB0".to_owned(),
        };
        assert_eq!(parse(KERNEL).as_ref(), Some(&expected));
        let properties =
            b"ACTION=add\0DEVPATH=/devices/x/ttyUSB0\0SUBSYSTEM=tty\0DEVNAME=/dev/ttyUSB0\0";
        assert_eq!(parse(&udev(properties)).as_ref(), Some(&expected));
        assert!(expected.concerns_us());
    }

    #[test]
    fn other_actions_and_other_subsystems_are_told_apart() {
        let remove = parse(b"remove@/d\0ACTION=remove\0SUBSYSTEM=block\0").unwrap();
        assert_eq!(remove.action, Action::Remove);
        assert!(!remove.concerns_us());
        let bind = parse(b"bind@/d\0ACTION=bind\0SUBSYSTEM=usb\0").unwrap();
        assert_eq!(bind.action, Action::Other);
    }

    #[test]
    fn nonsense_is_no_event() {
        let mut lying = udev(b"ACTION=add\0SUBSYSTEM=tty\0");
        lying[16..20].copy_from_slice(&u32::MAX.to_ne_bytes());
        let mut magic = udev(b"ACTION=add\0SUBSYSTEM=tty\0");
        magic[8] = 0;
        for bad in [
            b"".as_slice(),
            b"\0",
            b"add@/x",
            b"hello\0ACTION=add\0SUBSYSTEM=tty\0",
            b"add@/x\0ACTION=add\0",
            b"libudev\0",
            b"libudev\0\xfe\xed\xca\xfe",
            &lying,
            &magic,
        ] {
            assert_eq!(parse(bad), None, "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            let _event_or_none = parse(&bytes);
            let _with_a_header = parse(&udev(&bytes));
        }

        #[test]
        fn a_damaged_event_is_survived(at in 0..KERNEL.len(), byte: u8, cut in 0..KERNEL.len()) {
            let mut bytes = KERNEL.to_vec();
            bytes[at] = byte;
            let _whole = parse(&bytes);
            let _cut = parse(&bytes[..cut]);
        }
    }
}
