//! Any bytes as an LLRP stream and as a report: nothing panics, and what is read is written and read the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use shelf_codecs::llrp::{Frame, FrameDecoder, FrameItem, Message, TagReports};

fuzz_target!(|input: &[u8]| {
    let mut decoder = FrameDecoder::new();
    decoder.push(input);
    while let Some(item) = decoder.next_item() {
        let FrameItem::Frame(frame) = item else { continue };
        let _tags = TagReports::new(frame.body).count();
        if let Ok(message) = Message::read(&frame) {
            let wire = message.encode(frame.id);
            let (again, _) = Frame::split(&wire).expect("our own frame");
            assert_eq!(Message::read(&again), Ok(message));
        }
    }
    let _tags = TagReports::new(input).count();
});
