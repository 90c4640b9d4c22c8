//! The cable of a simulated payment terminal: counts what passes, and breaks after a byte on demand, so that a
//! test can pull it everywhere.

/// From whom bytes come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the cash register.
    ToTerminal,
    /// From the terminal.
    FromTerminal,
}

/// Ends the connection after so many bytes of one direction, counted over all connections. Once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// Whose bytes are counted.
    pub direction: Direction,
    /// How many of them still arrive.
    pub after_bytes: u64,
}

/// Bytes that passed so far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Traffic {
    to_terminal: u64,
    from_terminal: u64,
}

impl Traffic {
    /// Bytes taken and sent by the terminal.
    pub(crate) fn bytes_in_out(self) -> (u64, u64) {
        (self.to_terminal, self.from_terminal)
    }

    /// What of these bytes arrives, and whether the cable breaks behind them; a cut is used up.
    pub(crate) fn pass(
        &mut self,
        cut: &mut Option<Cut>,
        direction: Direction,
        bytes: &[u8],
    ) -> (Vec<u8>, bool) {
        let so_far = match direction {
            Direction::ToTerminal => &mut self.to_terminal,
            Direction::FromTerminal => &mut self.from_terminal,
        };
        let left = cut
            .filter(|it| it.direction == direction)
            .map(|it| usize::try_from(it.after_bytes.saturating_sub(*so_far)).unwrap_or(usize::MAX))
            .filter(|left| bytes.len() >= *left);
        let kept = left.and_then(|it| bytes.get(..it)).unwrap_or(bytes);
        *so_far += kept.len() as u64;
        if left.is_some() {
            *cut = None;
        }
        (kept.to_vec(), left.is_some())
    }
}
