//! Any bytes to every scale: bounded, no panic, only weights above zero.
#![no_main]

use libfuzzer_sys::fuzz_target;
use shelf_codecs::scale::{Protocol, Reading, ScaleConfig, ScaleDecoder, ScaleItem};

fuzz_target!(|input: &[u8]| {
    for (_, protocol) in Protocol::NAMES {
        let mut decoder = ScaleDecoder::new(ScaleConfig::new(protocol));
        input.chunks(64).for_each(|piece| decoder.push(piece));
        decoder.silence();
        for item in decoder {
            if let ScaleItem::Reading(Reading::Stable(weight)) = item {
                assert!(weight.thousandths > 0);
            }
        }
    }
});
