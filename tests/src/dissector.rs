//! Our frames read by another decoder: Wireshark's dissectors, fed with frames as if they had crossed
//! a TCP connection.
//!
//! Without its programs a test fails: an unchecked format is not a checked one. Nothing here judges
//! what the dissector says.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a fixture writes a file, runs another program, and fails its test"
)]

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

/// A protocol as the dissector knows it.
#[derive(Clone, Copy, Debug)]
pub struct Protocol {
    /// Its name there.
    pub name: &'static str,
    /// The TCP port that the frames come from.
    pub port: u16,
    /// `a` for every occurrence of a field in a frame, separated by commas; `f` for the first.
    pub occurrence: char,
}

impl Protocol {
    /// The values of these fields, one row for each frame.
    #[must_use]
    pub fn dissect<'a>(
        &self,
        frames: impl IntoIterator<Item = &'a [u8]>,
        fields: &[&str],
    ) -> Vec<Vec<String>> {
        let directory = tempfile::tempdir().unwrap();
        let mut dump = String::new();
        for bytes in frames {
            dump.push_str("000000");
            for byte in bytes {
                write!(dump, " {byte:02X}").unwrap();
            }
            dump.push('\n');
        }
        std::fs::write(directory.path().join("frames.txt"), dump).unwrap();
        let ports = format!("{},40000", self.port);
        let wrap = ["-q", "-T", &ports, "frames.txt", "frames.pcap"];
        run("text2pcap", &wrap, directory.path());
        let decode = format!("tcp.port=={},{}", self.port, self.name);
        let occurrence = format!("occurrence={}", self.occurrence);
        let mut arguments = vec!["-r", "frames.pcap", "-d", &decode, "-T", "fields"];
        arguments.extend(["-E", &occurrence, "-E", "aggregator=,"]);
        arguments.extend(fields.iter().flat_map(|field| ["-e", field]));
        let rows = run("tshark", &arguments, directory.path());
        rows.lines()
            .map(|row| row.split('\t').map(str::to_owned).collect())
            .collect()
    }
}

fn run(program: &str, arguments: &[&str], directory: &Path) -> String {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(directory)
        .output()
        .unwrap_or_else(|e| {
            panic!(
                "{program} cannot be run ({e}). This check needs Wireshark's tools: install the package \
                 tshark, then run `cargo xtask test` again"
            )
        });
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}
