//! Any bytes as columns, and any bytes as a document: reading returns within its limits, and
//! what is packed comes back.
#![no_main]

use libfuzzer_sys::fuzz_target;
use shelf_wire::columnar::{BODIES_BYTES_MAX, pack, unpack};

fuzz_target!(|input: &[u8]| {
    if let Ok(bodies) = unpack(input) {
        assert!(bodies.iter().map(Vec::len).sum::<usize>() <= BODIES_BYTES_MAX);
    }
    let bodies: Vec<Vec<u8>> = input.chunks(64).map(<[u8]>::to_vec).collect();
    for bodies in [vec![input.to_vec()], bodies] {
        if let Some(packed) = pack(&bodies) {
            assert_eq!(unpack(&packed.bytes).as_ref(), Ok(&bodies));
        }
    }
});
