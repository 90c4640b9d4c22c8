//! Any bits as an EPC: what is read is written and read the same again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use shelf_codecs::epc::Tag;

fuzz_target!(|input: &[u8]| {
    if let Ok(tag) = Tag::decode(input) {
        let again = tag.encode().expect("what was read can be written");
        assert_eq!(Tag::decode(again.as_slice()), Ok(tag));
    }
});
