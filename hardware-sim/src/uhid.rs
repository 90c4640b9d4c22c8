//! HID devices that the kernel takes for real ones (`/dev/uhid`): a POS scanner, an IBM OEM scanner,
//! a keyboard wedge. Whoever reads `/dev/hidraw*` or `/dev/input/event*` can't tell them from
//! hardware, unplugging included. Reports come from [`crate::hid_reports`] and the codecs' own
//! tables; this module only carries them. It needs root and the kernel module `uhid`.
//!
//! Source: Linux `include/uapi/linux/uhid.h` (a packed struct: type, then a union).

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use shelf_codecs::scanner::hid_pos::SAMPLE_DESCRIPTOR;

const DESTROY: u32 = 1;
const OUTPUT: u32 = 6;
const GET_REPORT: u32 = 9;
const GET_REPORT_REPLY: u32 = 10;
const CREATE: u32 = 11;
const INPUT: u32 = 12;
const SET_REPORT: u32 = 13;
const SET_REPORT_REPLY: u32 = 14;
/// Bytes of the largest event: type, and the union of which "create" is the largest.
const EVENT_BYTES: usize = 4 + 4376;
/// Longest report descriptor, in bytes.
const DESCRIPTOR_BYTES_MAX: usize = 4096;
/// "No such report", as a device without feature reports answers.
const EIO: u16 = 5;
const BUS_USB: u16 = 3;

/// What a HID device says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HidUnit {
    /// Its name.
    pub name: String,
    /// Its serial number.
    pub serial: String,
    /// Vendor id.
    pub vendor: u16,
    /// Product id.
    pub product: u16,
    /// Its report descriptor.
    pub descriptor: Vec<u8>,
}

impl HidUnit {
    /// A HID POS scanner with 62-byte reports (report 2) and a report that makes it sound
    /// (output report 5: good, not on file).
    #[must_use]
    pub fn pos_scanner(serial: &str) -> Self {
        let mut descriptor = SAMPLE_DESCRIPTOR.to_vec();
        // In front of the end of the application collection.
        descriptor.pop();
        descriptor.extend([
            0x85, 0x05, 0x15, 0x00, 0x25, 0x01, 0x75, 0x01, 0x95, 0x02, // report 5: two bits
            0x05, 0x8C, 0x09, 0x86, 0x09, 0x87, 0x91, 0x02, // sound good, sound not on file
            0x95, 0x06, 0x91, 0x03, 0xC0,
        ]);
        Self {
            name: "Sim POS Scanner".to_owned(),
            serial: serial.to_owned(),
            vendor: 0x05E0,
            product: 0x1900,
            descriptor,
        }
    }

    /// A hand-held scanner that speaks IBM's OEM protocol: 64-byte reports without id in, 11 bytes
    /// out.
    #[must_use]
    pub fn ibm_oem_scanner(serial: &str) -> Self {
        Self {
            name: "Sim OEM Scanner".to_owned(),
            serial: serial.to_owned(),
            vendor: 0x05E0,
            product: 0x1300,
            descriptor: IBM_OEM_DESCRIPTOR.to_vec(),
        }
    }

    /// A scale with 6-byte reports (report 3: state, unit, power of ten, weight).
    #[must_use]
    pub fn scale(serial: &str) -> Self {
        Self {
            name: "Sim HID Scale".to_owned(),
            serial: serial.to_owned(),
            vendor: 0x05E0,
            product: 0x6E01,
            descriptor: HID_SCALE_DESCRIPTOR.to_vec(),
        }
    }

    /// A scanner that types: a boot keyboard.
    #[must_use]
    pub fn keyboard_wedge(serial: &str) -> Self {
        Self {
            name: "Sim Wedge Scanner".to_owned(),
            serial: serial.to_owned(),
            vendor: 0x05E0,
            product: 0x1200,
            descriptor: BOOT_KEYBOARD_DESCRIPTOR.to_vec(),
        }
    }
}

/// A maker's page, usage 0x4B00 (hand-held scanner): 64 bytes in, 11 bytes out.
pub const IBM_OEM_DESCRIPTOR: &[u8] = &[
    0x06, 0x45, 0xFF, 0x0A, 0x00, 0x4B, 0xA1, 0x01, // page 0xFF45, usage 0x4B00, application
    0x15, 0x00, 0x26, 0xFF, 0x00, 0x75, 0x08, // 0..255, 8 bits
    0x95, 0x40, 0x0A, 0x01, 0x4B, 0x81, 0x02, // 64 bytes in
    0x95, 0x0B, 0x0A, 0x02, 0x4B, 0x91, 0x02, // 11 bytes out
    0xC0,
];

