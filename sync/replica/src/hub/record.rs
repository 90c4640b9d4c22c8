//! What the hub remembers of a PC between hellos, to tell a retry from a restored disk from a
//! clone.

use shelf_stock::identity::NodeId;

use crate::store::Store;

pub(super) const TOKEN_BYTES: usize = 16;
/// Hellos that came late or twice are known by their nonces; so many are remembered.
const NONCES: usize = 4;
/// So many times must two runs take turns: late hellos of a run that ended look like one turn.
pub(super) const CLONE_TURNS_MIN: u8 = 3;

const BYTES: usize = 1 + 2 * TOKEN_BYTES + 8 * NONCES + 8 * 3 + 3;
const FORMAT: u8 = 1;

pub(super) type Token = [u8; TOKEN_BYTES];

/// What the hub remembers of a PC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Record {
    /// Given at the last hello.
    pub(super) token: Token,
    /// Given at the hello before; still good, because the last answer may have been lost.
    pub(super) previous: Token,
    /// Of the last hellos, newest first.
    pub(super) nonces: [u64; NONCES],
    /// The run that said hello last, and the one before.
    pub(super) boot: u64,
    pub(super) previous_boot: u64,
    /// How many times the two took turns.
    pub(super) turns: u8,
    pub(super) epoch: u64,
    /// Up to which format the PC reads; 0 in records of versions that knew only one.
    pub(super) reads: u8,
    /// Two programs use the identity: neither is admitted until the operator has seen to it.
    pub(super) blocked: bool,
}

impl Record {
    pub(super) fn load<S: Store + ?Sized>(
        store: &S,
        node: NodeId,
    ) -> Result<Option<Self>, S::Error> {
        let bytes = store.state(&key(node))?;
        Ok(bytes.as_deref().and_then(Self::read))
    }

    pub(super) fn save<S: Store + ?Sized>(
        &self,
        store: &mut S,
        node: NodeId,
    ) -> Result<(), S::Error> {
        let mut bytes = Vec::with_capacity(BYTES);
        bytes.push(FORMAT);
        bytes.extend(self.token);
        bytes.extend(self.previous);
        for number in self
            .nonces
            .into_iter()
            .chain([self.boot, self.previous_boot, self.epoch])
        {
            bytes.extend(number.to_le_bytes());
        }
        bytes.extend([self.turns, self.reads, u8::from(self.blocked)]);
        store.set_state(&key(node), &bytes)
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (format, rest) = bytes.split_first()?;
        let (token, rest) = rest.split_first_chunk()?;
        let (previous, rest) = rest.split_first_chunk()?;
        let mut record = Self {
            token: *token,
            previous: *previous,
            ..Self::default()
        };
        let mut rest = rest;
        let mut number = || {
            let (bytes, after) = rest.split_first_chunk()?;
            rest = after;
            Some(u64::from_le_bytes(*bytes))
        };
        for nonce in &mut record.nonces {
            *nonce = number()?;
        }
        record.boot = number()?;
        record.previous_boot = number()?;
        record.epoch = number()?;
        record.turns = *rest.first()?;
        record.reads = rest.get(1).copied().unwrap_or(0);
        record.blocked = rest.get(2).is_some_and(|it| *it != 0);
        (*format == FORMAT).then_some(record)
    }

    /// Counts a hello of some run. Returns whether two runs have taken turns too often.
    pub(super) fn saw(&mut self, nonce: u64, boot: u64) -> bool {
        self.nonces.rotate_right(1);
        if let Some(newest) = self.nonces.first_mut() {
            *newest = nonce;
        }
        if boot == self.boot {
            return false;
        }
        self.turns = match boot == self.previous_boot {
            true => self.turns.saturating_add(1),
            false => 0,
        };
        (self.previous_boot, self.boot) = (self.boot, boot);
        self.turns >= CLONE_TURNS_MIN
    }
}

fn key(node: NodeId) -> String {
    format!("hub.node.{node}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::MemoryStore;

    #[test]
    fn a_record_is_kept() {
        let mut store = MemoryStore::new();
        let node = NodeId::from_bytes([3; 16]);
        let record = Record {
            token: [1; TOKEN_BYTES],
            previous: [2; TOKEN_BYTES],
            nonces: [1, 2, 3, 4],
            boot: 5,
            previous_boot: 6,
            turns: 2,
            epoch: 7,
            reads: 2,
            blocked: true,
        };
        record.save(&mut store, node).unwrap();
        assert_eq!(Record::load(&store, node).unwrap(), Some(record));
    }

    #[test]
    fn restarts_are_no_clone_and_turns_are() {
        let mut record = Record::default();
        assert!((1..9).all(|boot| !record.saw(boot, boot)));
        let turns = [8, 7, 8, 7, 8, 7].map(|boot| record.saw(100, boot));
        assert_eq!(turns, [false, false, false, true, true, true]);
    }
}
