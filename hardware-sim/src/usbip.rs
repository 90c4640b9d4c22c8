//! USB devices that the kernel takes for real ones, through its USB/IP host controller (`vhci-hcd`):
//! no network and no tools, one end of a socket pair is given to the kernel and a thread answers its
//! transfers on the other. The test decides every byte, stall and unplugging. It needs root and the
//! module. What a device is and how it answers is a [`UsbModel`]; the ones that there are: [`models`].
//!
//! Source: Linux `Documentation/usb/usbip_protocol.rst`.

#![allow(
    clippy::disallowed_methods,
    reason = "this module writes the controller's files in sysfs"
)]

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

pub mod models;

const CONTROLLER: &str = "/sys/devices/platform/vhci_hcd.0";
const SUBMIT: u32 = 1;
const UNLINK: u32 = 2;
const SUBMIT_REPLY: u32 = 3;
const UNLINK_REPLY: u32 = 4;
const HEADER_BYTES: usize = 48;
/// "Stall": the device doesn't know the request.
const EPIPE: i32 = -32;
/// A transfer that was waiting has been taken back.
const ECONNRESET: i32 = -104;
const SPEED_HIGH: u32 = 3;
/// Ports of the controller for devices of that speed.
pub const PORTS: u32 = 8;
/// Longest transfer that is taken, in bytes.
const TRANSFER_BYTES_MAX: usize = 1024 * 1024;

/// The eight bytes of a control transfer's set-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setup {
    /// Direction, kind and recipient.
    pub request_type: u8,
    /// Which request.
    pub request: u8,
    /// Its value.
    pub value: u16,
    /// Its index.
    pub index: u16,
    /// How many bytes follow or are wanted.
    pub length: u16,
}

/// What a device is and how it answers.
pub trait UsbModel: Send {
    /// The device descriptor.
    fn device(&self) -> Vec<u8>;
    /// The configuration with its interfaces and endpoints.
    fn configuration(&self) -> Vec<u8>;
    /// Texts by index, from 1.
    fn text(&self, index: u8) -> Option<String>;
    /// A request of its class or maker; `None` stalls.
    fn control(&mut self, setup: Setup, data: &[u8]) -> Option<Vec<u8>>;
    /// The host took it into use: after it was plugged in, and after each reset.
    fn configured(&mut self) {}
    /// Bytes from the host at an endpoint.
    fn output(&mut self, endpoint: u8, bytes: &[u8]);
    /// Bytes for the host at an endpoint, at most so many; `None` while there are none.
    fn input(&mut self, endpoint: u8, bytes_max: usize) -> Option<Vec<u8>>;
}

/// A device that is plugged in; dropping it unplugs it.
#[derive(Debug)]
pub struct UsbDevice<M> {
    port: u32,
    model: Arc<Mutex<M>>,
    /// Our end of the pair: shut to unplug, written to only by the thread.
    cable: UnixStream,
    /// Wakes the thread when the model has something to send.
    bell: UnixStream,
    thread: Option<JoinHandle<()>>,
}

impl<M: UsbModel + 'static> UsbDevice<M> {
    /// Plugs a device into a port of the controller, 0 to [`PORTS`].
    pub fn plug(model: M, port: u32) -> io::Result<Self> {
        let (kernel, ours) = UnixStream::pair()?;
        let (bell, ear) = UnixStream::pair()?;
        ear.set_nonblocking(true)?;
        let device_id = (1 << 16) | (port + 2);
        let order = format!("{port} {} {device_id} {SPEED_HIGH}\n", kernel.as_raw_fd());
        std::fs::write(format!("{CONTROLLER}/attach"), order)?;
        drop(kernel);
        let model = Arc::new(Mutex::new(model));
        let cable = ours.try_clone()?;
        let served = Arc::clone(&model);
        let thread = std::thread::Builder::new()
            .name(format!("usb {port}"))
            .spawn(move || {
                // The end of the cable, or a kernel that says nonsense: both are "unplugged".
                let _unplugged = Cable::new(ours, ear, served).serve();
            })?;
        Ok(Self {
            port,
            model,
            cable,
            bell,
            thread: Some(thread),
        })
    }

    /// Does something with the model, and lets it send what it has now.
    pub fn with<T>(&mut self, work: impl FnOnce(&mut M) -> T) -> io::Result<T> {
        let done = work(&mut self.model.lock().unwrap_or_else(PoisonError::into_inner));
        self.bell.write_all(&[1])?;
        Ok(done)
    }
}

