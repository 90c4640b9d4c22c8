//! The structs that are checked in are what the schema says.
//!
//! They are checked in so that nobody needs a protobuf compiler to build, and so that a change of
//! the format shows in a review. `UPDATE_GENERATED=1 cargo test -p shelf-wire` rewrites them.

#![allow(clippy::unwrap_used, reason = "a failed test panics")]
#![allow(clippy::disallowed_methods, reason = "a test reads its own files")]

use std::path::Path;

/// What the module is, which the generator doesn't say.
const OPENING: &str = "\
//! The messages of `proto/shelf.proto` as structs: what is on the wire and nothing more.
//!
//! Never edited, never used outside of this crate: its other modules read these structs into types
//! that can't hold nonsense, and write them.
";

#[test]
fn the_generated_structs_are_fresh() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let schema = protox::compile(["shelf.proto"], [root.join("proto")]).unwrap();
    let out = tempfile::tempdir().unwrap();
    prost_build::Config::new()
        .out_dir(out.path())
        .compile_fds(schema)
        .unwrap();
    let fresh = std::fs::read_to_string(out.path().join("shelf.v1.rs")).unwrap();
    let (mark, structs) = fresh.split_once('\n').unwrap();
    let fresh = format!("{mark}\n{OPENING}\n{structs}");
    let checked_in = root.join("src/generated.rs");
    if std::env::var("UPDATE_GENERATED").is_ok() {
        std::fs::write(&checked_in, &fresh).unwrap();
    }
    let held = std::fs::read_to_string(&checked_in).unwrap();
    assert!(
        held == fresh,
        "src/generated.rs is not what proto/shelf.proto says"
    );
}
