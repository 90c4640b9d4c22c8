//! interim
use crate::decoder::{Decoded, Decoder, Fault, Scan};
use crate::driver::{Command, Driver, LineScannerConfig};
use crate::serial::SerialOpener;
use crate::transport::Opener;
use std::collections::VecDeque;
use std::time::Duration;

#[derive(Default)]
struct Interim {
    line: Vec<u8>,
    out: VecDeque<Decoded>,
}
impl Decoder for Interim {
    fn push(&mut self, bytes: &[u8]) {
        for &b in bytes {
            if b == b'\r' || b == b'\n' {
                if !self.line.is_empty() {
                    let data = std::mem::take(&mut self.line);
                    self.out.push_back(Decoded::Scan(Scan {
                        data,
                        aim: None,
                        terminated: true,
                    }));
                }
            } else {
                self.line.push(b);
            }
        }
    }
    fn next(&mut self) -> Option<Decoded> {
        self.out.pop_front()
    }
    fn flush_idle(&mut self) {
        let data = std::mem::take(&mut self.line);
        self.out.push_back(Decoded::Scan(Scan {
            data,
            aim: None,
            terminated: false,
        }));
    }
    fn idle_flush_after(&self) -> Option<Duration> {
        (!self.line.is_empty()).then_some(Duration::from_millis(50))
    }
    fn cut_off(&mut self) -> Option<Fault> {
        let raw = std::mem::take(&mut self.line);
        (!raw.is_empty()).then(|| Fault {
            reason: "cut off".into(),
            raw,
        })
    }
}
impl Driver for LineScannerConfig {
    fn opener(&self) -> Box<dyn Opener> {
        Box::new(SerialOpener::new(self.serial))
    }
    fn decoder(&self) -> Box<dyn Decoder> {
        Box::new(Interim::default())
    }
    fn encode(&self, command: &Command) -> Vec<u8> {
        match command {
            Command::Accepted => self.accepted_bytes.clone(),
            Command::Refused => self.refused_bytes.clone(),
            Command::Write(b) => b.clone(),
        }
    }
}
impl Decoded {
    pub(crate) fn masked(&self) -> Vec<u8> {
        match self {
            Self::Scan(s) => s.data.clone(),
            Self::Fault(f) => f.raw.clone(),
        }
    }
}
