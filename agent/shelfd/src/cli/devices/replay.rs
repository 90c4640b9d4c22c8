//! `shelfd devices replay`: what the frames of a journal mean, read again by the decoders of this program,
//! on another PC and without the device. What was masked stays masked.

use std::io::Read as _;
use std::path::Path;

use serde::Serialize;
use shelf_codecs::barcode::{Barcode, PrefixScheme, interpret};
use shelf_codecs::scanner::line::{LineConfig, LineDecoder, LineItem};
use shelf_devices::doctor::framing_of;

use super::super::Failure;
use super::super::ask::{moment, print};
use crate::daemon::devices::{Frame, FrameJournal};
use crate::platform::files;

/// The most bytes of a journal that are read.
const JOURNAL_BYTES_MAX: u64 = 1024 * 1024;

/// A frame with what it means.
#[derive(Debug, Serialize)]
struct Meaning {
    #[serde(flatten)]
    frame: Frame,
    /// In words.
    meaning: String,
}

pub(super) fn run(file: &Path, json: bool) -> Result<(), Failure> {
    let text = read(file)?;
    let journal: FrameJournal = serde_json::from_str(&text).map_err(|error| {
        Failure::new(error).hint("save one with `shelfd devices journal NAME --json > FILE`")
    })?;
    let advice = framing_of(journal.frames.iter().map(|it| it.text.as_str())).advice();
    let frames: Vec<Meaning> = journal.frames.into_iter().map(meaning).collect();
    if json {
        let all = serde_json::json!({
            "device": journal.device, "kind": journal.kind, "frames": frames, "advice": advice,
        });
        return print(&all);
    }
    for it in &frames {
        println!(
            "{} {}\n    {}",
            moment(it.frame.at),
            it.frame.text,
            it.meaning
        );
    }
    if let Some(advice) = advice {
        println!("\n{advice}");
    }
    Ok(())
}

fn read(file: &Path) -> Result<String, Failure> {
    if file != Path::new("-") {
        return files::read_text(file).map_err(Failure::new);
    }
    let mut text = String::new();
    let mut input = std::io::stdin().lock().take(JOURNAL_BYTES_MAX);
    input.read_to_string(&mut text).map_err(Failure::new)?;
    Ok(text)
}

fn meaning(frame: Frame) -> Meaning {
    let bytes = unescaped(&frame.text);
    let meaning = match frame.direction.as_str() {
        "out" => "sent to the device".to_owned(),
        _ if (bytes.len() as u64) < frame.length_bytes => {
            format!(
                "{} bytes, of which the journal kept {}",
                frame.length_bytes,
                bytes.len()
            )
        }
        _ => decoded(&bytes),
    };
    Meaning { frame, meaning }
}

/// What the decoder of lines and the rules of barcodes make of a frame.
fn decoded(bytes: &[u8]) -> String {
    let mut lines = LineDecoder::new(LineConfig::default());
    lines.push(bytes);
    lines.push(b"\r");
    let mut said = Vec::new();
    for item in lines {
        said.push(match item {
            LineItem::Scan(scan) => words(&interpret(&scan.text(PrefixScheme::Aim), &[])),
            LineItem::Fault(fault) => format!("no scan: {}", fault.reason),
        });
    }
    match said.is_empty() {
        true => "nothing".to_owned(),
        false => said.join("; "),
    }
}

fn words(barcode: &Barcode) -> String {
    match barcode {
        Barcode::Gtin(gtin) => format!("article {gtin}"),
        Barcode::Gs1(elements) => match elements.gtin() {
            Some(gtin) => format!("GS1 element string of article {gtin}"),
            None => "GS1 element string without an article".to_owned(),
        },
        Barcode::Refused(_) => "a payment means: never used".to_owned(),
        Barcode::Bad { reason, .. } => format!("not usable: {reason}"),
        Barcode::Ambiguous8(_) => "eight digits, valid as EAN-8 and as UPC-E".to_owned(),
        Barcode::Internal(_) => "a code that means something only in its store".to_owned(),
        other => format!("{other:?}").chars().take(120).collect(),
    }
}

/// Back from the journal's text to bytes.
fn unescaped(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let (byte, after) = match (first, tail) {
            (b'\\', [b'x', high, low, after @ ..]) => {
                let digit = |it: u8| char::from(it).to_digit(16).unwrap_or_default();
                (
                    u8::try_from(digit(*high) * 16 + digit(*low)).unwrap_or_default(),
                    after,
                )
            }
            (b'\\', [b'r', after @ ..]) => (b'\r', after),
            (b'\\', [b'n', after @ ..]) => (b'\n', after),
            (b'\\', [b't', after @ ..]) => (b'\t', after),
            (b'\\', [other, after @ ..]) => (*other, after),
            (first, after) => (first, after),
        };
        bytes.push(byte);
        rest = after;
    }
    bytes
}

#[cfg(test)]
mod tests {
    use shelf_stock::time::Timestamp;

    use super::*;

    #[test]
    fn what_was_escaped_comes_back_byte_by_byte() {
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(unescaped(&all.escape_ascii().to_string()), all);
        for odd in ["\\", "\\x", "\\x1", "\\xzz"] {
            let _no_panic = unescaped(odd);
        }
    }

    #[test]
    fn frames_are_read_again_with_todays_rules() {
        for (text, length_bytes, expected) in [
            ("4006381333931", 13, "article 04006381333931"),
            ("4006381333935", 13, "not usable: no article number"),
            ("]C10104006381333931", 19, "GS1 element string of article"),
            ("\\x02\\x07", 2, "no scan: "),
            ("40063", 300, "300 bytes, of which the journal kept 5"),
        ] {
            let frame = Frame {
                at: Timestamp::from_millis(0),
                direction: "in".into(),
                text: text.into(),
                length_bytes,
            };
            let said = meaning(frame).meaning;
            assert!(said.starts_with(expected), "{text}: {said}");
        }
    }
}