impl<M> Drop for UsbDevice<M> {
    fn drop(&mut self) {
        // Either is enough; what fails has been unplugged already.
        let _told = std::fs::write(format!("{CONTROLLER}/detach"), format!("{}\n", self.port));
        let _shut = self.cable.shutdown(Shutdown::Both);
        if let Some(thread) = self.thread.take() {
            let _ended = thread.join();
        }
    }
}

/// A transfer towards the host that waits for bytes.
struct Waiting {
    seq: u32,
    endpoint: u8,
    bytes_max: usize,
}

struct Cable<M> {
    kernel: UnixStream,
    ear: UnixStream,
    model: Arc<Mutex<M>>,
    waiting: VecDeque<Waiting>,
}

fn word(header: &[u8; HEADER_BYTES], at: usize) -> u32 {
    let cells = header.get(at..at + 4).and_then(|it| it.try_into().ok());
    u32::from_be_bytes(cells.unwrap_or_default())
}

impl<M: UsbModel> Cable<M> {
    fn new(kernel: UnixStream, ear: UnixStream, model: Arc<Mutex<M>>) -> Self {
        Self {
            kernel,
            ear,
            model,
            waiting: VecDeque::new(),
        }
    }

    fn serve(&mut self) -> io::Result<()> {
        use rustix::event::{PollFd, PollFlags, poll};
        loop {
            let (transfer, rung) = {
                let mut fds = [
                    PollFd::new(&self.kernel, PollFlags::IN),
                    PollFd::new(&self.ear, PollFlags::IN),
                ];
                poll(&mut fds, None)?;
                (!fds[0].revents().is_empty(), !fds[1].revents().is_empty())
            };
            if rung {
                let mut rings = [0; 64];
                if self.ear.read(&mut rings).is_ok_and(|n| n == 0) {
                    return Ok(());
                }
            }
            if transfer {
                self.transfer()?;
            }
            self.complete()?;
        }
    }

    /// Takes one message of the kernel.
    fn transfer(&mut self) -> io::Result<()> {
        let mut header = [0; HEADER_BYTES];
        self.kernel.read_exact(&mut header)?;
        let seq = word(&header, 4);
        match word(&header, 0) {
            SUBMIT => self.submit(&header, seq),
            UNLINK => {
                let victim = word(&header, 20);
                let before = self.waiting.len();
                self.waiting.retain(|it| it.seq != victim);
                let taken_back = self.waiting.len() < before;
                let status = if taken_back { ECONNRESET } else { 0 };
                self.reply(UNLINK_REPLY, seq, status, &[], 0)
            }
            other => Err(io::Error::other(format!("USB/IP command {other}"))),
        }
    }