/// The page of scales: report 3 with five bytes.
pub const HID_SCALE_DESCRIPTOR: &[u8] = &[
    0x05, 0x8D, 0x09, 0x20, 0xA1, 0x01, // scale device, application
    0x85, 0x03, 0x15, 0x00, 0x26, 0xFF, 0x00, 0x75, 0x08, // report 3, 0..255, 8 bits
    0x95, 0x05, 0x09, 0x40, 0x81, 0x02, // its weight
    0xC0,
];

/// A keyboard of the boot protocol: modifiers, a reserved byte, six keys; five lights.
pub const BOOT_KEYBOARD_DESCRIPTOR: &[u8] = &[
    0x05, 0x01, 0x09, 0x06, 0xA1, 0x01, // keyboard, application
    0x05, 0x07, 0x19, 0xE0, 0x29, 0xE7, 0x15, 0x00, 0x25, 0x01, 0x75, 0x01, 0x95, 0x08, 0x81, 0x02,
    0x95, 0x01, 0x75, 0x08, 0x81, 0x01, // reserved
    0x95, 0x05, 0x75, 0x01, 0x05, 0x08, 0x19, 0x01, 0x29, 0x05, 0x91, 0x02, // lights
    0x95, 0x01, 0x75, 0x03, 0x91, 0x01, // padding
    0x95, 0x06, 0x75, 0x08, 0x15, 0x00, 0x25, 0x65, 0x05, 0x07, 0x19, 0x00, 0x29, 0x65, 0x81, 0x00,
    0xC0,
];

/// A device that is plugged in; dropping it unplugs it.
#[derive(Debug)]
pub struct UhidDevice {
    kernel: File,
    /// Feature reports that the host set, id first, as far as [`UhidDevice::output`] has seen them.
    pub features: Vec<Vec<u8>>,
}

impl UhidDevice {
    /// Plugs a unit in. The kernel makes its nodes a moment later.
    pub fn plug(unit: &HidUnit) -> io::Result<Self> {
        if unit.descriptor.len() > DESCRIPTOR_BYTES_MAX {
            return Err(io::Error::from(io::ErrorKind::InvalidInput));
        }
        let kernel = OpenOptions::new()
            .read(true)
            .write(true)
            .open("/dev/uhid")?;
        let features = Vec::new();
        let mut device = Self { kernel, features };
        device.kernel.write_all(&creation(unit))?;
        Ok(device)
    }

    /// Sends an input report, its id first where reports are numbered.
    pub fn input(&mut self, report: &[u8]) -> io::Result<()> {
        let length = u16::try_from(report.len()).map_err(io::Error::other)?;
        let mut event = INPUT.to_ne_bytes().to_vec();
        event.extend(length.to_ne_bytes());
        event.extend_from_slice(report);
        self.kernel.write_all(&event)
    }

    /// Waits for an output report of the host; `None` if none came in time. Questions for other
    /// reports are answered on the way: a "set" with success, a "get" with "no such report".
    pub fn output(&mut self, limit: Duration) -> io::Result<Option<Vec<u8>>> {
        loop {
            let spec = Timespec::try_from(limit).map_err(io::Error::other)?;
            let mut fds = [PollFd::new(&self.kernel, PollFlags::IN)];
            if poll(&mut fds, Some(&spec))? == 0 {
                return Ok(None);
            }
            let mut event = vec![0; EVENT_BYTES];
            let n = self.kernel.read(&mut event)?;
            event.truncate(n);
            if let Some(report) = self.answer(&event)? {
                return Ok(Some(report));
            }
        }
    }

