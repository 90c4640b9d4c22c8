//! What was once sent stays readable, and is still written the same way.
//!
//! The files in `golden/` are the bytes of format 1, `*_packed` those of format 2. A change that makes this test fail is a
//! change of the format. `UPDATE_GOLDEN=1 cargo test -p shelf-wire` writes missing files; files
//! that exist are never rewritten.

#![allow(clippy::unwrap_used, reason = "a failed test panics")]
#![allow(clippy::disallowed_methods, reason = "a test reads its own files")]

mod samples;

use std::path::PathBuf;

use shelf_wire::document;
use shelf_wire::frame::{FORMAT_COLUMNS, FORMAT_PLAIN, pack, pack_for, unpack};
use shelf_wire::message::{Hello, Message};

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

#[test]
fn documents_in_columns_are_written_as_ever_and_only_to_who_reads_them() {
    let message = Message::LogBatch(samples::backlog_batch());
    let packed = pack_for(&message, FORMAT_COLUMNS.into()).unwrap();
    check("log_batch_packed", &packed);
    assert_eq!(packed[0] >> 4, FORMAT_COLUMNS);
    assert_eq!(unpack(&packed).unwrap(), message);
    let plain = pack_for(&message, FORMAT_PLAIN.into()).unwrap();
    check("log_batch_backlog", &plain);
    assert_eq!(plain[0] >> 4, FORMAT_PLAIN);
    assert_eq!(unpack(&plain).unwrap(), message);
    assert!(packed.len() < plain.len());
}

#[test]
fn a_hello_says_what_it_reads_in_a_field_that_older_hubs_pass_over() {
    let hello = Hello::new(samples::key().public_key(), 42).signed(&samples::key());
    assert_eq!((hello.format, hello.reads), (1, 2));
    let message = Message::Hello(Box::new(hello));
    let frame = pack(&message).unwrap();
    check("hello_reads", &frame);
    assert_eq!(unpack(&frame).unwrap(), message);
}
