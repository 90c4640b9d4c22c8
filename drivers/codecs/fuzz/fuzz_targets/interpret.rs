//! Any text through interpretation, element strings, Digital Links and masking.
#![no_main]

use libfuzzer_sys::fuzz_target;
use shelf_codecs::barcode::{MeasureTemplate, MeasureUnit, PrefixScheme, interpret};
use shelf_codecs::gs1::Elements;
use shelf_codecs::gs1::digital_link::{LinkOptions, to_element_string};
use shelf_codecs::redact::{mask_frame_hex, mask_text};

fuzz_target!(|input: &[u8]| {
    let template = MeasureTemplate::letters("21IIIIIWWWWWC", MeasureUnit::Kilogram, 3);
    let templates: Vec<_> = template.into_iter().collect();
    for scheme in [PrefixScheme::Aim, PrefixScheme::None, PrefixScheme::Honeywell] {
        let _meaning = interpret(&scheme.split(input), &templates);
    }
    let text = String::from_utf8_lossy(input);
    if let Ok(elements) = Elements::parse(&text) {
        let _checked = elements.check_pairings();
        assert!(elements.iter().all(|element| text.contains(element.value)));
    }
    if let Ok(elements) = to_element_string(&text, LinkOptions { zero_suppressed_gtin: true }) {
        assert!(Elements::parse(&elements).is_ok());
    }
    let masked = mask_text(&text);
    assert!(!masked.as_bytes().windows(6).any(|w| w.iter().all(u8::is_ascii_digit)));
    let _hex = mask_frame_hex(input);
});