    /// Takes one event of the kernel; an output report is returned.
    fn answer(&mut self, event: &[u8]) -> io::Result<Option<Vec<u8>>> {
        let word = |at: usize| -> Option<[u8; 4]> { event.get(at..at + 4)?.try_into().ok() };
        match word(0).map(u32::from_ne_bytes) {
            Some(OUTPUT) => {
                let size = event.get(4 + 4096..4 + 4098).unwrap_or(&[0, 0]);
                let size = usize::from(u16::from_ne_bytes([size[0], size[1]]));
                Ok(Some(event.get(4..4 + size).unwrap_or(&[]).to_vec()))
            }
            Some(kind @ (GET_REPORT | SET_REPORT)) => {
                let (reply, error) = match kind {
                    GET_REPORT => (GET_REPORT_REPLY, EIO),
                    _ => {
                        self.features.push(set_report(event));
                        (SET_REPORT_REPLY, 0)
                    }
                };
                let mut answer = reply.to_ne_bytes().to_vec();
                answer.extend(word(4).unwrap_or_default());
                answer.extend(error.to_ne_bytes());
                // "Get" has a length behind the error.
                answer.extend([0, 0]);
                self.kernel.write_all(&answer)?;
                Ok(None)
            }
            _ => Ok(None),
        }
    }
}

/// The report in a "set": behind number, id and kind stand its length and its bytes.
fn set_report(event: &[u8]) -> Vec<u8> {
    let size = event.get(10..12).unwrap_or(&[0, 0]);
    let size = usize::from(u16::from_ne_bytes([size[0], size[1]]));
    event.get(12..12 + size).unwrap_or(&[]).to_vec()
}

impl Drop for UhidDevice {
    fn drop(&mut self) {
        // Closing does it too; a failure leaves nothing to be done.
        let _closed_next = self.kernel.write_all(&DESTROY.to_ne_bytes());
    }
}

/// The event that makes a device: name, place, serial number, length of the descriptor, bus, vendor,
/// product, version, country, descriptor.
fn creation(unit: &HidUnit) -> Vec<u8> {
    let mut event = vec![0; EVENT_BYTES];
    let mut put = |at: usize, bytes: &[u8]| {
        if let Some(cells) = event.get_mut(at..at + bytes.len()) {
            cells.copy_from_slice(bytes);
        }
    };
    let text = |text: &str, length: usize| -> Vec<u8> { text.bytes().take(length - 1).collect() };
    put(0, &CREATE.to_ne_bytes());
    put(4, &text(&unit.name, 128));
    put(4 + 128, &text(&format!("sim/{}", unit.serial), 64));
    put(4 + 192, &text(&unit.serial, 64));
    let length = u16::try_from(unit.descriptor.len()).unwrap_or(0);
    put(4 + 256, &length.to_ne_bytes());
    put(4 + 258, &BUS_USB.to_ne_bytes());
    put(4 + 260, &u32::from(unit.vendor).to_ne_bytes());
    put(4 + 264, &u32::from(unit.product).to_ne_bytes());
    put(4 + 268, &0x0100_u32.to_ne_bytes());
    put(4 + 276, &unit.descriptor);
    event
}

#[cfg(test)]
mod tests {
    use super::*;
    use shelf_codecs::scanner::hid_pos::descriptor::{Direction, parse};

    #[test]
    fn the_units_describe_what_they_are() {
        let application = |unit: HidUnit| parse(&unit.descriptor).fields[0].application;
        assert_eq!(application(HidUnit::pos_scanner("1")), 0x8C_0002);
        assert_eq!(application(HidUnit::ibm_oem_scanner("1")), 0xFF45_4B00);
        assert_eq!(application(HidUnit::keyboard_wedge("1")), 0x01_0006);
        let sound = parse(&HidUnit::pos_scanner("1").descriptor);
        let outputs = sound
            .fields
            .iter()
            .filter(|it| it.direction == Direction::Output && !it.constant);
        let usages: Vec<(u8, u32, u32)> = outputs
            .map(|it| (it.report_id, it.usage, it.bit_offset))
            .collect();
        assert_eq!(usages, [(5, 0x8C_0086, 0), (5, 0x8C_0087, 1)]);
    }

    #[test]
    fn the_creation_event_has_its_parts_where_the_kernel_looks() {
        let unit = HidUnit::keyboard_wedge("W-1");
        let event = creation(&unit);
        assert_eq!(event.len(), 4380);
        assert_eq!(&event[..4], [11, 0, 0, 0]);
        assert_eq!(&event[4..21], b"Sim Wedge Scanner");
        assert_eq!(&event[196..199], b"W-1");
        assert_eq!(event[260], u8::try_from(unit.descriptor.len()).unwrap());
        assert_eq!(&event[280..282], [5, 1]);
    }
}
