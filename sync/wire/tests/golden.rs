//! What was once sent stays readable, and is still written the same way.
//!
//! The files in `golden/` are the bytes of format 1. A change that makes this test fail is a
//! change of the format. `UPDATE_GOLDEN=1 cargo test -p shelf-wire` writes missing files; files
//! that exist are never rewritten.

#![allow(clippy::unwrap_used, reason = "a failed test panics")]
#![allow(clippy::disallowed_methods, reason = "a test reads its own files")]

mod samples;

use std::path::PathBuf;

use shelf_wire::document;
use shelf_wire::frame::{pack, unpack};

fn check(name: &str, bytes: &[u8]) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("golden/{name}.hex"));
    let lines: Vec<String> = bytes
        .chunks(32)
        .map(|it| it.iter().map(|byte| format!("{byte:02x}")).collect())
        .collect();
    let text = lines.join("\n") + "\n";
    if !path.exists() && std::env::var("UPDATE_GOLDEN").is_ok() {
        std::fs::write(&path, &text).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text, golden, "{name}: the format has changed");
}

#[test]
fn documents_are_written_as_ever() {
    let bytes = document::encode(&samples::sale());
    check("document_sale", &bytes);
    assert_eq!(document::decode(&bytes).unwrap(), samples::sale());
}

#[test]
fn messages_are_written_as_ever() {
    for (name, message) in samples::messages() {
        let frame = pack(&message).unwrap();
        check(name, &frame);
        assert_eq!(unpack(&frame).unwrap(), message, "{name}");
    }
}
