//! The storage in memory is a storage like any other.

use std::convert::Infallible;

use shelf_replica::conformance::{Subject, suite};
use shelf_replica::memory::MemoryStore;
use shelf_replica::store::Store;

#[derive(Default)]
struct Memory(MemoryStore);

impl Subject for Memory {
    type Error = Infallible;

    fn reset(&mut self) {
        self.0 = MemoryStore::new();
    }

    fn transaction(
        &mut self,
        commit: bool,
        body: &mut dyn FnMut(&mut dyn Store<Error = Infallible>),
    ) {
        let mut work = self.0.clone();
        body(&mut work);
        if commit {
            self.0 = work;
        }
    }
}

#[test]
fn memory_passes_the_conformance_suite() {
    suite(&mut Memory::default());
}