    fn submit(&mut self, header: &[u8; HEADER_BYTES], seq: u32) -> io::Result<()> {
        let inward = word(header, 12) == 1;
        let endpoint = u8::try_from(word(header, 16) & 0x0F).unwrap_or(0);
        let length = usize::try_from(word(header, 24)).unwrap_or(usize::MAX);
        let length = length.min(TRANSFER_BYTES_MAX);
        let mut data = Vec::new();
        if !inward {
            data.resize(length, 0);
            self.kernel.read_exact(&mut data)?;
        }
        let taken = u32::try_from(length).unwrap_or(0);
        match (endpoint, inward) {
            (0, _) => match self.control(header, &data) {
                Some(answer) if inward => self.reply(SUBMIT_REPLY, seq, 0, &answer, 0),
                Some(_) => self.reply(SUBMIT_REPLY, seq, 0, &[], taken),
                None => self.reply(SUBMIT_REPLY, seq, EPIPE, &[], 0),
            },
            (_, false) => {
                self.model().output(endpoint, &data);
                self.reply(SUBMIT_REPLY, seq, 0, &[], taken)
            }
            (_, true) => {
                self.waiting.push_back(Waiting {
                    seq,
                    endpoint,
                    bytes_max: length,
                });
                Ok(())
            }
        }
    }

    fn model(&self) -> std::sync::MutexGuard<'_, M> {
        self.model.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn control(&mut self, header: &[u8; HEADER_BYTES], data: &[u8]) -> Option<Vec<u8>> {
        let &[request_type, request, v0, v1, i0, i1, l0, l1] = header.get(40..48)? else {
            return None;
        };
        let setup = Setup {
            request_type,
            request,
            value: u16::from_le_bytes([v0, v1]),
            index: u16::from_le_bytes([i0, i1]),
            length: u16::from_le_bytes([l0, l1]),
        };
        let [index, kind] = setup.value.to_le_bytes();
        let mut model = self.model();
        let mut answer = match (request_type, request) {
            // Get descriptor: device, configuration, text.
            (0x80, 6) => match kind {
                1 => Some(model.device()),
                2 => Some(model.configuration()),
                3 if index == 0 => Some(vec![4, 3, 0x09, 0x04]),
                3 => model.text(index).map(|it| text_descriptor(&it)),
                _ => None,
            },
            // Get status; set configuration, interface; clear a halted endpoint.
            (0x80, 0) => Some(vec![1, 0]),
            (0x00, 9) => {
                model.configured();
                Some(Vec::new())
            }
            (0x01, 11) | (0x02, 1) => Some(Vec::new()),
            _ => model.control(setup, data),
        }?;
        answer.truncate(usize::from(setup.length));
        Some(answer)
    }

    /// Completes the waiting transfers for which the model has bytes now, oldest first.
    fn complete(&mut self) -> io::Result<()> {
        let mut still = VecDeque::new();
        while let Some(it) = self.waiting.pop_front() {
            let bytes = self.model().input(it.endpoint, it.bytes_max);
            match bytes {
                Some(bytes) => self.reply(SUBMIT_REPLY, it.seq, 0, &bytes, 0)?,
                None => still.push_back(it),
            }
        }
        self.waiting = still;
        Ok(())
    }

    /// `taken`: how many bytes of the host were taken, where there are none for it.
    fn reply(
        &mut self,
        kind: u32,
        seq: u32,
        status: i32,
        data: &[u8],
        taken: u32,
    ) -> io::Result<()> {
        let actual = u32::try_from(data.len()).unwrap_or(0).max(taken);
        let mut message = vec![0; HEADER_BYTES];
        let mut put = |at: usize, value: [u8; 4]| {
            if let Some(cells) = message.get_mut(at..at + 4) {
                cells.copy_from_slice(&value);
            }
        };
        put(0, kind.to_be_bytes());
        put(4, seq.to_be_bytes());
        put(20, status.to_be_bytes());
        if kind == SUBMIT_REPLY {
            put(24, actual.to_be_bytes());
            // Not isochronous.
            put(32, u32::MAX.to_be_bytes());
        }
        message.extend_from_slice(data);
        self.kernel.write_all(&message)
    }
}

fn text_descriptor(text: &str) -> Vec<u8> {
    let mut descriptor = vec![0, 3];
    descriptor.extend(text.encode_utf16().take(126).flat_map(u16::to_le_bytes));
    descriptor[0] = u8::try_from(descriptor.len()).unwrap_or(u8::MAX);
    descriptor
}
