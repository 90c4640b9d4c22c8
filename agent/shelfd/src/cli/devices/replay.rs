//! `shelfd devices replay`: what the frames of a journal mean, read again by the decoders of this program,
//! on another PC and without the device: the bytes that the device sent, where the journal kept them, with the
//! device's settings and its report descriptor, else the frame that was made of them then. Where today's rules make
//! something else of the bytes, both are said. What was masked stays masked, and can't be judged again.

use std::io::Read as _;
use std::path::Path;

use serde::Serialize;
use shelf_codecs::barcode::{Barcode, PrefixScheme, interpret};
use shelf_codecs::scanner::line::{LineConfig, LineDecoder, LineItem};
use shelf_devices::config::DeviceKind;
use shelf_devices::doctor::framing_of;
use shelf_devices::replay;

use super::super::Failure;
use super::super::ask::{moment, print};
use crate::config::devices::kind_of;
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
    /// What today's decoders make of the bytes, where they were kept; none where that is what was made then.
    #[serde(skip_serializing_if = "Option::is_none")]
    today: Option<String>,
}

/// How the device's bytes are read.
struct Reader {
    kind: DeviceKind,
    descriptor: Vec<u8>,
    vendor_id: u16,
}

impl Reader {
    /// By the journal's settings; a journal of an older program has none, and its frames are read as lines.
    fn of(journal: &FrameJournal) -> Result<Option<Self>, Failure> {
        let Some(settings) = &journal.settings else {
            return Ok(None);
        };
        let kind = kind_of(settings).map_err(Failure::configuration)?;
        let digits = journal.descriptor.as_bytes().chunks(2);
        let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
        Ok(Some(Self {
            kind,
            descriptor: digits.filter_map(byte).collect(),
            vendor_id: journal.vendor_id,
        }))
    }

    /// What the bytes of a frame are today: the texts of what comes out.
    fn read(&self, frame: &Frame) -> Option<String> {
        if frame.raw.is_empty() || frame.direction == "out" {
            return None;
        }
        let pieces: Vec<Vec<u8>> = frame.raw.iter().map(|it| unescaped(it)).collect();
        let items = replay::read(&self.kind, &self.descriptor, self.vendor_id, &pieces)?;
        let texts: Vec<String> = items.iter().map(|it| it.journal_text().0).collect();
        Some(texts.join("; "))
    }

    /// What differs from then, in words.
    fn difference(&self, frame: &Frame) -> Option<String> {
        let today = self.read(frame)?;
        // A weight that nobody asks for is shown and not told.
        let same = today == frame.text || today.strip_prefix("shows ") == Some(&frame.text);
        let is_masked = frame.raw.iter().any(|it| it.contains('*'));
        match (same, is_masked) {
            (true, _) => None,
            (false, true) if frame.text.contains('*') => None,
            (false, true) => Some("its bytes are masked: can't be judged again".to_owned()),
            (false, false) if today.is_empty() => Some("nothing".to_owned()),
            (false, false) => Some(today),
        }
    }
}

pub(super) fn run(file: &Path, json: bool) -> Result<(), Failure> {
    let text = read(file)?;
    let journal: FrameJournal = serde_json::from_str(&text).map_err(|error| {
        Failure::new(error).hint("save one with `shelfd devices journal NAME --json > FILE`")
    })?;
    let advice = framing_of(journal.frames.iter().map(|it| it.text.as_str())).advice();
    let reader = Reader::of(&journal)?;
    let frames: Vec<Meaning> = journal
        .frames
        .into_iter()
        .map(|frame| Meaning {
            today: reader.as_ref().and_then(|it| it.difference(&frame)),
            ..meaning(frame)
        })
        .collect();
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
        if let Some(today) = &it.today {
            println!("    DIFFERENT today: {today}");
        }
    }
    let different = frames.iter().filter(|it| it.today.is_some()).count();
    if different > 0 {
        println!(
            "\n{different} of {} frames are read differently by this program",
            frames.len()
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
    Meaning {
        frame,
        meaning,
        today: None,
    }
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
    use shelf_codecs::scanner::hid_pos::descriptor::parse;
    use shelf_codecs::scanner::hid_pos::{Layout, SAMPLE_DESCRIPTOR, encode};
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
                raw: Vec::new(),
            };
            let said = meaning(frame).meaning;
            assert!(said.starts_with(expected), "{text}: {said}");
        }
    }

    #[test]
    fn bytes_are_read_again_and_a_difference_is_said() {
        let reader = |kind: &str, descriptor: &[u8]| {
            let journal = serde_json::json!({
                "device": "it", "kind": kind, "frames": [],
                "settings": { "name": "it", "kind": kind, "select": "serial:1" },
                "descriptor": descriptor.iter().map(|it| format!("{it:02X}")).collect::<String>(),
            });
            let journal: FrameJournal = serde_json::from_value(journal).unwrap();
            Reader::of(&journal).unwrap().unwrap()
        };
        let frame = |text: &str, raw: &[&[u8]]| Frame {
            at: Timestamp::from_millis(0),
            direction: "in".into(),
            text: text.into(),
            length_bytes: text.len() as u64,
            raw: raw.iter().map(|it| it.escape_ascii().to_string()).collect(),
        };
        let line = reader("scanner", b"");
        assert_eq!(
            line.difference(&frame("4006381333931", &[b"]E04006381333931\r"])),
            None
        );
        // An earlier program left the prefix in.
        let earlier = frame("]E04006381333931", &[b"]E04006381333931\r"]);
        assert_eq!(line.difference(&earlier).as_deref(), Some("4006381333931"));
        let masked = frame("4006381333931", &[b"*************\r"]);
        assert!(line.difference(&masked).unwrap().contains("masked"));
        assert_eq!(line.difference(&frame("4006381333931", &[])), None);
        let hid = reader("hid_scanner", SAMPLE_DESCRIPTOR);
        let layouts = Layout::resolve(&parse(SAMPLE_DESCRIPTOR), 0);
        let reports = encode(&layouts[0], b"4006381333931", None, 0);
        let reports: Vec<&[u8]> = reports.iter().map(Vec::as_slice).collect();
        assert_eq!(hid.difference(&frame("4006381333931", &reports)), None);
        let cut = hid.difference(&frame("400638", &reports));
        assert_eq!(cut.as_deref(), Some("4006381333931"));
    }
}
